"""The open films beside the viewer, with what the models answer of each."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pages.compare.answers import join_answers, warnings_of
from pages.compare.films import close, forget_all, pick
from pages.components import worklist
from pages.components.worklist import WorklistRow
from pages.shared import cache
from pages.shared.jobs import Job
from pages.shared.open_films import OpenFilm, OpenFilms
from pages.shared.visitor import visitor
from xraycore.errors import Cancelled
from xraycore.evaluation.ensemble import disagreement
from xraycore.models.cards import card_sha256, stored_title
from xraycore.models.classifier import Prediction
from xraycore.models.sites import SiteProfile
from xraycore.report.annotations import describe_annotation
from xraycore.report.worklist_report import ReportedFilm
from xraycore.utils.progress import Progress, ProgressCallback


def cards_of(names: Sequence[str]) -> dict[str, str]:
    """Model -> sha256 of its card, as it is now: asked once for hundreds of films."""
    return {name: card_sha256(name) for name in names}


def answers_of(film: OpenFilm, cards: Mapping[str, str]) -> list[Prediction] | None:
    """What the models said of a film, by these cards; None while one has not been asked."""
    each = [film.answers.get(name, ("", None)) for name in cards]
    return [answer for _, answer in each] if list(cards.values()) == [c for c, _ in each] else None


def note_answers(film: OpenFilm, predictions: Sequence[Prediction]) -> None:
    """Keeps what models said of a film."""
    for one in predictions:
        film.answers[one.model] = (card_sha256(one.model), _light(one))


def ask_for(opened: OpenFilms, names: Sequence[str]) -> str:
    """Has every model look at every film, in the background; how far it is, "" once done."""
    films = list(opened.films.values())
    # Of the film that is looked at the page asks itself.
    others = [film for film in films if film is not opened.current]
    cards = cards_of(names)
    missing = [film for film in others if answers_of(film, cards) is None]
    job = opened.worklist_job
    if not missing:
        opened.worklist_job = None
        return ""
    if job is None or (job.done and not job.error):
        job = opened.worklist_job = Job(lambda report: _ask(missing, opened, names, report))
        if job.wait() and not job.error:
            return ""
    if not job.done:
        return f"{job.words} …"
    if isinstance(job.error, Cancelled):
        return "Stopped."
    return f"{len(missing):,} of {len(films):,} films were not looked at: {job.failure}"


def _ask(
    films: Sequence[OpenFilm],
    opened: OpenFilms,
    names: Sequence[str],
    report: ProgressCallback,
) -> None:
    for number, film in enumerate(films):
        for place, name in enumerate(names):
            if film.key not in opened.films:  # It was closed meanwhile.
                break
            share = (number + place / len(names)) / len(films)
            words = f"{stored_title(name)} looks at film {number + 1} of {len(films)}"
            report(Progress(share, words))
            # Of one that is being closed there is no answer, and the next film is not to wait.
            with contextlib.suppress(Cancelled):
                note_answers(film, [film.analysis.prediction(name)])


def _light(prediction: Prediction) -> Prediction:
    """The answer without the feature map: of hundreds of films these would fill the memory."""
    nothing = np.zeros((0, 0, 1), np.float32)
    return replace(prediction, features=nothing, grey=nothing)


def show_list(
    opened: OpenFilms,
    current: OpenFilm,
    names: Sequence[str],
    height: str,
    sites: Mapping[str, SiteProfile],
) -> bool:
    """The open films, answered by these site profiles; whether models still look at some."""
    progress, cards = ask_for(opened, names), cards_of(names)
    rows = [_row(film, answers_of(film, cards), sites) for film in list(opened.films.values())]
    worklist.show_worklist(
        rows,
        current.id,
        key="worklist",
        height=height,
        seconds_left=opened.kept.seconds_left() if visitor() else None,
        progress=progress,
        on_pick=pick,
        on_close=close,
        on_forget=forget_all,
    )
    return bool(opened.worklist_job) and not opened.worklist_job.done


def _apart(answers: Sequence[Prediction] | None) -> float | None:
    if not answers or len(answers) < 2 or len({one.classes for one in answers}) > 1:
        return None
    return disagreement(answers)


def reported_film(
    film: OpenFilm, answers: Sequence[Prediction], sites: Mapping[str, SiteProfile]
) -> ReportedFilm:
    """A film as the report of all of them shows it, for when the session is no longer at hand."""
    drawn = []
    if film.annotations:
        info = film.analysis.radiograph().info
        drawn = [describe_annotation(one, info) or "an arrow" for one in film.annotations]
    return ReportedFilm(
        film.title,
        film.sha256,
        film.thumbnail,
        join_answers(answers, sites=sites).summary,
        tuple(answers),
        tuple(drawn),
        _truth(film),
        sites,
    )


def _truth(film: OpenFilm) -> str:
    """Of a sample what it was drawn with, or what its data set says; "" of others."""
    truth = cache.samples()[film.sample].truth if film.sample else ""
    return truth.removeprefix("Its data set says: ").removeprefix("Drawn with ").rstrip(".")


def _row(
    film: OpenFilm,
    answers: Sequence[Prediction] | None,
    sites: Mapping[str, SiteProfile],
) -> WorklistRow:
    truth = _truth(film)
    if answers is None:
        return WorklistRow(film.id, film.title, film.thumbnail, "…", "waiting", truth=truth)
    joint = join_answers(answers, sites=sites)
    return WorklistRow(
        film.id,
        film.title,
        film.thumbnail,
        joint.summary,
        joint.tone,
        _apart(answers),
        tuple(map(str, warnings_of(answers))),
        truth,
    )
