"""Films through networks at the networks' own pace: reading, lungs and networks overlap."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Self, TypeVar

from xraycore.anatomy.crop import ModelInput, crop_inputs
from xraycore.anatomy.lung_field import segment_lungs
from xraycore.errors import RadiographError
from xraycore.imaging.radiograph import Radiograph, RadiographInfo
from xraycore.imaging.reading import FilmReader
from xraycore.models.classifier import BATCH, Classifier, Prediction
from xraycore.utils.ahead import run_ahead

Source = TypeVar("Source")
Inputs = dict[tuple[str, int], list[ModelInput]]


@dataclass(frozen=True, eq=False)
class ScoredFilm(Generic[Source]):
    """What networks say of a film, or why it cannot be read.

    Attributes:
        source: What the film was read from.
        info: What its file says; None where it cannot be read.
        predictions: One a network, in their order; none where it cannot be read.
        error: Why it cannot be read; None where it was.
    """

    source: Source
    info: RadiographInfo | None
    predictions: tuple[Prediction, ...] = ()
    error: RadiographError | None = None


class FilmScorer(Generic[Source]):
    """Networks that are asked of films one after another; use it in a `with` block.

    Films are decoded by several processes, their lungs found in a thread and networks run in
    another, each a little ahead of the next. Pixels are let go of once networks have their inputs.
    The same films in the same order pass in the same batches, so that they get the same answers.

    Args:
        classifiers: The networks.
        read: From a source to its film; raises `RadiographError` for what is none.
        processes: How many decode; as many as there are cores where None.
    """

    def __init__(
        self,
        classifiers: Sequence[Classifier],
        read: Callable[[Source], Radiograph],
        processes: int | None = None,
    ):
        self.classifiers = list(classifiers)
        self._reader = FilmReader(read, processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *why: object) -> None:
        self._reader.__exit__(*why)

    def score(self, sources: Iterable[Source]) -> Iterator[ScoredFilm[Source]]:
        """What the networks say of each film, in their order."""
        prepared = run_ahead(self._prepare(self._reader.read(sources)))
        for batch in run_ahead(self._predict(prepared)):
            yield from batch

    def _prepare(
        self, read: Iterable[tuple[Source, Radiograph | RadiographError]]
    ) -> Iterator[tuple[list[tuple[Source, RadiographInfo | RadiographError]], Inputs]]:
        every = iter(read)
        while batch := list(islice(every, BATCH)):
            films = [film for _, film in batch if isinstance(film, Radiograph)]
            lungs = segment_lungs(films)
            keys = {(one.view, one.size) for one in self.classifiers}
            inputs = {key: crop_inputs(films, *key, lungs) for key in keys} if films else {}
            yield (
                [
                    (source, film.info if isinstance(film, Radiograph) else film)
                    for source, film in batch
                ],
                inputs,
            )

    def _predict(
        self,
        prepared: Iterable[tuple[list[tuple[Source, RadiographInfo | RadiographError]], Inputs]],
    ) -> Iterator[list[ScoredFilm[Source]]]:
        for batch, inputs in prepared:
            said = [one.predict(inputs[one.view, one.size]) for one in self.classifiers if inputs]
            each = zip(*said, strict=True)
            yield [
                ScoredFilm(source, None, error=told)
                if isinstance(told, RadiographError)
                else ScoredFilm(source, told, next(each))
                for source, told in batch
            ]
