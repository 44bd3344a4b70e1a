"""Reading films, judging and drawing them."""

from xraycore.errors import RadiographError
from xraycore.imaging.radiograph import Radiograph, RadiographInfo, read_radiograph

__all__ = ["Radiograph", "RadiographError", "RadiographInfo", "read_radiograph"]
