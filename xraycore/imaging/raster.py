"""JPEG, PNG, TIFF, BMP and WebP bytes to grey pixels, through Pillow."""

import io
import re

import cv2
import numpy as np
from PIL import Image, ImageOps

from xraycore.errors import ArgumentError, RadiographError
from xraycore.imaging.decoding import MAX_PIXELS, Decoded, check_size
from xraycore.imaging.quality import colour_warnings

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")

WIDE_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I")
NARROW_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr")

WHITE_IS_ZERO = 0
BITS_TAG = 258
PHOTOMETRIC_TAG = 262
ORIENTATION_TAG = 274

EXPECTED = "a JPEG, PNG, TIFF, BMP, WebP or DICOM image"
# Told apart only so that the message can say what the file is instead.
OTHER_KINDS = {
    b"%PDF": "a PDF document",
    b"GIF8": "a GIF image",
    b"PK\x03\x04": "a ZIP archive or office document",
    b"\x1f\x8b": "a gzip archive",
    b"<svg": "an SVG drawing",
    b"<!DO": "an HTML page",
    b"<htm": "an HTML page",
    b"<?xm": "an XML document",
    b"\x93NUM": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
}


def decode_raster(data: bytes, name: str) -> Decoded:
    """Grey pixels of a single-frame raster image, turned upright as its EXIF orientation says.

    Colours become luminance (ITU-R 601). Transparency is laid on black, the grey of air on a film:
    a lighter ground would draw a bright frame that is not in the picture, and ignoring alpha would
    show values that every viewer hides.

    Eight bits are divided by 255. Sixteen-bit samples are divided by 2^b - 1, where b >= 8 is the
    number of bits that the largest sample needs: detectors deliver 10 to 14 bits, and dividing a
    12-bit film by 65535 would leave it almost black.

    Raises:
        RadiographError: not such an image, several frames, too large, damaged or cut short.
    """
    image, kind = _open(data, name)
    try:
        with image:
            image.load()
            samples, alpha, bits = _samples(image, data)
            warnings = colour_warnings(samples) if samples.ndim == 3 else []
            grey = _luminance(samples) / np.float32(2**bits - 1)
            if _white_is_zero(image):
                grey = 1 - grey
            if alpha is not None:
                grey *= alpha
            pixels = _upright(grey, _orientation(image))
    except (MemoryError, RadiographError):
        raise
    except Exception as error:
        raise RadiographError.of(
            name, expected=f"a complete {kind} image", received=f"damaged data ({error})"
        ) from error
    return Decoded(pixels, {"format": kind, "bit_depth": bits}, warnings)


