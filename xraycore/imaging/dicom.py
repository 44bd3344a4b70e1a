"""stub"""

from xraycore.imaging.decoded import Decoded
from xraycore.imaging.errors import RadiographError


def looks_like_dicom(data: bytes) -> bool:
    return data[128:132] == b"DICM"


def decode_dicom(data: bytes, name: str) -> Decoded:
    raise RadiographError("DICOM to come")
