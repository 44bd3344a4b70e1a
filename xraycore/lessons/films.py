"""The films of lessons, and the truth about them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from xraycore.config import data_folder
from xraycore.datasets.manifest import list_images
from xraycore.datasets.masks import Lesion
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.datasets.synthetic.plants import plant
from xraycore.errors import LessonError
from xraycore.imaging import Radiograph, read_radiograph
from xraycore.imaging.encode import encode_png
from xraycore.imaging.overlay import to_uint8
from xraycore.imaging.resample import resize
from xraycore.lessons.reading import Lesson
from xraycore.lessons.schema import FilmTable

# Height and width of generated films, and of the masks that tell where their opacity is.
_SIDE, _MASK = 640, 256
# Of a film's name as students may see it: that of its file may tell the finding.
NAME = "Film of a lesson"


@dataclass(frozen=True, eq=False)
class LessonFilm:
    """A film of a lesson.

    Attributes:
        key: Another for each film, the same for the same.
        read: Gives it.
        finding: Whether there is something on it.
        place: Where, bool (h, w) of the whole film; None where nobody has drawn it.
        generated: Whether it is of no person.
    """

    key: str
    read: Callable[[], Radiograph] = field(repr=False)
    finding: bool
    place: np.ndarray | None = field(repr=False)
    generated: bool


def open_film(lesson: Lesson, film: FilmTable, real: FilmTable | None = None) -> LessonFilm:
    """A film of a lesson; the real one in its place where this computer has it.

    Raises:
        LessonError: If the film is one of the data folder, which is not there or lacks it.
        RadiographError: If its mask cannot be read.
    """
    if real is not None and _locate(lesson, real) is not None:
        film = real
    if film.phantom is not None:
        seed, opacity, planted = film.phantom, film.opacity, film.plant
        key = f"phantom-{seed}-{opacity or 'clear'}-{planted or 'plain'}"
        data, place = _generate(seed, opacity, planted)
        return LessonFilm(
            key, partial(read_radiograph, data, name=NAME), opacity is not None, place, True
        )
    file = _locate(lesson, film)
    if file is None:
        raise LessonError(
            f"{lesson.id}: expected film {film.number} of the folder {film.data} of the data "
            "folder (XRAYCORE_DATA); it is not there"
        )
    state = file.stat()
    key = f"{file}-{state.st_mtime_ns}-{state.st_size}"
    return LessonFilm(
        key, partial(_read, file), bool(film.finding), _place(film, file), generated=False
    )


def _read(file: Path) -> Radiograph:
    return read_radiograph(file.read_bytes(), name=NAME)


def _locate(lesson: Lesson, film: FilmTable) -> Path | None:
    if film.phantom is not None:
        return None
    if film.file is not None:
        return lesson.folder / film.file
    root = data_folder()
    if root is None or film.data is None:
        return None
    folder = root / film.data
    films = sorted(list_images(folder.iterdir())) if folder.is_dir() else []
    return films[film.number - 1] if film.number <= len(films) else None


def _place(film: FilmTable, file: Path) -> np.ndarray | None:
    """Where the finding is drawn."""
    mask, root = None, data_folder()
    if film.masks and root:
        mask = next(iter(sorted((root / film.masks).glob(f"{file.stem}.*"))), None)
    if mask is None and not film.boxes:
        return None
    boxes = tuple((x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in film.boxes)
    return Lesion(mask, boxes).draw() > 0.5


@lru_cache(maxsize=64)
def _generate(
    seed: int, opacity: str | None, planted: str | None
) -> tuple[bytes, np.ndarray | None]:
    """A generated film's file, and where its opacity is."""
    made = make_phantom(seed, opacity=opacity is not None, kind=opacity or "focal", size=_SIDE)
    pixels = made.pixels
    if planted:
        pixels, _ = plant(planted, pixels, np.random.default_rng((seed, 3)))
    data = encode_png(to_uint8(pixels))
    if opacity is None:
        return data, None
    return data, resize(made.lesion.astype(np.float32), (_MASK, _MASK)) > 0.5
