"""The one rule by which stored values become greys in [0, 1], whatever file they come from.

It is told what the file declares and looks at what is really there: values are never wrapped or
halved, what cannot be used is left out, and both are said.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from xraycore.imaging.decoding import new_pixels
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.utils.text import percent

# Share of the pixels at either end that may be dead pixels, markers, or rings around these.
OUTLIERS = 0.005
# Outliers are cut off only where the range with them is this many times that without.
FAR_OUT = 1.25
# Integers whose range is at most this are looked up instead of computed.
MAX_LEVELS = 1 << 17
ROWS = 64

UNUSABLE_WINDOW = FilmWarning(
    "window",
    "The display window in the DICOM file cannot be used, so the full range of its values is "
    "shown; contrast may differ from the film the radiographer saw.",
)
FEW_FAR_OUT = FilmWarning(
    "range",
    "A few pixels are far brighter or darker than all others: they were cut off, and the range of "
    "the others is shown.",
)
TABLE_RANGE = FilmWarning(
    "range",
    "The display table in the DICOM file does not reach or exceeds the range that it declares: "
    "its own highest value is shown as white.",
)


@dataclass(frozen=True, eq=False)
class Table:
    """A look-up table: `entries` (integers from 0) for the inputs from `first` on.

    `bits` is what its file declares as their depth.
    """

    first: int
    entries: np.ndarray
    bits: int

    def look_up(self, values: np.ndarray) -> np.ndarray:
        """The entries of values; what lies before or behind the table gets its ends."""
        first = self.first
        # Whether it is signed is often told wrongly: its bit pattern is what counts.
        for other in (first - 2**16, first + 2**16):
            if not _overlaps(first, len(self.entries), values) and _overlaps(
                other, len(self.entries), values
            ):
                first = other
        places = np.clip(np.rint(values) - first, 0, len(self.entries) - 1)
        return self.entries[places.astype(np.int64)].astype(np.float64)

    @property
    def honest(self) -> bool:
        """Whether the highest entry needs as many bits as are declared."""
        return int(self.entries.max()).bit_length() == self.bits

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The entries of values over white: full scale, or where it is no scale the highest one."""
        white = 2**self.bits - 1 if self.honest else max(int(self.entries.max()), 1)
        return self.look_up(values) / white


@dataclass(frozen=True)
class Window:
    """A display window (PS3.3 C.11.2.1.2, C.11.2.1.3): LINEAR, LINEAR_EXACT or SIGMOID."""

    centre: float
    width: float
    function: str = "LINEAR"

    def __call__(self, values: np.ndarray) -> np.ndarray | None:
        """Greys in [0, 1], None where the window is none."""
        if self.width <= 0 or (self.function == "LINEAR" and self.width < 1):
            return None
        if self.function == "SIGMOID":
            steps = np.clip(-4 * (values - self.centre) / self.width, -700, 700)
            return 1 / (1 + np.exp(steps))
        centre, width = self.centre, self.width
        if self.function == "LINEAR":
            centre, width = centre - 0.5, width - 1
        elif self.function != "LINEAR_EXACT":
            return None
        if width == 0:
            return (values > centre).astype(np.float64)
        return np.clip((values - centre) / width + 0.5, 0, 1)


def _overlaps(first: int, entries: int, values: np.ndarray) -> bool:
    return first <= values.max() and first + entries > values.min()


@dataclass(frozen=True, eq=False)
class Display:
    """How a file asks to show its values: rescaled or looked up, then displayed, then inverted.

    `shown` are the windows and tables it offers, the preferred first; `offered` says that it offers
    some, even if none could be understood.
    """

    slope: float = 1.0
    intercept: float = 0.0
    modality: Table | None = None
    shown: Sequence[Table | Window] = ()
    offered: bool = False
    inverted: bool = False

    def choose(
        self, values: np.ndarray, ends: tuple[float, float]
    ) -> tuple[Callable[[np.ndarray], np.ndarray], list[FilmWarning]]:
        """What turns stored values into greys in [0, 1], and what to say of it.

        The first way offered that tells any of `values` (stored values) from the others; else the
        range between `ends`, the lowest and the highest that count.
        """
        warnings = [UNUSABLE_WINDOW] if self.offered else []
        way: Callable[[np.ndarray], np.ndarray | None] = self._full_range(ends)
        rescaled = self._rescale(values)
        for offered in self.shown:
            trial = offered(rescaled)
            if trial is not None and (np.ptp(trial) > 0 or np.ptp(rescaled) == 0):
                honest = not isinstance(offered, Table) or offered.honest
                way, warnings = offered, [] if honest else [TABLE_RANGE]
                break

        def greys(stored: np.ndarray) -> np.ndarray:
            rendering = way(self._rescale(stored))
            assert rendering is not None  # It was tried on the values.
            rendering = np.clip(rendering, 0, 1)
            return 1 - rendering if self.inverted else rendering

        return greys, warnings

    def _rescale(self, values: np.ndarray) -> np.ndarray:
        if self.modality is not None:
            return self.modality.look_up(values)
        return values.astype(np.float64) * self.slope + self.intercept

    def _full_range(self, ends: tuple[float, float]) -> Callable[[np.ndarray], np.ndarray]:
        rescaled = self._rescale(np.linspace(*ends, 2 if self.modality is None else MAX_LEVELS))
        low, high = rescaled.min(), rescaled.max()
        span = max(high - low, np.finfo(np.float64).tiny)
        return lambda values: (values - low) / span


