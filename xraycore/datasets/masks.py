"""What a person drew on films: masks or boxes of the finding, kept beside them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from xraycore.datasets.table import column_key, parse_number, read_table
from xraycore.errors import ArgumentError, DatasetError, RadiographError
from xraycore.imaging import read_radiograph
from xraycore.imaging.resample import resize

# Left, top, width and height, as shares of the film's width and height.
Rectangle = tuple[float, float, float, float]

# Folders of masks beside the folder of the films, a mask of the same stem for each film. Not
# `masks`: in the COVID-19 Radiography Database that is a folder of lungs.
_DRAWN = ("lesion", "infection", "opacity")
MASK_FOLDERS = tuple(f"{what}{sign}masks" for what in _DRAWN for sign in "_ -")
# Files of boxes beside the films or their folder: ours, and the RSNA challenge's (Shih et al. 2019,
# doi:10.1148/ryai.2019180041).
BOX_FILES = ("boxes.csv", "stage_2_train_labels.csv")
_COLUMNS = (("path", "x", "y", "w", "h"), ("patientId", "x", "y", "width", "height"))
# Boxes above 1 are in pixels: of films of the size that two more columns may say, or else of those
# of NIH and of the RSNA challenge, whatever size these have now.
_SIZE = ("film_width", "film_height")
_ORIGINAL = 1024.0
# A box may reach beyond the film by as much, as hands and roundings have it.
_OVER = 0.02
# Boxes are drawn on a grid of this height and width.
_GRID = 256


@dataclass(frozen=True)
class Lesion:
    """Where the finding is on a film.

    Attributes:
        mask: An image of any size, white where it is; None where boxes tell.
        boxes: Rectangles around it.
        pixels_of: A film whose pixels the boxes count; None where they are shares.
    """

    mask: Path | None = None
    boxes: tuple[Rectangle, ...] = ()
    pixels_of: Path | None = None

    def draw(self) -> np.ndarray:
        """Where it is on the whole film: float32 (h, w) in {0, 1}, of the mask's shape.

        Raises:
            RadiographError: If the mask, or the film that boxes count pixels of, cannot be read.
        """
        if self.mask is not None:
            return read_mask(self.mask)
        drawn = np.zeros((_GRID, _GRID), np.float32)
        wide, high = (1.0, 1.0)
        if self.pixels_of is not None:
            info = read_radiograph(self.pixels_of).info
            wide, high = float(info.width), float(info.height)
        for box in self.boxes:
            left, top, width, height = box[0] / wide, box[1] / high, box[2] / wide, box[3] / high
            first = (round(left * _GRID), round(top * _GRID))
            last = (round((left + width) * _GRID) - 1, round((top + height) * _GRID) - 1)
            cv2.rectangle(drawn, first, last, 1.0, cv2.FILLED)
        return drawn


@dataclass(frozen=True, eq=False)
class AnnotatedImage:
    """A film, where the finding is on it, and where its lungs are: bool arrays of one shape.

    Attributes:
        path: The film's file.
        mask: Where the finding is.
        lungs: Where the lungs are; None where nobody has drawn them.
    """

    path: Path
    mask: np.ndarray
    lungs: np.ndarray | None


def read_mask(file: Path) -> np.ndarray:
    """What is white in a mask: float32 (h, w) in {0, 1}.

    Raises:
        RadiographError: If it is no image.
    """
    try:
        with Image.open(file) as image:
            return (np.asarray(image.convert("L")) > 127).astype(np.float32)
    except OSError as error:
        raise RadiographError(f"{file.name}: expected a mask image: {error}") from None


def pair_masks(
    images: Path, masks: Path, lungs: Path | None, shape: tuple[int, int]
) -> list[AnnotatedImage]:
    """The films of a folder on which something is marked, with their masks at that shape.

    All are read, so that one that cannot be is told now, and not after hours of maps.

    Args:
        images: Folder of films.
        masks: Folder of masks of the finding, one of the same stem for each film.
        lungs: Likewise of the lungs; None for none.
        shape: Height and width of the masks returned.

    Raises:
        ArgumentError: If there are fewer than two, or a film lacks a mask.
        RadiographError: If a film or a mask cannot be read.
    """

    def read(file: Path) -> np.ndarray:
        return resize(read_mask(file), shape) > 0.5

    folders = [folder for folder in (masks, lungs) if folder]
    by_stem = [{file.stem: file for file in folder.glob("*")} for folder in folders]
    found = []
    for film in sorted(file for file in images.glob("*") if file.is_file()):
        for folder, files in zip(folders, by_stem, strict=True):
            if film.stem not in files:
                raise ArgumentError(f"{film}: expected a mask of the same stem in {folder}.")
        mask, *of_lungs = (read(files[film.stem]) for files in by_stem)
        if mask.any():  # Else there is nothing to find.
            read_radiograph(film)
            found.append(AnnotatedImage(film, mask, of_lungs[0] if of_lungs else None))
    if len(found) < 2:
        raise ArgumentError(f"{images}: expected two films or more with masks. Found {len(found)}")
    return found


def find_lesions(films: Iterable[Path]) -> dict[Path, Lesion]:
    """What lies beside films, for those where something does; a mask before boxes.

    Raises:
        DatasetError: If a file of boxes has other columns, what is no number in them, or a box
            that is not on the film.
    """
    masks, boxes = cache(_masks_beside), cache(_boxes_beside)
    found = {}
    for film in films:
        if mask := masks(film.parent).get(film.stem):
            found[film] = Lesion(mask)
        elif rectangles := boxes(film.parent).get(film.stem):
            found[film] = Lesion(boxes=rectangles)
    return found


def _masks_beside(folder: Path) -> Mapping[str, Path]:
    """Stem -> mask, of a folder of films."""
    places = [folder.parent / name for name in MASK_FOLDERS]
    return {file.stem: file for place in places if place.is_dir() for file in place.iterdir()}


def _boxes_beside(folder: Path) -> Mapping[str, tuple[Rectangle, ...]]:
    """Stem -> boxes, of a folder of films."""
    found: dict[str, tuple[Rectangle, ...]] = {}
    for file in (place / name for place in (folder.parent, folder) for name in BOX_FILES):
        if not file.is_file():
            continue
        table = read_table(file)
        keys = [tuple(map(column_key, names)) for names in _COLUMNS]
        columns = next((c for c in keys if table.columns.keys() >= set(c)), None)
        if columns is None:
            raise DatasetError(
                f"{file}: expected the columns {','.join(_COLUMNS[0])}. "
                f"Received: {','.join(table.columns.values())}"
            )
        for row in table.rows:
            name, *cells = (row.get(column) for column in columns)
            try:
                box = [number for cell in cells if (number := parse_number(cell)) is not None]
                size = [parse_number(row.get(column_key(side))) or _ORIGINAL for side in _SIZE]
            except ValueError:
                box, size = [0.0], []
            if not box:
                continue  # A film without a finding.
            if len(box) != len(cells):
                raise DatasetError(f"{file}, line {row.number}: expected four numbers of a box.")
            size = [1.0, 1.0] if max(box) <= 1 else size
            shares = box_shares(*box, *size)
            if min(shares) < 0 or max(shares[0] + shares[2], shares[1] + shares[3]) > 1 + _OVER:
                raise DatasetError(
                    f"{file}, line {row.number}: expected a box on a film of "
                    f"{size[0]:.0f} x {size[1]:.0f} (columns {', '.join(_SIZE)}). "
                    f"Received: {cells}"
                )
            stem = Path(name).stem
            found[stem] = (*found.get(stem, ()), shares)
    return found


def box_shares(
    x: float,
    y: float,
    width: float,
    height: float,
    wide: float = _ORIGINAL,
    high: float = _ORIGINAL,
) -> Rectangle:
    """A box in shares of a film; numbers above 1 count pixels of one of that width and height."""
    if max(x, y, width, height) <= 1:
        wide = high = 1.0
    return x / wide, y / high, width / wide, height / high
