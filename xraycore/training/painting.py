"""Opacities painted into normal training films: findings whose place is known.

A network that is told only where the lungs are may find its evidence anywhere in them. One that
must call these films ill, and may find the evidence at the painted places alone, has to look there.
"""

import cv2
import numpy as np

from xraycore.datasets.synthetic.opacities import RADII, paint_opacity

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


def paint(
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
