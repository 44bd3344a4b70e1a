"""Generated films are those that they always were: published figures and stored studies name them.

`python -m tests.datasets.synthetic.test_golden` draws the stored pictures anew, once a change of
the films is meant.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest

from xraycore.datasets.synthetic.opacities import OPACITIES, paint_opacity, places_in
from xraycore.datasets.synthetic.phantom import make_phantom

GOLDEN = Path(__file__).parent / "golden"
# Chests with breasts and without, collimated and not.
CHESTS = (2, 3, 9)


def chest(seed):
    """Film, lungs and opacity of a phantom as one colour picture."""
    found = make_phantom(seed, opacity=True, size=128)
    masks = [255.0 * found.lungs, 255.0 * found.lesion]
    return np.rint(np.stack([255 * found.pixels, *masks], axis=2)).astype(np.uint8)


def band():
    """The middle of a large film, where lines are drawn thicker."""
    return np.rint(255 * make_phantom(2, size=640).pixels[300:340]).astype(np.uint8)


def arm():
    """Where an upper arm leaves a large film."""
    return np.rint(255 * make_phantom(3, size=640).pixels[100:180, 560:]).astype(np.uint8)


def opacities():
    """What each kind of opacity adds to one film, side by side, ten times as bright."""
    film, added = make_phantom(4, size=128), []
    for kind in OPACITIES:
        random = np.random.default_rng(1)
        ((centre, radius),) = places_in(film.lungs, 1, random)
        painted, _ = paint_opacity(kind, film.pixels, film.lungs, centre, radius, random)
        added.append(np.clip(600 * (painted - film.pixels), 0, 255))
    return np.rint(np.concatenate(added, axis=1)).astype(np.uint8)


PICTURES = {f"chest-{seed}": (chest, seed) for seed in CHESTS}
PICTURES |= {"band": (band,), "arm": (arm,), "opacities": (opacities,)}


@pytest.mark.parametrize("name", PICTURES)
def test_generated_films_stay_as_they_are(name):
    draw, *given = PICTURES[name]
    stored = cv2.imread(str(GOLDEN / f"{name}.png"), cv2.IMREAD_UNCHANGED).astype(int)
    apart = np.abs(draw(*given).astype(int) - stored)
    # Another processor rounds one pixel in some thousands to the next grey.
    assert (apart > 0).mean() < 0.0008
    assert (apart > 2).mean() < 0.0001


if __name__ == "__main__":
    for name, (draw, *given) in PICTURES.items():
        cv2.imwrite(str(GOLDEN / f"{name}.png"), draw(*given), [cv2.IMWRITE_PNG_COMPRESSION, 9])
