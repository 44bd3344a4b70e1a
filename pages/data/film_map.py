"""A map of a data set: films that a network takes for alike lie near; a lasso shows which."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.components.film_grid import Tile, film_grid
from pages.data.charts import SPLIT_TITLES
from pages.data.heat_habits import show_habits
from pages.shared.cache import trained_models
from pages.shared.charts import COLOURS, laid_out
from pages.shared.faults import describe_error
from pages.shared.inference import run
from pages.shared.inference_worker import Network
from pages.shared.jobs import Job, poll
from pages.shared.layout import choose_page, plain
from xraycore.access import Action
from xraycore.datasets.audit.overview import DatasetOverview, ImageEntry
from xraycore.datasets.index import default_index
from xraycore.datasets.labels import members
from xraycore.datasets.manifest import Record
from xraycore.errors import Cancelled
from xraycore.imaging.film_warnings import CODES
from xraycore.metrics.calibration import Calibration
from xraycore.models.cards import stored_title
from xraycore.retrieval.embedding import embed, map_features
from xraycore.retrieval.features import FilmFeatures
from xraycore.utils.progress import Progress, part_of
from xraycore.utils.text import join_names, pluralise

Open = Callable[[str], None]
SIZES, GALLERY_PAGE = (500, 2000, 5000), 56
RIGHT, WRONG, OPEN = "right", "wrong", "its label leaves that open"
NO_WARNING = "no warning"
# More kinds than colours: the rarest share one.
_MOST_KINDS = len(COLOURS)
_MANY = 3000


@dataclass(frozen=True, eq=False)
class DatasetMap:
    """Films in the plane, and what a network says of them.

    Attributes:
        films: Those that it could read.
        places: Float (n, 2).
        features: What it finds on them; scores in place of pooled features.
        called: The class that it calls each.
        classes: Those that it knows.
    """

    films: list[ImageEntry]
    places: np.ndarray
    features: FilmFeatures
    called: list[str]
    classes: list[str]

    def kinds(self, of: str) -> list[str]:
        """What each film is, of one of `COLOURED_BY`."""
        return [COLOURED_BY[of](self, i) for i in range(len(self.films))]

    def verdict(self, place: int) -> str:
        """Whether the network is right about a film, as far as its label tells."""
        allowed = members(self.films[place].record.label, self.classes)
        return OPEN if not allowed else RIGHT if self.called[place] in allowed else WRONG


def _warning(dataset_map: DatasetMap, place: int) -> str:
    codes = dataset_map.features.codes[place]
    return CODES.get(codes[0], codes[0]) if codes else NO_WARNING


COLOURED_BY: dict[str, Callable[[DatasetMap, int], str]] = {
    "Class": lambda dataset_map, i: dataset_map.films[i].record.label,
    "Source": lambda dataset_map, i: dataset_map.films[i].record.source,
    "Split": lambda dataset_map, i: SPLIT_TITLES[dataset_map.films[i].record.split],
    "Warning": _warning,
    "Error": lambda dataset_map, i: dataset_map.verdict(i),
}


def show_map(survey: DatasetOverview, on_open: Open) -> None:
    """Which network is to look at which films; then the map, and what clusters its heat has."""
    names, _ = trained_models()
    if not names or not survey.films:
        st.info("A map needs films that can be read, and a trained network that looks at them.")
        return
    st.markdown(
        "Each dot is a film, placed by what a network sees on it (t-SNE of its features): films "
        "that it takes for alike lie near. Groups by source where there should be groups by class "
        "show that it tells hospitals apart."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "As seen by",
            names,
            format_func=stored_title,
            key="map-model",
            persist_state="page",
            width=260,
        )
        total = len(survey.films)
        sizes = [size for size in SIZES if size < total] + [total]
        count = st.selectbox(
            "Films",
            sizes,
            format_func=lambda n: f"all {n:,}" if n == total else f"{n:,}, drawn by lot",
            key="map-films",
            persist_state="page",
            width=220,
        )
        asked = st.session_state.setdefault("map-asked", set())
        key = (name, Network.of(name).card_sha256, count, _content(survey))
        if key not in asked:
            st.button("Draw the map", type="primary", on_click=asked.add, args=(key,))
    if key not in asked:
        st.caption(
            f"{stored_title(name)} looks at {count:,} films once, some minutes for a thousand; "
            "what it finds is kept on this computer for 90 days."
        )
        return
    job = _job(key, survey)
    if not job.wait():
        poll(job)
        st.button("Stop", key="stop-map", icon=":material/stop_circle:", on_click=job.stop)
        return
    if job.error:
        asked.discard(key)
        _job.clear(key, survey)
        if isinstance(job.error, Cancelled):
            st.info("Stopped. What was found so far is kept: the map goes on from there.")
        else:
            st.error(describe_error(job.error), icon=":material/error:")
        st.button("Go on", key="map-again", on_click=asked.add, args=(key,))
        return
    dataset_map: DatasetMap = job.result
    _draw(dataset_map, on_open)
    show_habits(
        dataset_map.features,
        dataset_map.called,
        lambda places: _gallery(dataset_map, places, on_open, "habit-films"),
    )


def _content(survey: DatasetOverview) -> str:
    """What of the data set its map hangs on."""
    facts = [
        f"{film.facts.sha256} {film.record.label} {film.record.split}" for film in survey.films
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


@st.cache_resource(
    max_entries=4, show_spinner=False, hash_funcs={DatasetOverview: lambda survey: ""}
)
def _job(key: tuple[str, str, int, str], survey: DatasetOverview) -> Job:
    """Begun once for all sessions; the data set's content is part of the key."""
    name, _, count, _ = key
    network = Network.of(name)

    def work(report) -> DatasetMap:
        # The same lot each time: what was found of these films is kept.
        order = np.random.default_rng(0).permutation(len(survey.films))[:count]
        films = [survey.films[i] for i in sorted(order)]
        by_record: dict[Record, ImageEntry] = {film.record: film for film in films}
        looking = part_of(report, 0, 1.1, f"{stored_title(name)} looks at the films")
        features = run(map_features, network, list(by_record), report=looking)
        report(Progress(0.95, "placing them on the map"))
        probabilities = Calibration.of_card(network.card).probabilities(features.logits)
        called = [network.classes[k] for k in probabilities.argmax(axis=1)]
        digest = hashlib.sha256(np.ascontiguousarray(features.pooled).tobytes()).hexdigest()
        places = default_index().answer(
            f"t-SNE {digest}", lambda: np.round(embed(features.pooled), 3).tolist()
        )
        entries = [by_record[record] for record in features.records]
        return DatasetMap(entries, np.array(places), features, called, list(network.classes))

    return Job(work, Action.SURVEY)