def _open(data: bytes, name: str) -> tuple[Image.Image, str]:
    """The undecoded image and its format, after every check that its header allows."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        # A phone's JPEG may carry a second picture (depth, preview); the first is the photograph.
        kind = "JPEG" if image.format == "MPO" else str(image.format)
        check_size(name, *image.size)
        several = image.format != "MPO" and getattr(image, "is_animated", False)
        if kind == "PNG":
            Image.open(io.BytesIO(data), formats=("PNG",)).verify()
    except (MemoryError, RadiographError):
        raise
    except Image.UnidentifiedImageError as error:
        raise RadiographError.of(name, expected=EXPECTED, received=_describe(data)) from error
    except Image.DecompressionBombError as error:
        raise RadiographError.of(
            name,
            expected=f"an image of 1 pixel to {MAX_PIXELS // 10**6} megapixels",
            received=f"{int(re.search(r'[0-9]+', str(error))[0]) / 1e6:.0f} megapixels",
        ) from error
    except Exception as error:
        raise RadiographError.of(
            name, expected=EXPECTED, received=f"a damaged image ({error})"
        ) from error
    if several:
        raise RadiographError.of(
            name, expected="an image with one frame", received=f"a {kind} with several frames"
        )
    if image.mode not in WIDE_MODES + NARROW_MODES:
        raise RadiographError.of(
            name, expected="1 to 16 bits a sample", received=f"a {kind} with {image.mode} samples"
        )
    return image, kind


def _describe(data: bytes) -> str:
    """What unrecognised bytes seem to be."""
    start = data.lstrip()[:4]
    for magic, kind in OTHER_KINDS.items():
        if start.lower() == magic.lower() or data.startswith(magic):
            return kind
    if data[:3] == b"\xff\xd8\xff" or data[1:4] == b"PNG" or data[:4] in (b"II*\0", b"MM\0*"):
        return f"a damaged or truncated image of {len(data)} bytes"
    try:
        data[:512].decode("ascii")
    except UnicodeDecodeError:
        return f"{len(data)} bytes of another kind"
    return "text"


def _samples(image: Image.Image, data: bytes) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Samples (H, W) or (H, W, 3), alpha in [0, 1] or None, and the bits the samples use."""
    if image.mode in WIDE_MODES:
        return _wide(np.asarray(image), image.info.get("transparency"))
    if image.format == "PNG" and data[24] == 16:
        return _wide_colour(data)
    if 16 in getattr(image, "tag_v2", {}).get(BITS_TAG, ()):
        raise ArgumentError("16-bit colour, of which only PNG is read: save it as PNG or in grey")
    if image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA"))
        return rgba[..., :3], rgba[..., 3].astype(np.float32) / 255, 8
    if image.mode == "1":
        return np.asarray(image, dtype=np.uint8), None, 1
    return np.asarray(image if image.mode == "L" else image.convert("RGB")), None, 8


def _wide(
    samples: np.ndarray, transparent: int | None
) -> tuple[np.ndarray, np.ndarray | None, int]:
    low, high = int(samples.min()), int(samples.max())
    if low < 0 or high > 65535:
        raise ArgumentError(f"samples from {low} to {high} instead of 0 to 65535")
    alpha = None
    if isinstance(transparent, int):
        alpha = (samples != transparent).astype(np.float32)
    return samples, alpha, max(8, high.bit_length())


def _wide_colour(data: bytes) -> tuple[np.ndarray, np.ndarray | None, int]:
    """A 16-bit PNG with colour or alpha: Pillow keeps the upper byte only, OpenCV keeps both."""
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16:
        raise ArgumentError("16-bit samples that cannot be decoded")
    alpha = None
    if decoded.ndim == 3 and decoded.shape[2] == 4:
        alpha = decoded[..., 3].astype(np.float32) / 65535
    samples = decoded[..., 2::-1] if decoded.ndim == 3 else decoded
    return samples, alpha, max(8, int(samples.max()).bit_length())


def _luminance(samples: np.ndarray) -> np.ndarray:
    """ITU-R 601 luma of (H, W, 3), in the samples' own unit; (H, W) passes through."""
    if samples.ndim == 2:
        return samples.astype(np.float32)
    if samples.dtype == np.uint8:
        return np.asarray(Image.fromarray(samples).convert("L"), dtype=np.float32)
    return samples @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


def _white_is_zero(image: Image.Image) -> bool:
    """Whether a TIFF stores white as 0 and Pillow has left it so: it inverts 8 bits only."""
    tags = getattr(image, "tag_v2", {})
    return image.mode in WIDE_MODES and tags.get(PHOTOMETRIC_TAG) == WHITE_IS_ZERO


def _orientation(image: Image.Image) -> int:
    """EXIF orientation; 1, upright, where there is none or its block is broken."""
    try:
        return image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:
        return 1


def _upright(grey: np.ndarray, orientation: int) -> np.ndarray:
    """`grey` turned as EXIF orientation 1 to 8 asks."""
    upright = np.ascontiguousarray(grey, dtype=np.float32)
    if orientation not in range(2, 9):
        return upright
    tagged = Image.fromarray(upright)
    tagged.getexif()[ORIENTATION_TAG] = orientation
    return np.array(ImageOps.exif_transpose(tagged), dtype=np.float32)
