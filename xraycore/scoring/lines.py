"""What models say of a film as plain values: the lines of `predict --json` and of the interface."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from xraycore.datasets.labels import LabelScheme
from xraycore.errors import ArgumentError
from xraycore.evaluation.ensemble import ENSEMBLE, mean_probabilities
from xraycore.imaging.film_warnings import warning_codes
from xraycore.models.answer import ERROR_RATES, Answer, agree_on, state_answer
from xraycore.models.classifier import Classifier, Prediction
from xraycore.models.sites import read_site

# Model -> from its prediction to its answer on two levels.
States = Mapping[str, Callable[[Prediction], Answer | None]]


def check_error_rate(error_rate: float) -> float | None:
    """The error rate at which answers are withdrawn; None for 0, which withdraws none.

    Raises:
        ArgumentError: If it is another than `ERROR_RATES` and 0.
    """
    if error_rate and error_rate not in ERROR_RATES:
        rates = ", ".join(map(str, ERROR_RATES))
        raise ArgumentError(f"--error-rate must be 0, {rates}. Received: {error_rate}")
    return error_rate or None


def answering(
    classifiers: Sequence[Classifier], site: str | None = None, error_rate: float | None = None
) -> States:
    """How each model's predictions are answered, by a site's profile where one is named.

    Raises:
        ArgumentError: If a model has no profile of the site.
        WeightsError: If its profile is damaged.
    """
    return {
        one.spec.name: partial(
            state_answer,
            card=one.card,
            site=read_site(one.spec.name, site) if site else None,
            error_rate=error_rate,
        )
        for one in classifiers
    }


def answer_lines(
    path: str | Path,
    predictions: Sequence[Prediction],
    view: LabelScheme | None,
    states: States,
) -> Iterator[dict[str, Any]]:
    """What each model says of a film, and what two or more say together: one object each.

    Args:
        path: What the film is called.
        predictions: One a model.
        view: Classes to sum probabilities to; None for the models' own.
        states: See `answering`.
    """
    stated = [states[one.model](one) for one in predictions]
    found: list[tuple[str, dict[str, float], tuple[str, ...], Prediction | None, Answer | None]]
    found = [
        (one.model, one.probabilities, one.warnings, one, answer)
        for one, answer in zip(predictions, stated, strict=True)
    ]
    if together := mean_probabilities(predictions):
        notes = tuple(dict.fromkeys(note for one in predictions for note in one.warnings))
        agreed = agree_on([answer for answer in stated if answer], together)
        found.append((ENSEMBLE, together, notes, None, agreed))
    for name, probabilities, notes, origin, answer in found:
        if view:
            values = np.array([list(probabilities.values())])
            viewed = view.probabilities(values, list(probabilities))[0]
            probabilities = dict(zip(view.classes, map(float, viewed), strict=True))
        yield _line(
            path,
            model=name,
            label=max(probabilities, key=probabilities.__getitem__),
            probabilities={k: round(p, 6) for k, p in probabilities.items()},
            notes=list(notes),
            origin=origin,
            answer=answer,
        )


def error_line(path: str | Path, error: Exception) -> dict[str, Any]:
    """The object of a film that cannot be read."""
    return _line(path, error=str(error))


def _line(
    path: str | Path,
    *,
    model: str | None = None,
    label: str | None = None,
    probabilities: dict[str, float] | None = None,
    notes: Sequence[str] = (),
    origin: Prediction | None = None,
    answer: Answer | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    levels = answer.to_json() if answer else dict.fromkeys(("opacity", "kind", "scope", "site"))
    return {
        "path": str(path),
        "model": model,
        "label": label,
        "probabilities": probabilities,
        "answer": answer.reading if answer else None,
        **levels,
        "warnings": list(notes),
        "warning_codes": warning_codes(notes),
        "weights_sha256": origin.weights_sha256 if origin else None,
        "card_sha256": origin.card_sha256 if origin else None,
        "error": error,
    }