def _draw(dataset_map: DatasetMap, on_open: Open) -> None:
    of = st.segmented_control(
        "Coloured by", list(COLOURED_BY), default="Class", required=True, key="map-colours"
    )
    chosen = st.plotly_chart(
        map_figure(dataset_map, of),
        key="film-map",
        on_select="rerun",
        selection_mode=("lasso", "box", "points"),
        config={"displaylogo": False, "scrollZoom": True, "modeBarButtons": _BUTTONS},
        alt=f"A map of {len(dataset_map.films):,} films by {of.lower()}: "
        + ", ".join(f"{kind} {n:,}" for kind, n in Counter(dataset_map.kinds(of)).most_common()),
    )
    st.caption(
        "Neighbourhoods mean something; axes, and how far groups lie apart, do not. Draw around "
        "dots to see their films; a double click lets go of them."
    )
    places = sorted({int(point["customdata"][0]) for point in chosen.selection.points})
    if places:
        _gallery(dataset_map, places, on_open, "map-films-drawn")


_BUTTONS = [["lasso2d", "select2d", "zoom2d", "pan2d", "resetScale2d"]]


def map_figure(dataset_map: DatasetMap, of: str) -> go.Figure:
    """The map, with a colour for each kind."""
    kinds = np.array(dataset_map.kinds(of))
    ranked = [kind for kind, _ in Counter(kinds.tolist()).most_common()]
    figure = go.Figure()
    # Where there are so many that drawing each as a shape would take seconds.
    add = figure.add_scattergl if len(kinds) > _MANY else figure.add_scatter
    for number, kind in enumerate(ranked):
        places = np.flatnonzero(kinds == kind)
        films = [dataset_map.films[i].record for i in places]
        add(
            name=f"{kind} · {len(places):,}",
            x=dataset_map.places[places, 0],
            y=dataset_map.places[places, 1],
            mode="markers",
            marker={
                "color": COLOURS[min(number, _MOST_KINDS - 1)],
                "size": 7 if len(dataset_map.films) < 2000 else 5,
                "opacity": 0.8,
            },
            # Of a film not its name, which may be a patient's.
            customdata=[
                [int(i), record.label, record.source, dataset_map.called[i]]
                for i, record in zip(places, films, strict=True)
            ],
            hovertemplate="%{customdata[1]}, of %{customdata[2]}<br>called %{customdata[3]}"
            "<extra></extra>",
        )
    hidden = {"visible": False}
    laid_out(figure, 560, hidden, hidden)
    return figure.update_layout(
        showlegend=True,
        dragmode="lasso",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"t": 40, "r": 0},
    )


def _gallery(dataset_map: DatasetMap, places: Sequence[int], on_open: Open, key: str) -> None:
    """The films of these places, and what they are."""
    films = [dataset_map.films[i] for i in places]
    parts = [
        join_names([f"{n:,} {kind}" for kind, n in Counter(of).most_common()])
        for of in (
            [film.record.label for film in films],
            [f"of {film.record.source}" for film in films],
            [dataset_map.verdict(i) for i in places],
        )
    ]
    st.markdown(f"**{pluralise(len(films), 'film')}**: {plain('; '.join(parts))}.")
    # Other films begin with their first page.
    _, part = choose_page(places, GALLERY_PAGE, key=f"page-{key}-{hash(tuple(places))}")
    film_grid(
        [
            Tile(
                dataset_map.films[i].facts.fingerprint.thumbnail,
                dataset_map.films[i].record.path.name,
                (f"is {dataset_map.films[i].record.label}", f"called {dataset_map.called[i]}"),
                dataset_map.films[i].facts.width / dataset_map.films[i].facts.height,
                str(dataset_map.films[i].record.path),
            )
            for i in part
        ],
        key=key,
        tile=112,
        on_open=on_open,
    )
