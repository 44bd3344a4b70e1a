"""Does a network look where disease of the lungs can be? If not, in plain words."""

import cv2
import numpy as np

from xraycore.anatomy.lung_field import LungField
from xraycore.attribution.heatmap import Heatmap
from xraycore.imaging.radiograph import Radiograph
from xraycore.imaging.resample import resize
from xraycore.utils.text import percent

# Less of the heat than this in the lungs is said, and less than a map would have there that is the
# same wherever the network looks. Networks that were trained to look inside put four fifths there.
LEAST_IN_LUNGS = 0.5
# Heat this near to the film's edge, as a share of its side, sits on the border; and how much of it.
BORDER, MOST_ON_BORDER = 0.04, 0.25
# Height and width of the grid on which small bright things are looked for, the radius in pixels of
# what is small, how much brighter than its surroundings it is, and how near the hottest point.
_SIDE, _SMALL, _BRIGHTER, _NEAR = 256, 6, 0.4, 10


def describe_heatmap(heatmap: Heatmap, lungs: LungField) -> str:
    """What a map is of, and how much of it lies where disease of the lungs can be."""
    if not heatmap.values.any():
        return f"No heat: no place speaks for {heatmap.target}."
    inside = ""
    if lungs.found:
        share = percent(lungs.fraction_in_lungs(heatmap.values, heatmap.box))
        inside = f" In the lungs or at their rim lies {share} of it."
    if not heatmap.significant:
        return (
            f"Too little evidence for {heatmap.target} to be coloured: over 1 normal film in 20 "
            f"has as much somewhere.{inside}"
        )
    return f"Heat: evidence for {heatmap.target}.{inside}"


def check_plausibility(
    heatmap: Heatmap, radiograph: Radiograph, lungs: LungField
) -> tuple[str, ...]:
    """What speaks against a heatmap's place; nothing for a map without heat.

    Args:
        heat: A map of the film.
        xray: The film.
        lungs: Its lung field.
    """
    if not heatmap.values.any():
        return ()
    warnings = []
    inside, blind = (
        lungs.fraction_in_lungs(heatmap.values, heatmap.box),
        lungs.lung_fraction_of(heatmap.box),
    )
    if inside < max(LEAST_IN_LUNGS, blind):
        warnings.append(
            f"Only {percent(inside)} of the heat lies in the lungs, which fill "
            f"{percent(blind)} of what the network looks at: the answer may rest on something "
            "else."
        )
    place = heatmap.box.spread(heatmap.values.astype(np.float32), (_SIDE, _SIDE))
    on_border = on_the_border(place)
    if on_border > MOST_ON_BORDER:
        warnings.append(f"{percent(on_border)} of the heat lies on the border of the film.")
    if hottest_near(place, small_and_bright(resize(radiograph.pixels, (_SIDE, _SIDE)))):
        warnings.append(
            "The hottest point lies on something small and very bright, such as a marker, a wire "
            "or a device."
        )
    return tuple(warnings)


def on_the_border(heatmap: np.ndarray) -> float:
    """Share of a map's heat (h, w) within `BORDER` of the edge, in [0, 1]."""
    height, width = heatmap.shape
    down, across = round(BORDER * height), round(BORDER * width)
    middle = heatmap[down : height - down, across : width - across].sum()
    total = float(heatmap.sum())
    return 1.0 - float(middle) / total if total > 0 else 0.0


def small_and_bright(film: np.ndarray) -> np.ndarray:
    """Where small, bright things lie on a film (256, 256) in [0, 1]; bool of that shape.

    What the white top-hat transform (Serra 1982, ISBN 0126372403) keeps: brighter than all around
    it, and too small for the disc. Ribs and vessels differ less from their surroundings: on 100
    films of the public sets fewer than one point in a hundred had such a thing near it.
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _SMALL + 1, 2 * _SMALL + 1))
    return cv2.morphologyEx(film.astype(np.float32), cv2.MORPH_TOPHAT, disc) > _BRIGHTER


def hottest_near(heatmap: np.ndarray, things: np.ndarray) -> bool:
    """Whether a map's hottest point lies on one of these things or beside it, both (256, 256)."""
    row, column = np.unravel_index(int(heatmap.argmax()), heatmap.shape)
    near = things[
        max(0, row - _NEAR) : row + _NEAR + 1, max(0, column - _NEAR) : column + _NEAR + 1
    ]
    return bool(near.mean() > 0.02)
