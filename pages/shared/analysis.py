"""A film and all that was made of it: whoever lets go of the one lets go of everything."""

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from pages.components.film_viewer import FilmPicture
from pages.shared import inference
from pages.shared.film_memory import MB, FilmMemory, size_of
from pages.shared.inference_worker import Network
from xraycore.anatomy.crop import ModelInput, crop_inputs
from xraycore.anatomy.lung_field import LungField, segment_lungs
from xraycore.anatomy.segmenter import SIZE
from xraycore.attribution.heatmap import Heatmap, explain
from xraycore.attribution.plausibility import check_plausibility
from xraycore.config import limits
from xraycore.errors import Cancelled
from xraycore.imaging import Radiograph
from xraycore.imaging.resample import resize
from xraycore.models.classifier import Classifier, Prediction

Result = TypeVar("Result")
# What was found, by what it is: its kind, then which network, method, class, ….
Key = tuple[Hashable, ...]

# Results of a film, of those that are made again at once and of those that take minutes; a look at
# a film brings some thirty. Bytes are bounded too, see `FilmMemory`.
MOST_BRIEF, MOST_LONG = 100, 100
# One network alone leaves cores waiting between its layers: two at once take 0.87 of the time on
# two cores.
_AHEAD = ThreadPoolExecutor(2, "prefetch")


