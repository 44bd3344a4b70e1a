"""JPEG, PNG, TIFF, BMP, WebP, HEIC, AVIF and JPEG 2000 bytes to grey pixels, through Pillow."""

import io
import re

import cv2
import numpy as np
import pillow_heif
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from xraycore.errors import ArgumentError, RadiographError, reason_of
from xraycore.imaging.decoding import MAX_PIXELS, Decoded, check_size, new_pixels
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.imaging.grayscale import Display, full_scale, luma, luminance, show, strips
from xraycore.imaging.quality import colour_warning, count_coloured
from xraycore.imaging.signatures import describe

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "HEIF", "AVIF", "JPEG2000")
# Of these a file may hold further pictures (depth, preview); the first is the photograph.
PHOTOGRAPHS = ("MPO", "HEIF")

WIDE_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
NARROW_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr")
ALPHA_MODES = ("LA", "PA", "RGBA", "RGBa")

# Where the header of a PNG tells the bits of a sample.
PNG_DEPTH = 24
WHITE_IS_ZERO = 0
SUBFILE_TAG = 254
BITS_TAG = 258
PHOTOMETRIC_TAG = 262
ORIENTATION_TAG = 274
# More pages than a film with its previews has; a hostile file may have a million.
MAX_PAGES = 16

EXPECTED = "a JPEG, PNG, TIFF, BMP, WebP, HEIC, AVIF, JPEG 2000 or DICOM image"
SMALLER_PAGES = FilmWarning(
    "pages", "The file holds smaller pages beside the film, such as previews: these were left out."
)
STRETCHED = "The values of the file run from {} to {}: this range is shown from black to white."

pillow_heif.register_heif_opener()


def decode_raster(data: bytes, name: str) -> Decoded:
    """Grey pixels of the one film in a raster image, turned upright as its EXIF orientation says.

    Colours become luminance (ITU-R 601). Transparency is laid on black, the grey of air on a film:
    a lighter ground would draw a bright frame that is not in the picture, and ignoring alpha would
    show values that every viewer hides. Eight bits are divided by 255, more as `full_scale` says.

    Raises:
        RadiographError: not such an image, several frames, too large, damaged or cut short.
    """
    image, kind, warnings = _open(data, name)
    try:
        with image:
            if not (kind == "PNG" and data[PNG_DEPTH] == 16 and image.mode not in WIDE_MODES):
                image.load()
            pixels, bits, more = _greys(image, data)
            upright = _upright(pixels, _orientation(image))
    except (MemoryError, RadiographError):
        raise
    except Exception as error:
        raise RadiographError.of(
            name,
            expected=f"a complete {kind} image",
            received=f"damaged data ({reason_of(name, error)})",
        ) from error
    return Decoded(upright, {"format": kind, "bit_depth": bits}, [*warnings, *more])


