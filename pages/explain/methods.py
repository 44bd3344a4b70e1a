"""All heatmap methods on one film, the class beside another, and whether maps agree."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import streamlit as st

from pages.components.film_viewer import HELP_WITH_HEATMAP, MORE_HELP
from pages.explain.charts import agreement_matrix
from pages.explain.subject import QUICK, Subject, heatmap_panel, say_place
from pages.shared import cache
from pages.shared.analysis import Key
from pages.shared.charts import PLAIN
from pages.shared.layout import plain
from pages.shared.results import SEVERAL
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics.agreement import MapAgreement, map_agreement
from xraycore.attribution.metrics.randomisation import stored_verdict
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.config import HOME
from xraycore.datasets.labels import NORMAL
from xraycore.errors import WeightsError
from xraycore.evaluation.model_index import TIMINGS, read_timings
from xraycore.models.cards import card_sha256, read_card, stored_title
from xraycore.utils.progress import Progress, ProgressCallback, part_of
from xraycore.utils.text import percent

COLUMNS = 4
# Overlap of the hottest tenths of two random maps, and their rank correlation.
_CHANCE_IOU, _CHANCE_RANK = 0.05, 0.0
IOU, RANK = "Hottest tenth (IoU)", "Order of all places (rank correlation)"


def methods_tab(subject: Subject) -> None:
    """Every method's map, then two classes side by side, then who agrees with whom."""
    st.markdown(
        f"Where the network finds evidence for **{plain(subject.target_class)}**, by every "
        "method that needs no further look at the film. Pale is little evidence; *Stretch each "
        "map*, at the left, shows where even that lies."
    )
    film, *cells = _cells(1 + len(ANALYTIC))
    with film:
        _plain_film(subject)
    for cell, name in zip(cells, ANALYTIC, strict=True):
        with cell:
            _method(subject, name)
    st.subheader("Methods that take longer", anchor=False)
    st.caption("They hide parts of the film or follow the evidence back to single pixels.")
    slow = [name for name in METHODS if name not in ANALYTIC]
    _compute_all(subject, slow)
    for cell, name in zip(_cells(len(slow)), slow, strict=True):
        with cell.container(border=subject.heatmap(name, subject.class_of(name)) is None):
            _method(subject, name)
    _two_classes(subject)
    _agreement(subject)


def _compute_all(subject: Subject, slow: Sequence[str]) -> None:
    """A button that computes every map that is not there yet, with the time that they take."""
    waiting = [name for name in slow if subject.heatmap(name, subject.class_of(name)) is None]
    key = _all_key(subject)
    if len(waiting) < 2 and key not in subject.film.jobs:
        return
    passes = sum(METHODS[name].passes for name in waiting)

    def compute(report: ProgressCallback) -> dict[Key, object]:
        done = 0
        for name in waiting:
            method = METHODS[name]
            part = part_of(report, done / method.passes, passes / method.passes, method.title)
            # Each as soon as it is there: who stops the rest has these.
            found = subject.compute_heatmap(name, subject.class_of(name), part)
            subject.film.analysis.keep(found)
            done += method.passes
        return {key: True}

    if subject.long_work(
        key,
        compute,
        doing="",
        button=f"Compute all {len(waiting)}",
        about=f"{passes:,} passes of the film through the network{_time_of(subject, passes)}. "
        "Maps stay as they come, also if you stop.",
    ):
        # Said once: what is let go of later can be asked for again.
        subject.film.analysis.keep({key: None})
        st.rerun()


def _all_key(subject: Subject) -> Key:
    return subject.key("all maps", subject.target_class)


def _time_of(subject: Subject, passes: int) -> str:
    """How long that many passes take, as far as one of this network was timed."""
    pass_ms = read_timings(HOME / TIMINGS).get(subject.network.name)
    if pass_ms is None:
        return ", which was never timed for this network"
    seconds = passes * pass_ms / 1000
    words = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    return f": about {words} on two cores, as it was timed"


def _cells(count: int) -> list:
    """Columns of as many rows as it takes."""
    rows = range(0, count, COLUMNS)
    return [column for _ in rows for column in st.columns(COLUMNS)][:count]


