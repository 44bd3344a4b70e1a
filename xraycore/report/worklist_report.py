"""One report for many films: what the networks answer of each, in one HTML file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xraycore.config import NOTICE, VERSION
from xraycore.errors import ArgumentError
from xraycore.evaluation.ensemble import mean_probabilities
from xraycore.models.answer import find_scope, state_answer
from xraycore.models.cards import read_card, stored_title
from xraycore.models.classifier import Prediction
from xraycore.models.sites import SiteProfile
from xraycore.report.provenance import now
from xraycore.report.rendering import load_template


@dataclass(frozen=True)
class ReportedFilm:
    """A film of the list.

    Attributes:
        title: What the list calls it.
        sha256: Of its file.
        picture: A small picture of it as a data URL; "" for none.
        answer: What the networks answer together, in a few words.
        predictions: What each network said, of the same networks for all films.
        annotations: What a reader drew on it, in words.
        truth: What is known of it; "" for nothing.
        sites: Model -> site profile that it is answered by.
    """

    title: str
    sha256: str
    picture: str
    answer: str
    predictions: Sequence[Prediction]
    annotations: Sequence[str] = ()
    truth: str = ""
    sites: Mapping[str, SiteProfile] = field(default_factory=dict)


def write_worklist_report(films: Sequence[ReportedFilm]) -> str:
    """The report as HTML, with its pictures inside: a table of all films, then each by itself.

    Of a film without an answer it says why, and gives no probability.

    Raises:
        ArgumentError: If there is no film.
    """
    if not films:
        raise ArgumentError("expected films to report on, at least one. Received: none")
    described = [_describe(number, film) for number, film in enumerate(films, start=1)]
    weights = {
        stored_title(one.model): (one.weights_sha256, one.card_sha256)
        for film in films
        for one in film.predictions
    }
    return load_template("worklist.html").render(
        films=described,
        weights=weights,
        answers=_count_answers([film["answer"] for film in described]),
        time=now(),
        version=VERSION,
        notice=NOTICE,
    )


def _describe(number: int, film: ReportedFilm) -> dict[str, Any]:
    warnings = list(dict.fromkeys(text for one in film.predictions for text in one.warnings))
    scope = find_scope(warnings)
    rows = []
    if scope.inside:
        for one in film.predictions:
            answer = state_answer(one, read_card(one.model), film.sites.get(one.model))
            reading = answer.reading if answer else one.label
            rows.append((stored_title(one.model), reading, one.probabilities))
        if mean := mean_probabilities(film.predictions):
            label = max(mean, key=mean.__getitem__)
            rows.append((f"Mean of the {len(film.predictions)}", label, mean))
    return {
        "number": number,
        "title": film.title,
        "sha256": film.sha256,
        "picture": film.picture,
        "answer": film.answer,
        "refusal": scope.text,
        "warnings": warnings,
        "rows": rows,
        "classes": list(rows[0][2]) if rows else [],
        "annotations": list(film.annotations),
        "truth": film.truth,
    }


def _count_answers(answers: Sequence[str]) -> dict[str, int]:
    """How many films each answer is given of, without how many networks agree."""
    heads = [text.partition(" · ")[0] for text in answers]
    return {head: heads.count(head) for head in dict.fromkeys(heads)}
