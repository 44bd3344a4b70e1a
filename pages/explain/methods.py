"""All heatmap methods on one film, the class beside another, and whether maps agree."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from pages.components.film_viewer import HELP_WITH_HEAT, MORE_HELP
from pages.explain.charts import agreement_matrix
from pages.explain.subject import QUICK, Subject, heat_panel, say_place
from pages.shared import cache
from pages.shared.charts import PLAIN
from pages.shared.results import SEVERAL, Key, kept, long_work
from xraycore.attribution.heatmap import Heatmap, explain
from xraycore.attribution.metrics.agreement import MapAgreement, map_agreement
from xraycore.attribution.metrics.randomisation import stored_verdict
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.datasets.labels import NORMAL
from xraycore.errors import WeightsError
from xraycore.models.cards import card_sha256, read_card
from xraycore.models.registry import MODELS
from xraycore.utils.progress import Progress
from xraycore.utils.text import percent

COLUMNS = 4
# Overlap of the hottest tenths of two random maps, and their rank correlation.
_CHANCE_IOU, _CHANCE_RANK = 0.05, 0.0
IOU, RANK = "Hottest tenth (IoU)", "Order of all places (rank correlation)"


def methods_tab(subject: Subject) -> None:
    """Every method's map, then two classes side by side, then who agrees with whom."""
    st.markdown(
        f"Where the network finds evidence for **{subject.target}**, by every method that needs no "
        "further look at the film. Pale is little evidence; *Stretch each map*, at the left, shows "
        "where even that lies."
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
    for cell, name in zip(_cells(len(slow)), slow, strict=True):
        with cell.container(border=subject.heat(name, subject.target) is None):
            _method(subject, name)
    _two_classes(subject)
    _agreement(subject)


def _cells(count: int) -> list:
    """Columns of as many rows as it takes."""
    rows = range(0, count, COLUMNS)
    return [column for _ in rows for column in st.columns(COLUMNS)][:count]


def _plain_film(subject: Subject) -> None:
    st.markdown("**Film**")
    heat_panel(subject, None, key="film-plain", label="Plain film", toolbar=True)
    st.caption(HELP_WITH_HEAT, help=MORE_HELP)


def _method(subject: Subject, name: str) -> None:
    method, heat = METHODS[name], subject.heat(name, subject.target)
    st.markdown(f"**{method.title}**", help=f"{method.paper}. Costs: {method.cost}.")
    if heat is None:
        st.caption(method.summary)
        long_work(
            subject.heat_key(name, subject.target),
            lambda report: subject.compute_heat(name, subject.target, report),
            doing=method.title,
            button="Compute",
            about=method.cost.capitalize() + ".",
        )
        heat = subject.heat(name, subject.target)
        if heat is None:
            return
        st.rerun()
    heat_panel(subject, heat, key=f"map-{name}", label=f"{method.title} for {heat.target}")
    st.caption(method.summary + subject.look.scale_note(heat))
    say_place(subject, heat)
    model = subject.model
    passed = stored_verdict(name, model.spec.name, model.card["weights"]["sha256"])
    if passed is not None:
        word = "Passes" if passed else ":orange[Fails]"
        st.caption(f"{word} the randomisation test on {model.spec.title} (measured)")


def _two_classes(subject: Subject) -> None:
    st.subheader(f"{subject.target} beside {subject.against}", anchor=False)
    classes = (subject.target, subject.against)
    heats = {label: subject.heat(subject.method, label) for label in classes}
    left, right, text = st.columns([1, 1, 2])
    for column, (label, heat) in zip((left, right), heats.items(), strict=True):
        with column:
            st.markdown(f"**{label}**, {percent(subject.seen.probabilities[label])}")
            if heat is None and label == subject.target:
                st.caption(f"Compute {subject.method_title} above.")
            elif heat is None:
                long_work(
                    subject.heat_key(subject.method, label),
                    lambda report, label=label: subject.compute_heat(subject.method, label, report),
                    doing=f"{subject.method_title} for {label}",
                    button=f"Compute {subject.method_title}",
                )
                heats[label] = heat = subject.heat(subject.method, label)
            if heat:
                name = f"{subject.method_title}: evidence for {label}"
                heat_panel(subject, heat, key=f"class-{label}", label=name)
                say_place(subject, heat)
    if all(heats.values()):
        with text:
            st.markdown(f"**What {subject.method_title} says**")
            st.markdown(_two_classes_reading(subject, heats))


def _two_classes_reading(subject: Subject, heats: Mapping[str, Heatmap]) -> str:
    if subject.method == "eigen_cam":
        return "Eigen-CAM knows no class, so both maps are the same."
    first, second = heats
    if subject.method == "against_normal" and NORMAL not in heats:
        return "What speaks against Normal is the same for every disease, so both maps are."
    if not all(heat.values.any() for heat in heats.values()):
        cold = " and ".join(label for label, heat in heats.items() if not heat.values.any())
        return f"No place on this film speaks for {cold}."
    found = kept(
        ("classes", *subject.of, subject.method, first, second),
        lambda: map_agreement(heats, subject.film),
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
        st.markdown(f"**Methods**, of {MODELS[subject.seen.model].title}, for {subject.target}")
        _show_agreement(subject, _distinct(subject), measure, "methods", subject.of)
    with right:
        st.markdown(f"**Models**, by {subject.method_title}, for {subject.target}")
        _models(subject, measure)


def _distinct(subject: Subject) -> dict[str, Heatmap]:
    """The maps that are there, without those that are another's copy or have no heat."""
    found: dict[str, Heatmap] = {}
    for name, method in METHODS.items():
        heat = subject.heat(name, subject.target)
        if heat is None or not heat.values.any():
            continue
        if not any(np.array_equal(heat.values, one.values) for one in found.values()):
            found[method.title] = heat
    return found


def _models(subject: Subject, measure: str) -> None:
    trained, _ = cache.trained_models()
    names = [name for name in trained if subject.target in read_card(name)["classes"]]
    method = METHODS[subject.method]
    if not method.quick:
        st.caption(f"To compare models choose a quick method at the left: {QUICK}.")
        return
    if len(names) < 2:
        st.caption(f"No other model knows the class {subject.target}.")
        return
    # The film's and the class's, whichever model is looked at.
    prints = tuple(card_sha256(name) for name in names)
    of = (subject.film.info.sha256, SEVERAL, prints)
    key = ("models", *of, subject.method, subject.target)

    more = f", with {method.cost} for the map" if method.passes else ""

    def ask(report):
        heats = {}
        for number, name in enumerate(names):
            report(Progress(number / len(names)))
            try:
                model, seen = cache.classifier(name), cache.prediction(name, subject.film)
            except WeightsError:
                continue  # Compare says what is wrong with it.
            heats[MODELS[name].title] = explain(model, seen, subject.method, subject.target)
        return {key: heats}

    heats = long_work(
        key,
        ask,
        doing="Asking the other models",
        button="Ask the other models",
        about=f"A look at the film by each{more}.",
    )
    if heats:
        warm = {title: heat for title, heat in heats.items() if heat.values.any()}
        _show_agreement(subject, warm, measure, "models", of)


def _show_agreement(
    subject: Subject, heats: Mapping[str, Heatmap], measure: str, what: str, of: Key
) -> None:
    """How alike maps are; `of` is the film, model and weights that they are of."""
    if len(heats) < 2:
        st.caption(f"There are no two maps with heat for {subject.target}.")
        return
    names = tuple((title, heat.method) for title, heat in heats.items())
    found: MapAgreement = kept(
        ("agreement", *of, what, subject.target, names),
        lambda: map_agreement(heats, subject.film),
    )
    st.markdown(found.reading)
    values, chance = (
        (found.iou, _CHANCE_IOU) if measure == IOU else (found.rank_correlation, _CHANCE_RANK)
    )
    st.plotly_chart(
        agreement_matrix(found.names, values, chance),
        key=f"agreement-{what}",
        config=PLAIN,
        alt=f"{measure} of each two maps of {what}; mean overlap {found.mean_iou:.2f}",
    )
