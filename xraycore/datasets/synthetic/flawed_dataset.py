"""A generated data set with planted faults: what an audit finds, shown without any patient."""

from pathlib import Path

import cv2
import numpy as np

from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.errors import ArgumentError
from xraycore.imaging.encode import encode_jpeg, encode_png
from xraycore.imaging.overlay import to_uint8
from xraycore.utils.files import write_text
from xraycore.utils.progress import Progress, ProgressCallback, ignore
from xraycore.utils.text import to_csv

LABELS_FILE = "labels.csv"
# Shares of train, val and test, in tenths.
_SPLITS = ("train",) * 6 + ("val", "test") * 2
# How the films with an opacity were exposed, and where their side marker stands: x, y of its foot.
_GAMMA, _MARKER = 0.8, (0.06, 0.16)


def write_flawed_dataset(
    folder: str | Path,
    per_class: int = 30,
    *,
    size: int = 256,
    seed: int = 0,
    report: ProgressCallback = ignore,
) -> Path:
    """Writes phantoms in splits, with one of each fault that an audit finds; returns their CSV.

    - `train/Normal/copy.png` is byte-identical to `test/Normal/original.png`, another patient's.
    - `train/Opacity/again.jpg` is `train/Normal/first.png`, encoded anew, with the other class.
    - The patient `leak` has one film in `train` and one in `test`.
    - `val/Normal/cut.png` is half a file.
    - Films with an opacity are brighter and bear a marker: a shortcut that has nothing to do with
      lungs.

    Args:
        folder: Where to.
        per_class: Films of each class beside those named above.
        size: Width and height in pixels.
        seed: Of the first phantom.
        report: Called after each film.

    Raises:
        ArgumentError: If fewer than 10 films a class are asked for, which do not fill three splits.
    """
    if per_class < 10:
        raise ArgumentError(f"per_class must be at least 10. Received: {per_class}")
    folder, rows = Path(folder), []

    def write(name: str, content: bytes, patient: str) -> None:
        split, label, _ = name.split("/")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        rows.append({"path": name, "label": label, "split": split, "group": patient})

    plain = iter(
        [
            ("test/Normal/original.png", "twin-a"),
            ("train/Normal/first.png", "first"),
            ("train/Normal/leak-1.png", "leak"),
            ("test/Normal/leak-2.png", "leak"),
            ("val/Normal/cut.png", "cut"),
        ]
    )
    total = 2 * per_class + 5
    for number in range(total):
        if number < 2 * per_class:
            label, place = ("Normal", "Opacity")[number % 2], number // 2
            name = f"{_SPLITS[place % len(_SPLITS)]}/{label}/film-{place:03d}.png"
            patient = f"{label.lower()}-{place:03d}"
        else:
            name, patient = next(plain)
        opacity = "/Opacity/" in name
        film = to_uint8(make_phantom(seed + number, opacity=opacity, size=size).pixels)
        write(name, encode_png(_with_shortcut(film) if opacity else film), patient)
        report(Progress((number + 1) / total))
    write("train/Normal/copy.png", (folder / "test/Normal/original.png").read_bytes(), "twin-b")
    write("train/Opacity/again.jpg", _jpeg(folder / "train/Normal/first.png"), "again")
    cut = folder / "val/Normal/cut.png"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    # Last, so that a set which was not finished is none.
    columns = ["path", "label", "split", "group"]
    table = to_csv([columns, *([row[column] for column in columns] for row in rows)])
    write_text(folder / LABELS_FILE, table)
    return folder / LABELS_FILE


def _with_shortcut(film: np.ndarray) -> np.ndarray:
    """The uint8 film exposed otherwise, with a marker on the patient's right shoulder."""
    brighter = np.rint(255 * (film / 255) ** _GAMMA).astype(np.uint8)
    side = film.shape[0]
    place = tuple(round(share * side) for share in _MARKER)
    scale, line = side / 256, max(1, round(side / 100))
    cv2.putText(brighter, "R", place, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, line, cv2.LINE_AA)
    return brighter


def _jpeg(file: Path) -> bytes:
    picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    return encode_jpeg(np.asarray(picture), 80)
