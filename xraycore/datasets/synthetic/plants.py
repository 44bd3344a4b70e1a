"""What has nothing to do with lungs, planted into films: shortcuts whose place is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from xraycore.errors import ArgumentError

# Pixels (H, W) in [0, 1] and random numbers -> new pixels, and where something was drawn.
Painter = Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Plant:
    """Something that a network may learn instead of a finding.

    Attributes:
        name: Name on the command line.
        title: Name to show.
        summary: What it looks like.
        paint: Draws it.
        placed: Whether it lies at a place, so that heat can lie on it.
    """

    name: str
    title: str
    summary: str
    paint: Painter
    placed: bool = True


def plant(
    kind: str, pixels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None]:
    """A film with a shortcut planted into it, and where that is.

    Args:
        kind: One of `PLANTS`.
        pixels: Float32 (H, W) in [0, 1], air dark.
        rng: Decides small changes of place, size and strength.

    Returns:
        New pixels, and a bool mask (H, W) outside of which nothing is changed; None of what is
        everywhere.

    Raises:
        ArgumentError: If there is no such kind.
    """
    if kind not in PLANTS:
        raise ArgumentError(f"plant must be one of {', '.join(PLANTS)}. Received: {kind!r}")
    planted, mask = PLANTS[kind].paint(pixels, rng)
    return planted.astype(np.float32), mask if PLANTS[kind].placed else None


def _marker(pixels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A lead letter beside the patient's right shoulder."""
    side = min(pixels.shape)
    drawn = np.zeros(pixels.shape, np.uint8)
    left, foot = rng.uniform(0.03, 0.07) * side, rng.uniform(0.13, 0.18) * side
    scale, line = side / 256, max(1, round(side / 90))
    place = (round(left), round(foot))
    cv2.putText(drawn, "R", place, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, line, cv2.LINE_AA)
    return _laid_over(pixels, drawn / np.float32(255), 0.97)


def _border(pixels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A black frame, as of a film that was scanned with its holder."""
    wide = max(1, round(rng.uniform(0.03, 0.05) * min(pixels.shape)))
    mask = np.ones(pixels.shape, bool)
    mask[wide:-wide, wide:-wide] = False
    return np.where(mask, np.float32(0.0), pixels), mask


def _contrast(pixels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Another exposure: the whole film brighter."""
    return pixels ** np.float32(rng.uniform(0.6, 0.75)), np.ones(pixels.shape, bool)


def _tube(pixels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A thin bright line down the middle of the chest to below the left diaphragm."""
    height, width = pixels.shape
    down = np.linspace(0.0, rng.uniform(0.84, 0.92), 60)
    middle = 0.5 + rng.uniform(-0.02, 0.02)
    across = middle + rng.uniform(0.09, 0.13) * np.clip((down - 0.6) / 0.3, 0, 1) ** 2
    points = np.stack([across * width, down * height], axis=-1)
    drawn, line = np.zeros(pixels.shape, np.uint8), max(1, round(min(pixels.shape) / 85))
    cv2.polylines(drawn, [np.rint(points).astype(np.int32)], False, 255, line, lineType=cv2.LINE_AA)
    return _laid_over(pixels, drawn / np.float32(255), 0.92)


def _laid_over(
    pixels: np.ndarray, cover: np.ndarray, bright: float
) -> tuple[np.ndarray, np.ndarray]:
    return pixels + cover * (np.float32(bright) - pixels), cover > 0


PLANTS: Mapping[str, Plant] = {
    one.name: one
    for one in (
        Plant("marker", "Marker", "A letter in the upper corner.", _marker),
        Plant("border", "Border", "A black frame around the film.", _border),
        Plant("contrast", "Contrast", "The whole film is brighter.", _contrast, placed=False),
        Plant("tube", "Tube", "A bright line down the middle of the chest.", _tube),
    )
}
