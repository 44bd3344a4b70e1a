"""Is text burnt into a film's border, where names, dates and numbers of patients stand?

Letters are found as what they are: thin strokes that are sharply brighter or darker than what is
round them, several of one size in a row, upright or turned to a side. Nothing is read: what the
text says, and whether it names anybody, is not known.

Of 4,724 films of twelve public collections 181 are said to have text; the 92 of these that were
looked at all have (PORTABLE, SUPINO, a date). Of the 995 of Japan, OpenIST and the normal films of
the COVID-19 Radiography Database none is.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from xraycore.imaging.box import Box
from xraycore.imaging.film_warnings import BURNED_IN, FilmWarning
from xraycore.imaging.resample import fitted

# The film is looked at with no side longer than this: a letter of a hundredth of its height is
# then twelve pixels high.
LONGEST = 1200
# Share of the film's height and width, at each side, that is border.
BORDER = 0.25
# Strokes are at most this share of the longer side: ribs, and what lies between them, are thicker.
STROKE = 0.015
# How much a stroke differs from what is round it, of 255: faint and small letters need the first,
# the last keeps those apart that blur into each other.
CONTRASTS = (32, 72, 128)
# Pixels of the film as it is looked at: of a lower letter nobody can read.
LOWEST, HIGHEST = 5, 96
# A side marker with a technologist's initials has fewer letters than this.
FEWEST = 5

# Rows for columns.
_TURN = [1, 0, 3, 2]

_WARNING = FilmWarning(
    BURNED_IN,
    "Text seems to be burnt into the film's border. It may name the patient: look before a picture "
    "of it leaves this computer.",
)


def text_warnings(pixels: np.ndarray) -> list[FilmWarning]:
    """A warning if `find_text` finds any in float32 (H, W) pixels in [0, 1]."""
    return [_WARNING] if find_text(pixels) else []


def find_text(pixels: np.ndarray) -> list[Box]:
    """Where lines of text seem to be burnt into the border of float32 (H, W) pixels in [0, 1]."""
    height, width = fitted(pixels.shape, LONGEST)
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    grey = (small * 255 + 0.5).astype(np.uint8)
    thick = 2 * max(1, int(STROKE * max(height, width) / 2)) + 1
    kernel = np.ones((thick, thick), np.uint8)
    top, left = int(height * BORDER), int(width * BORDER)
    found = []
    for bright_or_dark in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        strokes = cv2.morphologyEx(grey, bright_or_dark, kernel)
        strokes[top : height - top, left : width - left] = 0
        for contrast in CONTRASTS:
            parts = _components(strokes > contrast)
            turned = (line[_TURN] for line in _lines(parts[:, _TURN]))
            for line in (*_lines(parts), *turned):
                x, y, right, bottom = line.tolist()
                found.append(Box(y / height, x / width, bottom / height, right / width))
    return found


def _components(mask: np.ndarray) -> np.ndarray:
    """Int (n, 4): left, top, right and bottom (beyond) of each that hangs together in a mask."""
    contours, tree = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    # What has a parent is a hole.
    parents = tree[0, :, 3] if contours else ()
    outer = [one for one, parent in zip(contours, parents, strict=True) if parent < 0]
    boxes = np.array([cv2.boundingRect(one) for one in outer], int).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _lines(parts: np.ndarray) -> Iterator[np.ndarray]:
    """Left, top, right and bottom of each row of components that are like letters."""
    high, wide = parts[:, 3] - parts[:, 1], parts[:, 2] - parts[:, 0]
    letters = parts[(high >= LOWEST) & (high <= HIGHEST) & (wide <= 1.6 * high)]
    follower = _followers(letters)
    first = np.setdiff1d(np.arange(len(letters)), follower)
    for one in first:
        row = [one]
        while follower[row[-1]] >= 0:
            row.append(follower[row[-1]])
        line = letters[row]
        if len(line) >= FEWEST and _even(line) and not _crowded(line, parts):
            yield np.array([*line[:, :2].min(axis=0), *line[:, 2:].max(axis=0)])


def _followers(letters: np.ndarray) -> np.ndarray:
    """Of each letter the next one to its right of about its height, -1 where there is none."""
    left, top, right, bottom = letters.T
    high = bottom - top
    # Row: a letter, column: what may follow it, after a blank or not.
    tall, low = np.maximum.outer(high, high), np.minimum.outer(high, high)
    gap = left[None, :] - right[:, None]
    beside = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top)
    follows = (gap > -0.25 * tall) & (gap < 1.3 * tall) & (left[None, :] > left[:, None])
    follows &= (low > 0.55 * tall) & (beside > 0.6 * low)
    if not len(letters):
        return np.zeros(0, int)
    return np.where(follows.any(axis=1), np.where(follows, gap, gap.max() + 1).argmin(axis=1), -1)


def _even(line: np.ndarray) -> bool:
    """Whether most letters stand on one line, or hang from one, and the row is long enough."""
    _, top, right, bottom = line.T
    high = float(np.median(bottom - top))
    slack = max(1.5, 0.15 * high)
    ends = max(np.mean(np.abs(end - np.median(end)) <= slack) for end in (top, bottom))
    return ends >= 0.7 and right.max() - line[:, 0].min() >= 2.2 * high


def _crowded(line: np.ndarray, parts: np.ndarray) -> bool:
    """Whether so much else lies there that the row is one by chance, as in the grain of a film."""
    high = np.median(line[:, 3] - line[:, 1])
    x, y = (parts[:, 0] + parts[:, 2]) / 2, (parts[:, 1] + parts[:, 3]) / 2
    near = (x >= line[0, 0]) & (x <= line[:, 2].max())
    near &= (y >= line[:, 1].min() - high / 2) & (y <= line[:, 3].max() + high / 2)
    return int(near.sum()) > 1.6 * len(line)
