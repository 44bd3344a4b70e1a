"""Random views of a training film, in NumPy and OpenCV: every backend gets the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np

from xraycore.anatomy.crop import crop_and_resize
from xraycore.anatomy.lung_field import segment_lungs
from xraycore.datasets.synthetic.opacities import RADII, paint_opacity
from xraycore.errors import ArgumentError
from xraycore.imaging import Radiograph
from xraycore.imaging.box import Box
from xraycore.imaging.overlay import to_uint8

# Standard deviation of what is sharpened or blurred, as a share of the film's side.
_SOFTENED = 0.01
# A steeper grey curve would turn the order of greys around.
_MOST_CURVE = 0.15


@dataclass(frozen=True)
class Augmentation:
    """How far a training film may be changed. Zero switches a change off.

    Attributes:
        shear: Horizontal displacement per unit of height, drawn from [-shear, shear].
        zoom: Relative change of scale, from [1 - zoom, 1 + zoom].
        flip: Probability of a horizontal flip.
        rotation: Degrees, from [-rotation, rotation].
        shift: Share of the width and height, from [-shift, shift].
        gamma: The exponent of a power law is exp of a draw from [-gamma, gamma].
        contrast: Relative change of the distance from the mean, from [1 - contrast, 1 + contrast].
        noise: Largest standard deviation of Gaussian noise, in units of the full range.
        curve: Largest change of a mid grey by a random grey curve, which keeps black and white and
            the order of greys, from [-curve, curve].
        sharpness: From -sharpness, that share of the way to a blurred film, to sharpness, as far
            away from it; the blur's standard deviation is 1 % of the film's side.
    """

    shear: float = 0.2
    zoom: float = 0.2
    flip: float = 0.5
    rotation: float = 0.0
    shift: float = 0.0
    gamma: float = 0.0
    contrast: float = 0.0
    noise: float = 0.0
    curve: float = 0.0
    sharpness: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0 or (field.name != "rotation" and value > 1):
                raise ArgumentError(
                    f"augmentation {field.name} must lie in [0, "
                    f"{'inf' if field.name == 'rotation' else 1}]. Received: {value}"
                )
        if self.curve > _MOST_CURVE:
            raise ValueError(
                f"augmentation curve must lie in [0, {_MOST_CURVE}]. Received: {self.curve}"
            )

    @classmethod
    def parse(cls, text: str) -> "Augmentation":
        """Reads `"shear=0.2,zoom=0.1"`; what is not named keeps its default; "none" is all zero.

        Raises:
            ArgumentError: If a name is unknown or a value is not a number in range.
        """
        names = [field.name for field in fields(cls)]
        if text.strip() == "none":
            return cls(**dict.fromkeys(names, 0.0))
        values = {}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            name, _, value = part.partition("=")
            try:
                if name not in names:
                    raise ValueError
                values[name] = float(value)
            except ValueError:
                raise ArgumentError(
                    f"augmentation expects NAME=NUMBER with NAME one of {', '.join(names)}. "
                    f"Received: {part!r}"
                ) from None
        return cls(**values)

    def __str__(self) -> str:
        """As `parse` takes it, every value named."""
        return ",".join(f"{one.name}={getattr(self, one.name):g}" for one in fields(self))

    def affine(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """A drawn 2x3 matrix that maps target pixels of a size x size film to source pixels."""
        shear, zoom, angle = (
            rng.uniform(-limit, limit) for limit in (self.shear, self.zoom, self.rotation)
        )
        shift = rng.uniform(-self.shift, self.shift, size=2) * size
        mirror = -1.0 if rng.random() < self.flip else 1.0
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        turn = np.array([[cos, -sin], [sin, cos]])
        linear = turn @ np.array([[mirror, shear], [0.0, 1.0]]) / (1.0 + zoom)
        centre = np.full(2, (size - 1) / 2)
        return np.column_stack([linear, centre - linear @ centre + shift])

    def __call__(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A changed copy of a square uint8 film (s, s), as float32 in [0, 1]."""
        return self._tone(_warp(pixels, self.affine(rng, pixels.shape[0])), rng)

    def with_mask(
        self, pixels: np.ndarray, mask: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same changed copy, and the mask moved along with it.

        Args:
            pixels: Film, uint8 (s, s).
            mask: Mask of the film, or several, uint8 (m, m) or (m, m, c) in [0, 255].
            rng: What is drawn does not depend on the mask.

        Returns:
            float32 (s, s) and of the mask's shape, both in [0, 1].
        """
        matrix = self.affine(rng, pixels.shape[0])
        return self._tone(_warp(pixels, matrix), rng), _warp(
            mask, rescaled(matrix, mask.shape[0] / pixels.shape[0])
        )

    def _tone(self, film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if self.gamma:
            film **= np.float32(math.exp(rng.uniform(-self.gamma, self.gamma)))
        if self.contrast:
            mean = film.mean()
            film = mean + (film - mean) * np.float32(
                1.0 + rng.uniform(-self.contrast, self.contrast)
            )
        if self.curve:
            film = _bent(film, *rng.uniform(-self.curve, self.curve, size=2))
        if self.sharpness:
            blurred = cv2.GaussianBlur(film, (0, 0), _SOFTENED * film.shape[0])
            film = film + (film - blurred) * np.float32(
                rng.uniform(-self.sharpness, self.sharpness)
            )
        if self.noise:
            film += rng.normal(0.0, rng.uniform(0.0, self.noise), film.shape).astype(np.float32)
        return np.clip(film, 0.0, 1.0)


def _bent(film: np.ndarray, lift: float, bend: float) -> np.ndarray:
    """A film under a grey curve: mid greys rise by `lift`; the quarters apart by `bend`, halved."""
    film = np.clip(film, 0.0, 1.0)
    wave = lift * np.sin(np.pi * film) + bend / 2 * np.sin(2 * np.pi * film)
    return film + wave.astype(np.float32)


def rescaled(matrix: np.ndarray, ratio: float) -> np.ndarray:
    """The affine matrix (2, 3) for a copy whose side is `ratio` times as long.

    A pixel's centre lies half a pixel inside its edge, on both grids.
    """
    linear, offset = matrix[:, :2], matrix[:, 2]
    half = np.full(2, 0.5)
    return np.column_stack([linear, ratio * (offset + half - linear @ half) - half + linear @ half])


def _warp(pixels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A uint8 image, (h, w) or (h, w, c), moved by a matrix from target to source pixels.

    As float32 in [0, 1].
    """
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # Repeated border pixels: a black wedge would tell how far the film was turned.
    moved = cv2.warpAffine(
        pixels, matrix, pixels.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return moved.astype(np.float32) / 255.0


# A film has one to four of them, of kinds whose borders are soft as those of most pneumonias: a
# sharp edge would be what a network learns to look for.
_KINDS, _MOST = ("focal", "ground_glass"), 4
# What is painted is blurred by this share of the film's side, for the same reason.
_BLUR = 0.012
# What brightens a film by less nobody sees; a film needs this share of its pixels brighter.
_SEEN, _LEAST = 0.04, 0.005
# Evidence may lie this far beside an opacity, as a share of the film's side: a cell of the feature
# map is no finer.
_MARGIN = 0.04


def add_opacities(
    pixels: np.ndarray, lungs: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """A film with one to four soft opacities at random places in its lungs or their rim.

    Args:
        pixels: Film, uint8 (s, s).
        lungs: These, uint8 (m, m) in [0, 255]; 255 everywhere where none were found.
        rng: Decides everything.

    Returns:
        The painted film, uint8 (s, s), and where evidence for illness may lie, uint8 (m, m) in
        {0, 255}. None where no lungs were found, or the opacities came out too faint to see.
    """
    inside = lungs > 127
    if inside.all() or not inside.any():
        return None
    size = pixels.shape[0]
    field = cv2.resize(lungs, (size, size), interpolation=cv2.INTER_CUBIC) > 127
    rows, columns = np.nonzero(field)
    width = np.ptp(columns) / 2
    plain = film = pixels.astype(np.float32) / 255.0
    for _ in range(rng.integers(1, _MOST + 1)):
        place = rng.integers(len(rows))
        painted, _ = paint_opacity(
            _KINDS[rng.integers(len(_KINDS))],
            film,
            field,
            (rows[place], columns[place]),
            width * rng.uniform(*RADII),
            rng,
            strength=rng.uniform(0.3, 1),
        )
        film = film + cv2.GaussianBlur(painted - film, (0, 0), _BLUR * size)
    where = film - plain > _SEEN
    if where.mean() < _LEAST:
        return None
    margin = 2 * max(1, round(_MARGIN * size)) + 1
    wider = cv2.dilate(where.astype(np.uint8), np.ones((margin, margin), np.uint8))
    return (
        np.rint(np.clip(film, 0, 1) * 255).astype(np.uint8),
        255 * cv2.resize(wider, lungs.shape[::-1], interpolation=cv2.INTER_NEAREST),
    )


def preview(
    radiograph: Radiograph,
    augmentation: Augmentation,
    seeds: Sequence[int],
    *,
    view: str = "lungs",
    size: int = 224,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The film as it reaches training, and one changed copy of it for each seed.

    Args:
        xray: The film.
        augmentation: How far it may be changed.
        seeds: What is drawn follows from the seed alone.
        view: "lungs" or "film", see `xraycore.anatomy.crop`; "film" needs no network.
        size: Height and width in pixels.

    Returns:
        uint8 (s, s), and uint8 (s, s) for each seed.

    Raises:
        WeightsError: If the lungs are asked for and their segmenter has no weights.
    """
    box = segment_lungs([radiograph])[0].box if view == "lungs" else Box()
    film = to_uint8(crop_and_resize(radiograph, box, size)[..., 0])
    changed = [to_uint8(augmentation(film, np.random.default_rng(seed))) for seed in seeds]
    return film, changed
