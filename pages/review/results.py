"""What a study's readers said: heat against their boxes, their agreement, time, and the export."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from pages.review.charts import draw_results
from pages.review.films import NO_FILM, Drawable, describe, draw_heatmap_on_grid
from pages.review.identity import leads, signs_in
from pages.review.leading import unblind, unblinded_key
from pages.shared.jobs import Job, poll
from pages.shared.layout import plain
from pages.shared.tables import show_plain_table
from xraycore.config import NOTICE
from xraycore.errors import Cancelled
from xraycore.metrics.intervals import Score
from xraycore.reader_study import HeatmapItem, Reader, ReaderStudyRepository, Review, Study
from xraycore.reader_study.agreement import Kappa, describe_strength
from xraycore.reader_study.records import finished_readers
from xraycore.reader_study.results import Results, summarise_study
from xraycore.reader_study.summary import Summary, reviews_csv
from xraycore.utils.progress import part_of
from xraycore.utils.text import join_names, percent, pluralise

_JOB = "review-results"


def show_results(
    repository: ReaderStudyRepository,
    study: Study,
    reader: Reader | None,
    items: Sequence[HeatmapItem],
    can: Drawable,
) -> None:
    """The results, or why there are none yet."""
    reviews = repository.results(study)
    # Not what can be drawn here and now: a film that is not open would open the study.
    possible = [item for item in items if can.why_not.get(item.id) in (None, NO_FILM)]
    finished = finished_readers(reviews, possible or items)
    if not reviews:
        st.info(
            "No heatmap has been judged yet. Results appear here with the first review.",
            icon=":material/hourglass_empty:",
        )
        return
    if study.blinded and reader and reader.id not in finished:
        mine = sum(review.reader.id == reader.id for review in reviews)
        st.info(
            f"You have judged {mine:,} of {len(possible or items)} heatmaps. This study is "
            "blinded: its results, which name the networks, open when you have judged all.",
            icon=":material/visibility_off:",
        )
        return
    reading = {review.reader.id for review in reviews} - finished
    if signs_in() and study.finished is None and not leads(study):
        st.info(
            "The results open when the lead has finished the study.",
            icon=":material/hourglass_empty:",
        )
        return
    ask = study.blinded and study.finished is None and (reader is None or signs_in())
    if ask and not _ask_to_open(repository, study, len(reading)):
        return
    _show_export(study, reviews)
    if not finished:
        st.info("No reader has finished yet: these numbers will change.", icon=":material/pending:")
    results = _compute(study, reviews, finished, can)
    if results is None:
        return
    _show_numbers(results, finished, items)
    _show_localisation(results)
    _show_agreement(results)
    _show_readers(results, finished)


def _ask_to_open(repository: ReaderStudyRepository, study: Study, reading: int) -> bool:
    """Whether someone who does not read here wants the results of a blinded study."""
    if st.session_state.get(unblinded_key(study)):
        return True
    still = f"{pluralise(reading, 'reader')} {'is' if reading == 1 else 'are'} still reading. "
    st.info(
        f"This study is blinded. {still if reading else ''}Its results name the networks: whoever "
        "reads, or will, should not see them. That you opened them is kept.",
        icon=":material/visibility_off:",
    )
    st.button("Show the results", key="open-results", on_click=unblind, args=(repository, study))
    return False


def _show_export(study: Study, reviews: Sequence[Review]) -> None:
    name = "".join(c if c.isalnum() else "-" for c in study.name).strip("-").lower()
    st.download_button(
        f"Export {pluralise(len(reviews), 'review')} (CSV)",
        reviews_csv(study, reviews),
        file_name=f"review-{name}-{datetime.now(UTC):%Y%m%d}.csv",
        mime="text/csv",
        key="export",
        icon=":material/download:",
        on_click="ignore",
        help="A row for each review: reader, SHA-256 of film and weights, method, class, verdict, "
        "grade, comment, boxes as they are and as they were before heat was seen, seconds, time, "
        "version. " + NOTICE,
    )


def _compute(
    study: Study, reviews: Sequence[Review], finished: set[int], can: Drawable
) -> Results | None:
    """The results, once all heat that is compared with boxes is drawn."""
    state = (study.id, [(r.reader.id, r.item.id, r.version) for r in reviews], sorted(can.why_not))
    of, job = st.session_state.get(_JOB, (None, None))
    if of != state:

        def work(report):
            words = "Comparing heat with the readers' boxes"
            return summarise_study(
                reviews,
                lambda item: draw_heatmap_on_grid(item, can),
                finished,
                part_of(report, activity=words),
            )

        job = Job(work)
        st.session_state[_JOB] = (state, job)
    if not job.wait():
        poll(job)
        st.button("Stop", key="stop-results", icon=":material/stop_circle:", on_click=job.stop)
        return None
    if isinstance(job.error, Cancelled):
        st.info("Stopped. The export above has all reviews.", icon=":material/stop_circle:")
        st.button("Go on", key="go-on", on_click=lambda: st.session_state.pop(_JOB, None))
        return None
    if job.error:
        raise job.error
    return job.result


def _show_numbers(results: Results, finished: set[int], items: Sequence[HeatmapItem]) -> None:
    readers = {review.reader.id for review in results.reviews}
    cells = st.columns(4)
    cells[0].metric("Readers who have finished", f"{len(finished)} of {len(readers)}")
    cells[1].metric("Heatmaps judged", f"{len(results.reviews)} of {len(readers) * len(items)}")
    cells[2].metric(
        "Time per film (median)",
        f"{results.seconds:.0f} s",
        help="All heatmaps of a film together. A pause of more than 5 minutes counts as 5.",
    )
    agreed = sum(summary.verdicts["agree"] for summary in results.methods)
    cells[3].metric("Reviews that agree with the heat", percent(agreed / len(results.reviews)))


def _show_localisation(results: Results) -> None:
    st.subheader("Does the heat lie where the readers see the finding?", anchor=False)
    places = {(one.model, one.method): one for one in results.localisation}
    items = {(r.item.model, r.item.method): r.item for r in results.reviews}
    rows = []
    for summary in results.methods:
        place = places.get(summary.group)
        rows.append(
            {
                "Heatmap": describe(items[summary.group]),
                "Hit rate": _format_share(place.hit) if place else "–",
                "Overlap (IoU)": _format_share(place.iou) if place else "–",
                "Films with boxes": str(place.films if place else 0),
                **_count_verdicts(summary),
            }
        )
    picture, table = st.columns([2, 3], gap="large")
    with picture:
        draw_results(results)
    with table:
        show_plain_table(pd.DataFrame(rows).set_index("Heatmap"))
    for one in results.localisation:
        heatmap = describe(items[one.model, one.method])
        st.markdown(
            plain(
                f"{heatmap}: the hottest point lies in a reader's box in "
                f"{_format_hits(one.hit)} reviews; half-maximum heat and boxes share "
                f"{percent(one.iou['value'])} of the area that they cover together."
            )
        )
    text = "95 % intervals over films in brackets; with few films they are wide."
    text += f" Boxes changed after heat was seen: {pluralise(results.changed, 'review')}"
    text += "; hit rate and overlap take them as they were before." if results.changed else "."
    if results.undated:
        text += (
            f" Not known whether they were: {pluralise(results.undated, 'review')}, taken as is."
        )
    if results.unmarked:
        text += f" Without a box, and so without a place: {pluralise(results.unmarked, 'review')}."
    if results.unseen:
        text += f" Left out, since the heatmap cannot be drawn here: {results.unseen}."
    st.caption(plain(text))


def _show_agreement(results: Results) -> None:
    st.subheader("Do the readers agree?", anchor=False)
    if not results.verdicts:
        st.info("Agreement needs two readers of the same heatmap.", icon=":material/group:")
        return
    for pair in results.verdicts:
        st.markdown(_describe(pair))
    if results.overall:
        st.markdown(_describe(results.overall))
    kinds = [("Verdict, Cohen's κ", one) for one in results.verdicts]
    kinds += [("Grade, weighted Cohen's κ", one) for one in results.grades]
    if results.overall:
        kinds.append(("Verdict, Fleiss' κ", results.overall))
    rows = [
        {
            "Measure": kind,
            "Readers": ", ".join(one.readers),
            "Heatmaps": str(one.heatmaps),
            "Same answer": percent(one.observed),
            "κ": _format_kappa(one.kappa) if one.kappa else "not defined",
        }
        for kind, one in kinds
    ]
    show_plain_table(pd.DataFrame(rows).set_index("Measure"))
    st.caption(
        "κ (kappa): 1 is full agreement, 0 what chance gives, below 0 less than chance; 95 % "
        "intervals over films in brackets. Grades weigh by squared distance. Words after Landis & "
        "Koch 1977, doi:10.2307/2529310."
    )


def _show_readers(results: Results, finished: set[int]) -> None:
    st.subheader("Readers", anchor=False)
    ids = {review.reader.name: review.reader.id for review in results.reviews}
    rows = [
        {
            "Reader": one.group[0],
            "Finished": "yes" if ids[one.group[0]] in finished else "not yet",
            "Heatmaps": str(one.reviews),
            "Time a heatmap (median)": f"{one.seconds:.0f} s",
            **_count_verdicts(one),
        }
        for one in results.readers
    ]
    show_plain_table(pd.DataFrame(rows).set_index("Reader"))


def _count_verdicts(summary: Summary) -> dict[str, str]:
    # All as text: a table sets numbers and texts against opposite edges.
    return {
        **{verdict.capitalize(): str(count) for verdict, count in summary.verdicts.items()},
        "Mean grade (1–5)": f"{summary.grade:.1f}",
    }


def _format_share(score: Score) -> str:
    if score["low"] == score["high"]:
        return f"{percent(score['value'])} (too few films for an interval)"
    return f"{percent(score['value'])} ({percent(score['low'])}–{percent(score['high'])})"


def _format_hits(score: Score) -> str:
    hits = score["value"] * score["n"]
    return f"{hits:.0f} of {score['n']}"


def _format_kappa(score: Score) -> str:
    return f"{score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f})"


def _describe(one: Kappa) -> str:
    """One sentence on an agreement."""
    same = f"{plain(join_names(one.readers))} gave the same verdict on {percent(one.observed)} of "
    same += f"{one.heatmaps:,} heatmaps: "
    if one.kappa is None:
        return f"{same}{plain(one.reason[0].lower() + one.reason[1:])}"
    return (
        f"{same}**{plain(describe_strength(one.kappa['value']))}** (κ = {one.kappa['value']:.2f})."
    )
