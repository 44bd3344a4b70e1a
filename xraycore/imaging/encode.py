"""Pictures as PNG or JPEG bytes, and as addresses that need no file."""

import base64

import cv2
import numpy as np

from xraycore.errors import ArgumentError

# What OpenCV writes is blue first; by the number of channels.
_FROM_RGB = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}


def encode_png(picture: np.ndarray) -> bytes:
    """The PNG file of a uint8 picture: grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4).

    Raises:
        ArgumentError: If it is no such picture.
    """
    return _encode(".png", picture, [])


def encode_jpeg(picture: np.ndarray, quality: int = 92) -> bytes:
    """The JPEG file of a uint8 picture, grey (H, W) or RGB (H, W, 3); at 92 nothing seen is lost.

    Args:
        picture: What is encoded.
        quality: In [0, 100].

    Raises:
        ArgumentError: If it is no such picture.
    """
    return _encode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])


def data_url(encoded: bytes) -> str:
    """An address that holds the picture itself: a `data:` URL of PNG or JPEG bytes."""
    kind = "png" if encoded.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"


def _encode(suffix: str, picture: np.ndarray, options: list[int]) -> bytes:
    channels = picture.shape[2] if picture.ndim == 3 else None
    known = picture.ndim == 2 or channels in _FROM_RGB and (channels == 3 or suffix == ".png")
    if picture.dtype != np.uint8 or not known or not picture.size:
        raise ArgumentError(
            f"expected a uint8 picture, grey or RGB, to encode as {suffix[1:]}. "
            f"Received: {picture.dtype} {picture.shape}"
        )
    own = cv2.cvtColor(picture, _FROM_RGB[channels]) if channels else picture
    done, data = cv2.imencode(suffix, own, options)
    if not done:
        raise RuntimeError(f"OpenCV could not encode a picture {picture.shape} as {suffix[1:]}.")
    return data.tobytes()
