"""Is a map faithful? The film is changed where it is hot, and in ways that no reader sees."""

import streamlit as st

from pages.components.film_viewer import film_panel
from pages.explain.charts import share_chart
from pages.explain.subject import Subject, heatmap_panel
from pages.shared.charts import PLAIN
from pages.shared.inference import run
from pages.shared.layout import plain
from xraycore.attribution.metrics.faithfulness import Faithfulness, measure_faithfulness
from xraycore.attribution.metrics.robustness import DISTURBANCES, Robustness, measure_robustness
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.utils.progress import part_of
from xraycore.utils.text import percent


def faithful_tab(subject: Subject) -> None:
    """Two questions about one map, each with its own work."""
    st.markdown(
        f"**{plain(subject.method_title)}** for **{plain(subject.explained)}**: choose "
        "another method or class at the left."
    )
    st.subheader("Does the answer follow the heat?", anchor=False)
    st.caption(
        "If the map marks what the network goes by, hiding its hottest places must change the "
        "answer more than hiding random ones (deletion, insertion and ROAD)."
    )
    _curves(subject)
    st.subheader("Does the map stay when the film hardly changes?", anchor=False)
    st.caption(
        "Noise, a shift by four pixels and JPEG compression that no reader would notice "
        "(stability, repeatability)."
    )
    _stability(subject)


def _curves(subject: Subject) -> None:
    key = subject.key("faithful", subject.method, subject.explained)

    def measure(report):
        heatmap, found = subject.heatmap(subject.method, subject.explained), {}
        if heatmap is None:
            first, report = part_of(report, 0, 2), part_of(report, 1, 2)
            found = subject.compute_heatmap(subject.method, subject.explained, first)
            (heatmap,) = found.values()
        measured = run(
            measure_faithfulness, subject.network, subject.prediction, heatmap, report=report
        )
        return {**found, key: measured}

    found: Faithfulness | None = subject.long_work(
        key,
        measure,
        doing="Hiding parts of the film",
        button="Hide and ask",
        about="About 150 looks at the film; the result is kept.",
    )
    if found is None:
        return
    st.info(plain(found.reading), icon=":material/rule:")
    maps = {
        subject.method_title: found.heatmap,
        "Random map": found.random,
        "Middle of the film": found.centre_prior,
    }
    probability = f"Probability of {found.target}"
    charts = (
        (
            "Deletion: hottest places blurred first",
            {name: one.deletion for name, one in maps.items()},
            "Share of the film hidden",
            "Lower is better: the answer goes as soon as the hot places do.",
        ),
        (
            "Insertion: hottest places shown first",
            {name: one.insertion for name, one in maps.items()},
            "Share of the film shown",
            "Higher is better: the hot places alone bring the answer back.",
        ),
    )
    first, second, third = st.columns(3, gap="medium")
    for column, (title, curves, x_title, meaning) in zip((first, second), charts, strict=True):
        lines = {name: (curve.shares, curve.scores) for name, curve in curves.items()}
        areas = {name: curve.area for name, curve in curves.items()}
        with column:
            _chart(title, share_chart(title, lines, areas, x_title, probability), areas)
            st.caption(f"{plain(meaning)} Numbers: area under the curve.")
    with third:
        title = "ROAD: hottest against coldest places"
        gaps = {
            name: (one.least_first.shares, one.least_first.scores - one.most_first.scores)
            for name, one in maps.items()
        }
        roads = {name: one.road for name, one in maps.items()}
        most = 1.1 * max(0.3, *(abs(scores).max() for _, scores in gaps.values()))
        figure = share_chart(
            title, gaps, roads, "Share of the film replaced", "Gap in probability", -most, most
        )
        _chart(title, figure, roads)
        st.caption(
            "Higher is better, 0 is chance: what is left of the probability without the coldest "
            "places, less what is left without the hottest. Numbers: mean gap."
        )


def _chart(title: str, figure, areas: dict[str, float]) -> None:
    st.plotly_chart(
        figure,
        key=f"chart-{title}",
        config=PLAIN,
        alt=f"{title}. " + ", ".join(f"{name} {area:.2f}" for name, area in areas.items()),
    )


def _stability(subject: Subject) -> None:
    key = subject.key("stable", subject.method, subject.explained)

    def measure(report):
        return {
            key: run(
                measure_robustness,
                subject.network,
                subject.prediction,
                subject.method,
                subject.explained,
                report=report,
            )
        }

    cost = METHODS[subject.method].cost
    more = "" if subject.method in ANALYTIC else f", each with {cost}"
    found: Robustness | None = subject.long_work(
        key,
        measure,
        doing="Changing the film a little",
        button="Disturb and ask",
        about=f"{len(DISTURBANCES) + 1} maps{more}; the result is kept.",
    )
    if found is None:
        return
    st.info(plain(found.reading), icon=":material/vibration:")
    columns = st.columns(len(found.disturbed) + 1)
    with columns[0]:
        heatmap_panel(
            subject, found.heatmap, key="stable-before", label="The map of the film as it is"
        )
        st.markdown("**As it is**")
        st.caption(f"Probability {percent(found.probability)}")
    for column, one in zip(columns[1:], found.disturbed, strict=True):
        with column:
            title = one.disturbance.title
            film_panel(
                subject.picture,
                key=f"stable-{title}",
                label=f"The map after {title}",
                heatmap=subject.style.apply(one.heatmap),
            )
            st.markdown(f"**{plain(title[0].upper() + title[1:])}**")
            st.caption(
                f"Probability {percent(one.probability)}  \n"
                f"Rank correlation {one.similarity.rank_correlation:.2f}  \n"
                f"Hottest tenths overlap {percent(one.similarity.iou)}"
            )