class Analysis:
    """A radiograph, and everything that is computed of it: once, by whoever asks first.

    Others that ask meanwhile wait for the same answer. What can be made again is let go of when
    films that were used since need the memory; nothing at all is kept once it is closed.

    Attributes:
        memories: What it shares memory with: the films of all sessions, and those of its own.
        closed: Whether it was let go of: whoever asks from then on gets `Cancelled`.
    """

    def __init__(self, read: Callable[[], Radiograph]):
        self._read: Callable[[], Radiograph] | None = read
        self._brief: dict[Key, Future] = {}
        self._long: dict[Key, object] = {}
        self._sizes: dict[Key, int] = {}
        self.memories: tuple[FilmMemory, ...] = (all_films(),)
        self._ahead: dict[str, Future] = {}
        self._touching = threading.Lock()
        self.closed = False

    def once(self, key: Key, make: Callable[[], Result]) -> Result:
        """The result of brief work, which is done by who asks first; what it raises is not kept."""
        for memory in self.memories:
            memory.touch(self)
        with self._touching:
            if self.closed:
                raise Cancelled
            kept = self._brief
            future = kept.pop(key, None)
            asked_first = future is None
            # To the end: what was asked for longest ago is forgotten first.
            kept[key] = future = future or Future()
            done = [one for one in kept if kept[one].done()]
            for oldest in done[: max(0, len(kept) - MOST_BRIEF)]:
                del kept[oldest]
                self._sizes.pop(oldest, None)
        if asked_first:
            try:
                found = make()
                self._weigh(kept, {key: found})
                future.set_result(found)
            except BaseException as error:
                with self._touching:
                    kept.pop(key, None)
                future.set_exception(error)
        return future.result()

    def radiograph(self) -> Radiograph:
        """The film; decoded again where it was not used lately.

        Raises:
            RadiographError: If it cannot be read.
        """
        return self.once(("radiograph",), self._read)

    def picture(self) -> FilmPicture:
        """The film as the browser gets it."""
        return self.once(("picture",), lambda: FilmPicture(self.radiograph()))

    def lungs(self) -> LungField:
        """Where its lungs are."""

        def segment() -> LungField:
            film = self.radiograph()
            # The segmenter sees no more than this: a whole film need not be sent to it.
            small = replace(film, pixels=resize(film.pixels, (SIZE, SIZE)))
            return inference.run(segment_lungs, [small])[0]

        return self.once(("lungs",), segment)

    def model_input(self, view: str, size: int) -> ModelInput:
        """What networks of that view and size see of it."""

        def crop() -> ModelInput:
            return crop_inputs([self.radiograph()], view, size, [self.lungs()])[0]

        return self.once(("input", view, size), crop)

    def prediction(self, name: str) -> Prediction:
        """What the model says of it.

        Raises:
            WeightsError: If its weights are missing or damaged.
        """
        network = Network.of(name)

        def predict() -> Prediction:
            model_input = self.model_input(network.view, network.size)
            return inference.run(Classifier.predict, network, model_input)

        return self.once(("prediction", name, network.card_sha256), predict)

    def heatmap(self, name: str, method: str, target_class: str) -> Heatmap:
        """The model's map of a class by a quick method."""
        network = Network.of(name)

        def attribute() -> Heatmap:
            return inference.run(explain, network, self.prediction(name), method, target_class)

        return self.once(("heatmap", name, network.card_sha256, method, target_class), attribute)

    def implausible(self, heatmap: Heatmap) -> tuple[str, ...]:
        """What speaks against the place of one of its maps, in sentences."""

        def check() -> tuple[str, ...]:
            return check_plausibility(heatmap, self.radiograph(), self.lungs())

        # By the map itself: it is another whenever any of what it was made with is.
        return self.once(("implausible", heatmap), check)

    def prefetch(self, names: Sequence[str]) -> None:
        """Has models look at it while the page draws what needs no answer of theirs.

        The page asks as ever and waits for what is under way; it also hears of errors so.
        """
        with self._touching:
            if not self.closed and not self._ahead:
                self._ahead = {name: _AHEAD.submit(self.prediction, name) for name in names}

    def await_predictions(self, seconds: float) -> None:
        """Waits for the models that look at it, at most that long."""
        with self._touching:
            ahead = list(self._ahead.values())
        wait(ahead, timeout=seconds)

    def looking(self) -> set[str]:
        """Names of the models that have not said yet what they see."""
        with self._touching:
            return {name for name, future in self._ahead.items() if not future.done()}

    def stop_prefetch(self) -> None:
        """Has no further model look at it."""
        with self._touching:
            ahead, self._ahead = self._ahead, {}
        for future in ahead.values():
            future.cancel()

    def long_result(self, key: Key) -> object | None:
        """What long work found; None if nothing was yet."""
        with self._touching:
            if key in self._long:
                self._long[key] = self._long.pop(key)
            return self._long.get(key)

    def keep(self, found: Mapping[Key, object]) -> None:
        """Keeps what long work found."""
        with self._touching:
            if not self.closed:
                self._long |= found
                for key in list(self._long)[: max(0, len(self._long) - MOST_LONG)]:
                    del self._long[key]
                    self._sizes.pop(key, None)
        self._weigh(self._long, found)

    @property
    def size(self) -> int:
        """Bytes of all that is kept of it beside its file."""
        with self._touching:
            return sum(self._sizes.values())

    def cool(self, *, long: bool = False) -> None:
        """Lets go of what is made again at once, or of what takes minutes too."""
        self.stop_prefetch()
        with self._touching:
            self._brief = {}
            if long:
                self._long = {}
            self._sizes = {key: size for key, size in self._sizes.items() if key in self._long}

    def close(self) -> None:
        """Lets go of everything, also of what is under way."""
        with self._touching:
            self.closed = True
            self._long = {}
            # It holds the file. Streamlit may hold a closed film by the callback of a button.
            self._read = None
        self.cool()
        for memory in self.memories:
            memory.leave(self)

    def _weigh(self, kept: Mapping[Key, object], found: Mapping[Key, object]) -> None:
        """Notes the size of results, and has films give way to them."""
        sizes = {key: size_of(one) for key, one in found.items()}
        with self._touching:
            # What was let go of meanwhile takes no room.
            if kept is self._brief or kept is self._long:
                self._sizes |= {key: size for key, size in sizes.items() if key in kept}
        for memory in self.memories:
            memory.settle()


@lru_cache(maxsize=1)
def all_films() -> FilmMemory:
    """The films of all sessions."""
    return FilmMemory(limits().all_memory_mb * MB)
