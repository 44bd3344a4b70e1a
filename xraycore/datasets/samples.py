"""Films to try: generated phantoms always, real ones where the data sets are present."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from xraycore.config import data_folder
from xraycore.datasets.manifest import list_images
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.imaging import Radiograph, read_radiograph
from xraycore.imaging.encode import encode_png
from xraycore.imaging.overlay import to_uint8

PHANTOM_SEEDS = (3, 8, 21)

# Folder below the data directory, pattern, how many, and what the data set calls them.
_REAL = (
    ("originals/NORMAL", "*", 2, "Child, normal"),
    ("originals/BACTERIA", "*", 2, "Child, bacterial"),
    ("originals/VIRUS", "*", 2, "Child, viral"),
    ("covid_radiography/Normal", "*", 2, "Adult, normal"),
    ("covid_radiography/COVID", "*", 2, "Adult, COVID"),
    # Not the Fake_… one, which is relabelled to come out inverted.
    ("dicom", "[!F]*.dcm", 2, "DICOM file"),
)


@dataclass(frozen=True)
class Sample:
    """A film to try.

    Attributes:
        id: Short name, stable between starts, fit for a link.
        title: What it shows, and whether it is synthetic.
        synthetic: Generated, not taken of a person.
        read: Gives the film.
        truth: What is known of it, in a sentence; "" for nothing.
    """

    id: str
    title: str
    synthetic: bool
    read: Callable[[], Radiograph]
    truth: str = ""


def list_samples() -> list[Sample]:
    """Phantoms, with and without an opacity, then real films where there are any."""
    samples = []
    for number, seed in enumerate(PHANTOM_SEEDS, start=1):
        for opacity in (False, True):
            kind = "opacity" if opacity else "normal"
            samples.append(
                Sample(
                    f"phantom-{number}-{kind}",
                    f"{'Opacity' if opacity else 'Clear lungs'} {number}",
                    True,
                    partial(phantom_film, seed, opacity=opacity),
                    f"Drawn with {'an opacity' if opacity else 'clear lungs'}.",
                )
            )
    root = data_folder()
    if root is None:
        return samples
    for folder, pattern, count, title in _REAL:
        films = sorted(list_images((root / folder).glob(pattern)))
        for number, path in enumerate(films[:count], start=1):
            name = f"{folder.replace('/', '-').lower()}-{number}"
            truth = f"Its data set says: {title.lower()}." if "," in title else ""
            samples.append(
                Sample(
                    name,
                    f"{title} {number}",
                    False,
                    partial(read_radiograph, path),
                    truth.replace("covid", "COVID-19"),
                )
            )
    return samples


def phantom_film(seed: int, *, opacity: bool) -> Radiograph:
    """A generated film as if it had been read from a file: the same bytes for the same seed."""
    pixels = make_phantom(seed, opacity=opacity, size=768).pixels
    data = encode_png(to_uint8(pixels))
    kind = "opacity" if opacity else "normal"
    return read_radiograph(data, name=f"synthetic-{kind}-{seed}.png")
