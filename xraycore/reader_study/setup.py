"""From films and models to the heatmaps that a study asks about."""

from collections.abc import Callable, Iterable, Sequence

from xraycore.datasets.labels import NORMAL
from xraycore.datasets.locator import FilmLocator, Read
from xraycore.errors import ReaderStudyError
from xraycore.imaging import Radiograph, RadiographError
from xraycore.models.classifier import Prediction
from xraycore.reader_study.records import ToRead
from xraycore.utils.progress import Progress, ProgressCallback, ignore

# Which class a heatmap explains, unless it is one class for all.
FINDING, ANSWER = "finding", "answer"


def choose_target(prediction: Prediction, wanted: str) -> str:
    """The class that a heatmap of this prediction explains.

    Args:
        prediction: Of the model.
        wanted: `FINDING` for the most probable class but Normal, of which there is no place to
            mark; `ANSWER` for the most probable one; or a class.

    Raises:
        ReaderStudyError: If the model knows no such class.
    """
    if wanted == ANSWER:
        return prediction.label
    if wanted == FINDING:
        found = {c: p for c, p in prediction.probabilities.items() if c != NORMAL}
        return max(found, key=found.__getitem__)
    if wanted not in prediction.classes:
        raise ReaderStudyError(
            f"{prediction.model} knows {', '.join(prediction.classes)}. Received: {wanted!r}"
        )
    return wanted


def list_heatmaps(
    films: Sequence[Read],
    predict: Callable[[Radiograph], Iterable[Prediction]],
    methods: Sequence[str],
    *,
    target: str = FINDING,
    public: FilmLocator | None = None,
    report: ProgressCallback = ignore,
) -> tuple[list[ToRead], list[str]]:
    """The heatmaps of films by models and methods, film by film, and why films are left out.

    Args:
        films: How each is read; one that cannot be read is left out.
        predict: What each of the models says of a film.
        methods: Their names.
        target: See `choose_target`.
        public: Where films are remembered that can be read again.
        report: Called with the share of films that is done; what it raises stops the work.
    """
    found: list[ToRead] = []
    refused: list[str] = []
    for done, read in enumerate(films):
        report(Progress(done / len(films)))
        try:
            radiograph: Radiograph = read()
        except RadiographError as error:
            refused.append(str(error))
            continue
        if public is not None:
            public.add(radiograph, read)
        for one in predict(radiograph):
            explained = choose_target(one, target)
            found += [
                ToRead(radiograph.info.sha256, one.model, method, explained, one.weights_sha256)
                for method in methods
            ]
    return found, refused