def show(
    samples: np.ndarray,
    display: Display,
    significant: Callable[[np.ndarray], np.ndarray] = lambda rows: rows,
    is_padding: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[np.ndarray, list[FilmWarning]]:
    """float32 (H, W) greys of stored samples (H, W) as a display asks, and what to say of them.

    `significant` makes values of stored rows; padding, and what is no number, becomes 0 and takes
    no part in the range. All is done some rows at a time: a film of 64 megapixels must not need the
    memory of ten.
    """
    pixels = new_pixels(samples.shape)

    def parts() -> Iterator[tuple[slice, np.ndarray, np.ndarray | None]]:
        for rows in strips(len(samples)):
            values, valid = significant(samples[rows]), None
            if values.dtype.kind == "f":
                valid = np.isfinite(values)
            if is_padding is not None:
                film = ~is_padding(samples[rows])
                valid = film if valid is None else valid & film
            yield rows, values, valid

    step = max(1, samples.size // 500_000)
    thinned, lows, highs = [], [], []
    for _, values, valid in parts():
        counted = values.ravel() if valid is None else values[valid]
        if counted.size:
            lows.append(counted.min().item())
            highs.append(counted.max().item())
            thinned.append(counted[::step])
    if not thinned:
        pixels.fill(0)
        return pixels, []
    low, high = min(lows), max(highs)
    ends = _without_outliers(np.concatenate(thinned), low, high)
    integers = samples.dtype.kind != "f" and high - low < MAX_LEVELS
    # What maps a value to a grey is done once a value instead of once a pixel, where that is less.
    every = np.arange(low, high + 1) if integers else np.linspace(low, high, 1024)
    greys, warnings = display.choose(every, ends)
    levels = greys(every).astype(np.float32)
    for rows, values, valid in parts():
        if integers:
            values = values if valid is None else np.clip(values, low, high)
            pixels[rows] = levels[values.astype(np.int32) - low]
        else:
            pixels[rows] = greys(values if valid is None else np.where(valid, values, low))
        if valid is not None:
            pixels[rows][~valid] = 0
    cut = ends != (low, high) and (not display.shown or UNUSABLE_WINDOW in warnings)
    return pixels, [*warnings, *([FEW_FAR_OUT] if cut else [])]


def _without_outliers(values: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """The range of values of which low and high are the ends, unless a few of these are far out."""
    most = int(values.size * OUTLIERS)
    if most:
        values = np.partition(values, (most, values.size - 1 - most))
        inner = values[most].item(), values[-1 - most].item()
        if inner[1] > inner[0] and high - low > FAR_OUT * (inner[1] - inner[0]):
            return inner
    return low, high


def full_scale(samples: np.ndarray, declared: int | None = None) -> tuple[int, list[FilmWarning]]:
    """Bits that unsigned samples use, with which 2^bits - 1 is white, and what to say of them.

    The bits that the file declares, if all but `OUTLIERS` of the samples need no more; else, and
    where none are declared, at least 8 and as many as all but these need, since detectors deliver
    10 to 14 bits, and dividing 12 by 65535 would leave a film almost black. The few beyond are
    white.
    """
    of_value = np.zeros(2**16, np.int64)
    for rows in strips(len(samples)):
        of_value += np.bincount(samples[rows].ravel(), minlength=2**16)
    # Of each number of bits: how many samples need more.
    beyond = [int(of_value[2**bits :].sum()) for bits in range(17)]
    bits = declared or 8
    while beyond[bits] > OUTLIERS * samples.size:
        bits += 1
    if declared and bits > declared:
        text = f"The file declares {declared} bits, but its values need {bits}: these are shown."
        return bits, [FilmWarning("range", text)]
    if beyond[bits]:
        share = percent(beyond[bits] / samples.size, 1)
        text = f"A few pixels ({share}) are brighter than {bits} bits hold and are shown as white."
        return bits, [FilmWarning("range", text)]
    return bits, []


def luminance(samples: np.ndarray) -> np.ndarray:
    """float32 (H, W): ITU-R 601 luma of (H, W, 3), in the samples' own unit."""
    grey = new_pixels(samples.shape[:2])
    for rows in strips(len(samples)):
        grey[rows] = luma(samples[rows])
    return grey


def luma(samples: np.ndarray) -> np.ndarray:
    """The same of a few rows, in an array of its own; of 8 bits rounded to whole levels."""
    samples = np.ascontiguousarray(samples)
    if samples.dtype == np.uint8:
        return np.asarray(Image.fromarray(samples).convert("L"))
    # Weights in float32 do not add up to one: a grey pixel keeps its value.
    grey = (samples == samples[..., :1]).all(axis=2)
    return np.where(grey, samples[..., 0], samples @ np.array([0.299, 0.587, 0.114], np.float32))


def strips(height: int) -> Iterator[slice]:
    """Slices of `ROWS` rows that cover a height."""
    return (slice(start, start + ROWS) for start in range(0, height, ROWS))