def _plain_film(subject: Subject) -> None:
    st.markdown("**Film**")
    heatmap_panel(subject, None, key="film-plain", label="Plain film", toolbar=True)
    st.caption(HELP_WITH_HEATMAP, help=MORE_HELP)


def _method(subject: Subject, name: str) -> None:
    method, target_class = METHODS[name], subject.class_of(name)
    heatmap = subject.heatmap(name, target_class)
    st.markdown(f"**{method.title}**", help=f"{method.paper}. Costs: {method.cost}.")
    if heatmap is None:
        st.caption(method.summary)
        if _all_key(subject) in subject.film.jobs:
            st.caption(":material/hourglass: It comes with the others.")
            return
        subject.long_work(
            subject.heatmap_key(name, target_class),
            partial(subject.compute_heatmap, name, target_class),
            doing=method.title,
            button="Compute",
            about=method.cost.capitalize() + ".",
        )
        heatmap = subject.heatmap(name, target_class)
        if heatmap is None:
            return
        st.rerun()
    heatmap_panel(subject, heatmap, key=f"map-{name}", label=f"{method.title} for {heatmap.target}")
    # Why nothing is coloured is said with the heat's place.
    told = heatmap.significant or subject.style.stretched
    note = subject.style.scale_note(heatmap) if told else ""
    st.caption(plain(method.summary) + note)
    say_place(subject, heatmap)
    network = subject.network
    passed = stored_verdict(name, network.name, network.card["weights"]["sha256"])
    if passed is not None:
        word = "Passes" if passed else ":orange[Fails]"
        st.caption(f"{word} the randomisation test on {plain(network.spec.title)} (measured)")


def _two_classes(subject: Subject) -> None:
    against = subject.against
    if against == subject.explained:
        # The method's map is not of the class that was chosen, but of a disease.
        against = subject.target_class
    st.subheader(f"{plain(subject.explained)} beside {plain(against)}", anchor=False)
    classes = (subject.explained, against)
    heatmaps = {label: subject.heatmap(subject.method, label) for label in classes}
    left, right, text = st.columns([1, 1, 2])
    for column, (label, heatmap) in zip((left, right), heatmaps.items(), strict=True):
        with column:
            st.markdown(f"**{plain(label)}**, {percent(subject.prediction.probabilities[label])}")
            if heatmap is None and label == subject.explained:
                st.caption(f"Compute {plain(subject.method_title)} above.")
            elif heatmap is None:
                subject.long_work(
                    subject.heatmap_key(subject.method, label),
                    partial(subject.compute_heatmap, subject.method, label),
                    doing=f"{subject.method_title} for {label}",
                    button=f"Compute {subject.method_title}",
                )
                heatmaps[label] = heatmap = subject.heatmap(subject.method, label)
            if heatmap:
                name = f"{subject.method_title}: evidence for {label}"
                heatmap_panel(subject, heatmap, key=f"class-{label}", label=name)
                say_place(subject, heatmap)
    if all(heatmaps.values()):
        with text:
            st.markdown(f"**What {plain(subject.method_title)} says**")
            st.markdown(plain(_two_classes_reading(subject, heatmaps)))


def _two_classes_reading(subject: Subject, heatmaps: Mapping[str, Heatmap]) -> str:
    if subject.method == "eigen_cam":
        return "Eigen-CAM knows no class, so both maps are the same."
    first, second = heatmaps
    if subject.method in ("against_normal", "against_normal_views"):
        if NORMAL not in heatmaps:
            return "What speaks against Normal is the same for every disease, so both maps are."
        return "Of Normal itself this method shows what speaks for it, not against it."
    if not all(heatmap.values.any() for heatmap in heatmaps.values()):
        cold = " and ".join(name for name, heatmap in heatmaps.items() if not heatmap.values.any())
        return f"No place on this film speaks for {cold}."
    found = subject.once(
        "classes",
        *(subject.method, first, second),
        make=lambda: map_agreement(heatmaps, subject.radiograph),
    )
    same = found.mean_iou > 0.5
    shared = "the same places speak for both" if same else "other places speak for each"
    return f"{found.reading[:-1]}: {shared}."


