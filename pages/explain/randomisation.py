"""A network loses what it has learnt, layer by layer, and its map with it, if it showed that."""

import streamlit as st

from pages.components.film_viewer import film_panel
from pages.explain.charts import cascade_chart
from pages.explain.subject import Subject
from pages.shared.access import fragment
from pages.shared.charts import PLAIN
from pages.shared.faults import guarded
from pages.shared.inference import run
from pages.shared.layout import plain
from xraycore.access import Action
from xraycore.attribution.metrics.randomisation import GROUPS, Cascade, cascades
from xraycore.attribution.registry import ANALYTIC, METHODS


def randomise_tab(subject: Subject) -> None:
    """The cascade of one film, method and class, a step at a time."""
    st.markdown(
        f"**{plain(subject.method_title)}** for **{plain(subject.explained)}**. The weights "
        "of a copy of the network are made random, from the last layer to the first (cascading "
        "randomisation). A map that stays as it was shows the film, and not what the network has "
        "learnt."
    )
    key = subject.key("random", subject.method, subject.explained)

    def randomise(report):
        found = run(
            cascades,
            subject.network,
            [subject.prediction],
            [subject.method],
            subject.explained,
            report=report,
        )
        return {key: found[subject.method][0]}

    cost = METHODS[subject.method].cost
    more = "" if subject.method in ANALYTIC else f", each with {cost}"
    found: Cascade | None = subject.long_work(
        key,
        randomise,
        doing="Making layers random",
        button="Randomise step by step",
        about=f"At most {GROUPS + 1} maps{more}; the trained network is not touched.",
    )
    if found:
        st.info(plain(found.reading), icon=":material/casino:")
        _steps(subject, found)


@fragment(Action.LOOK)
@guarded
def _steps(subject: Subject, found: Cascade) -> None:
    last = len(found.steps)
    names = ["Trained network", *(f"Step {step} of {last}" for step in range(1, last + 1))]
    step = st.select_slider(
        "Layers made random",
        range(last + 1),
        value=last,
        format_func=names.__getitem__,
        key="step",
        help="The arrow keys go from step to step.",
    )
    before, after, chart = st.columns([1, 1, 2], gap="medium")
    with before:
        st.markdown("**Trained network**")
        _panel(subject, found, 0, "before")
        st.caption("Both maps with their own maximum as full heat.")
    with after:
        st.markdown(f"**{plain(names[step])}**")
        _panel(subject, found, step, "after")
        if step:
            alike = found.similarities[step - 1]
            cold = "" if found.heatmaps[step].values.any() else "No heat at all.  \n"
            st.caption(
                f"{cold}Random now, with all before: {plain(found.steps[step - 1])}  \n"
                f"Rank correlation {alike.rank_correlation:.2f}, SSIM {alike.ssim:.2f}"
            )
        else:
            st.caption("All layers as they were learnt.")
    with chart:
        lines = {
            "Rank correlation, either sign": found.rank_correlations.tolist(),
            "Structural similarity (SSIM)": [one.ssim for one in found.similarities],
        }
        st.plotly_chart(
            cascade_chart(last, lines, step),
            key="cascade",
            config=PLAIN,
            alt=f"Likeness to the trained network's map in {last} steps. {found.reading}",
        )
        st.caption(
            "1 is the same map. The rank correlation asks whether places keep their order; the "
            "structural similarity is high in any case where both maps are cold."
        )


def _panel(subject: Subject, found: Cascade, step: int, key: str) -> None:
    film_panel(
        subject.picture,
        key=f"cascade-{key}",
        label=f"{subject.method_title}, step {step}",
        heatmap=subject.style.apply(found.heatmaps[step].stretched()),
    )