def _open(data: bytes, name: str) -> tuple[Image.Image, str, list[FilmWarning]]:
    """The undecoded film, its format and a warning of other pages, after every check of headers."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        kind = "JPEG" if image.format == "MPO" else str(image.format)
        check_size(name, *image.size)
        several = image.format not in PHOTOGRAPHS and getattr(image, "is_animated", False)
        if kind == "PNG":
            Image.open(io.BytesIO(data), formats=("PNG",)).verify()
        if several and isinstance(image, TiffImageFile):
            several = not _turn_to_film(image)
            check_size(name, *image.size)
        previews = kind == "TIFF" and getattr(image, "is_animated", False)
    except (MemoryError, RadiographError):
        raise
    except Image.UnidentifiedImageError as error:
        raise RadiographError.of(name, expected=EXPECTED, received=describe(data)) from error
    except Image.DecompressionBombError as error:
        raise RadiographError.of(
            name,
            expected=f"an image of 1 pixel to {MAX_PIXELS // 10**6} megapixels",
            received=f"{int(re.findall(r'[0-9]+', str(error))[0]) / 1e6:.0f} megapixels",
        ) from error
    except Exception as error:
        raise RadiographError.of(
            name, expected=EXPECTED, received=f"a damaged image ({reason_of(name, error)})"
        ) from error
    if several:
        raise RadiographError.of(
            name, expected="an image with one frame", received=f"a {kind} with several frames"
        )
    if image.mode not in WIDE_MODES + NARROW_MODES:
        raise RadiographError.of(
            name, expected="grey or colour samples", received=f"a {kind} with {image.mode} samples"
        )
    return image, kind, [SMALLER_PAGES] if previews else []


def _turn_to_film(image: TiffImageFile) -> bool:
    """Turn a TIFF to its largest page; whether all others are previews or masks of it."""
    sizes: list[tuple[int, int]] = []
    for page in range(MAX_PAGES + 1):
        try:
            image.seek(page)
        except EOFError:
            break
        reduced = int(getattr(image, "tag_v2", {}).get(SUBFILE_TAG, 0)) & 0b101
        sizes.append((0, 0) if reduced and sizes else image.size)
    film = max(range(len(sizes)), key=lambda page: sizes[page][0] * sizes[page][1])
    image.seek(film)
    others = [size for page, size in enumerate(sizes) if page != film]
    smaller = all(w < sizes[film][0] and h < sizes[film][1] for w, h in others)
    return smaller and len(sizes) <= MAX_PAGES


def _greys(image: Image.Image, data: bytes) -> tuple[np.ndarray, int, list[FilmWarning]]:
    """Greys in [0, 1] as stored, the bits that the samples use, and what to say of them."""
    tags = getattr(image, "tag_v2", {})
    if image.mode in WIDE_MODES:
        samples = np.asarray(image)
        transparent = image.info.get("transparency")
        grey, bits, warnings = _wide(samples, next(iter(tags.get(BITS_TAG, ())), 0))
        # Pillow inverts 8 bits only.
        if tags.get(PHOTOMETRIC_TAG) == WHITE_IS_ZERO:
            np.subtract(1, grey, out=grey)
        if isinstance(transparent, int):
            grey[samples == transparent] = 0
        return grey, bits, warnings
    if (image.format == "PNG" and data[PNG_DEPTH] == 16) or 16 in tags.get(BITS_TAG, ()):
        return _wide_colour(data)
    return _narrow(image)


def _wide(samples: np.ndarray, declared: int) -> tuple[np.ndarray, int, list[FilmWarning]]:
    low, high = float(np.nanmin(samples)), float(np.nanmax(samples))
    if samples.dtype.kind != "f" and low >= 0 and high <= 65535:
        samples = samples.astype(np.uint16, copy=False)
        bits, warnings = full_scale(samples, declared if 8 < declared < 16 else None)
        return _scaled(samples, bits), bits, warnings
    bits = samples.dtype.itemsize * 8
    if low >= 0 and high <= 1:
        return np.nan_to_num(samples.astype(np.float32)), bits, []
    grey, warnings = show(samples, Display())
    text = STRETCHED.format(f"{low:g}", f"{high:g}")
    return grey, bits, [*warnings, FilmWarning("range", text)]


def _scaled(samples: np.ndarray, bits: int) -> np.ndarray:
    """float32 samples over 2^bits - 1, at most 1."""
    grey = new_pixels(samples.shape)
    np.divide(samples, np.float32(2**bits - 1), out=grey)
    return np.minimum(grey, 1, out=grey)


def _wide_colour(data: bytes) -> tuple[np.ndarray, int, list[FilmWarning]]:
    """A 16-bit image with colour or alpha: Pillow keeps the upper byte only, OpenCV keeps both."""
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        raise
    if decoded is None or decoded.dtype != np.uint16:
        raise ArgumentError("16-bit samples that cannot be decoded")
    if decoded.ndim == 2:
        bits, warnings = full_scale(decoded)
        return _scaled(decoded, bits), bits, warnings
    colours = decoded[..., 2::-1]
    bits, warnings = full_scale(colours)
    coloured = sum(count_coloured(colours[rows], bits) for rows in strips(len(colours)))
    grey = luminance(colours)
    grey /= np.float32(2**bits - 1)
    np.minimum(grey, 1, out=grey)
    if decoded.shape[2] == 4:
        for rows in strips(len(grey)):
            grey[rows] *= decoded[rows, :, 3] / np.float32(65535)
    return grey, bits, [*warnings, *colour_warning(coloured, grey.size)]


def _narrow(image: Image.Image) -> tuple[np.ndarray, int, list[FilmWarning]]:
    """Of at most 8 bits; some rows at a time, since colours of 64 megapixels are 200 MB a copy."""
    grey = new_pixels((image.height, image.width))
    bits, coloured = 1 if image.mode == "1" else 8, 0
    transparent = image.mode in ALPHA_MODES or "transparency" in image.info
    for rows in strips(image.height):
        part = image.crop((0, rows.start, image.width, min(rows.stop, image.height)))
        if image.mode in ("1", "L") and not transparent:
            grey[rows] = np.asarray(part)
            continue
        colours = np.asarray(part.convert("RGBA" if transparent else "RGB"))
        coloured += count_coloured(colours[..., :3])
        grey[rows] = luma(colours[..., :3])
        if transparent:
            grey[rows] *= colours[..., 3] / np.float32(255)
    grey /= np.float32(2**bits - 1)
    return grey, bits, colour_warning(coloured, grey.size)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation; 1, upright, where there is none or its block is broken."""
    try:
        return image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:
        return 1


def _upright(grey: np.ndarray, orientation: int) -> np.ndarray:
    """`grey` turned as EXIF orientation 1 to 8 asks."""
    # From 5 on rows and columns change places; each then is mirrored along one axis or both.
    turned = grey.T if orientation in (5, 6, 7, 8) else grey
    down = -1 if orientation in (3, 4, 7, 8) else 1
    across = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(turned[::down, ::across])