def _agreement(subject: Subject) -> None:
    st.subheader("Do the maps agree?", anchor=False)
    measure = st.segmented_control(
        "Compare",
        [IOU, RANK],
        default=IOU,
        required=True,
        key="agreement",
        persist_state="session",
        help="IoU (intersection over union): of the places that either map counts among its "
        "hottest tenth, the share that both do; 0.05 by chance. Rank correlation (Spearman's): "
        "whether two maps put all places in the same order; 0 by chance, 1 at most.",
    )
    left, right = st.columns(2, gap="large")
    with left:
        title = subject.network.spec.title
        st.markdown(f"**Methods**, of {plain(title)}, for {plain(subject.target_class)}")
        _show_agreement(subject, _distinct(subject), measure, "methods", subject.of_network)
    with right:
        st.markdown(f"**Models**, by {plain(subject.method_title)}, for {plain(subject.explained)}")
        _models(subject, measure)


def _distinct(subject: Subject) -> dict[str, Heatmap]:
    """The maps that are there, without those that are another's copy or have no heat."""
    found: dict[str, Heatmap] = {}
    for name, method in METHODS.items():
        if subject.class_of(name) != subject.target_class:
            continue
        heatmap = subject.heatmap(name, subject.target_class)
        if heatmap is None or not heatmap.values.any():
            continue
        if not any(np.array_equal(heatmap.values, one.values) for one in found.values()):
            found[method.title] = heatmap
    return found


def _models(subject: Subject, measure: str) -> None:
    trained, _ = cache.trained_models()
    names = [name for name in trained if subject.explained in read_card(name)["classes"]]
    method = METHODS[subject.method]
    if not method.quick:
        st.caption(f"To compare models choose a quick method at the left: {QUICK}.")
        return
    if len(names) < 2:
        st.caption(f"No other model knows the class {plain(subject.explained)}.")
        return
    # The film's and the class's, whichever model is looked at.
    prints = tuple(card_sha256(name) for name in names)
    of = (SEVERAL, prints)
    key = ("models", *of, subject.method, subject.explained)

    more = f", with {method.cost} for the map" if method.passes else ""

    def ask(report):
        heatmaps, analysis = {}, subject.film.analysis
        for number, name in enumerate(names):
            report(Progress(number / len(names)))
            try:
                heatmap = analysis.heatmap(name, subject.method, subject.explained)
            except WeightsError:
                continue  # Compare says what is wrong with it.
            heatmaps[stored_title(name)] = heatmap
        return {key: heatmaps}

    heatmaps = subject.long_work(
        key,
        ask,
        doing="Asking the other models",
        button="Ask the other models",
        about=f"A look at the film by each{more}.",
    )
    if heatmaps:
        warm = {title: heatmap for title, heatmap in heatmaps.items() if heatmap.values.any()}
        _show_agreement(subject, warm, measure, "models", of)


def _show_agreement(
    subject: Subject, heatmaps: Mapping[str, Heatmap], measure: str, what: str, of: Key
) -> None:
    """How alike maps are; `of` is the model and weights that they are of."""
    if len(heatmaps) < 2:
        st.caption(f"There are no two maps with heat for {plain(subject.target_class)}.")
        return
    names = tuple((title, heatmap.method) for title, heatmap in heatmaps.items())
    found: MapAgreement = subject.film.analysis.once(
        ("agreement", *of, what, subject.target_class, names),
        lambda: map_agreement(heatmaps, subject.radiograph),
    )
    st.markdown(plain(found.reading))
    values, chance = (
        (found.iou, _CHANCE_IOU) if measure == IOU else (found.rank_correlation, _CHANCE_RANK)
    )
    st.plotly_chart(
        agreement_matrix(found.names, values, chance),
        key=f"agreement-{what}",
        config=PLAIN,
        alt=f"{measure} of each two maps of {what}; mean overlap {found.mean_iou:.2f}",
    )
