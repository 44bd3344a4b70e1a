"""A data set's films: averages, galleries, copies side by side, patients across splits."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from pages.components.film_grid import Tile, film_grid
from pages.data.charts import SPLIT_TITLES
from pages.shared.layout import choose_page, plain
from xraycore.datasets.audit.audit import Likes
from xraycore.datasets.audit.overview import AverageFilm, DatasetOverview, ImageEntry, average_films
from xraycore.datasets.index import read_measured
from xraycore.imaging import RadiographError
from xraycore.imaging.overlay import to_uint8
from xraycore.imaging.resample import fit_within
from xraycore.utils.text import percent

GALLERY_PAGE, GROUP_PAGE = 56, 6
# More files of one content than this say no more.
MOST_SHOWN = 6
_SIDE = 360
# Full colour for an average that is brighter or darker than the others by this share of white.
_EXCESS = 0.15

Open = Callable[[str], None]


def show_films(survey: DatasetOverview, on_open: Open) -> None:
    """The class averages, and the films themselves."""
    if not survey.films:
        st.info("No film can be read; see Files.", icon=":material/broken_image:")
        return
    st.markdown(
        "**The average film of each class**",
        help="The mean of all its films, each squashed to the same square. What stands out sharply "
        "here, such as a marker or a border, is in the same place in many films.",
    )
    averages = average_films(survey.by_class)
    tiles = [
        Tile(to_uint8(mean.pixels), label, (f"mean of {mean.films:,} films",), mean.aspect)
        for label, mean in averages.items()
    ]
    if len(averages) > 1:
        tiles += [
            Tile(_tinted(mean), label, ("against the other classes",), mean.aspect)
            for label, mean in averages.items()
        ]
    film_grid(tiles, key="averages", tile=190, fixed=True)
    if len(averages) > 1:
        st.caption(
            "Against the other classes: orange where a class is brighter on average, blue where "
            f"it is darker; full colour from {percent(_EXCESS)} of white on. Colour outside the "
            "chest is often a shortcut."
        )
    _gallery(survey, on_open)


def _tinted(mean: AverageFilm) -> np.ndarray:
    """Blue where an average is darker than the others', orange where it is brighter."""
    strength = np.clip(np.abs(mean.excess) / _EXCESS, 0, 1)[..., None]
    colors = np.where(mean.excess[..., None] > 0, (255, 150, 40), (60, 140, 255))
    return np.rint(strength * colors).astype(np.uint8)


def _gallery(survey: DatasetOverview, on_open: Open) -> None:
    st.markdown("**Films**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            "Class",
            list(survey.by_class),
            key="gallery-class",
            format_func=lambda name: f"{name} · {len(survey.by_class[name]):,}",
            persist_state="page",
            width=280,
        )
        of_class = survey.by_class[label]
        splits = [name for name in SPLIT_TITLES if any(f.record.split == name for f in of_class)]
        split = st.selectbox(
            "Split",
            [None, *splits] if len(splits) > 1 else splits,
            key="gallery-split",
            format_func=lambda name: "All" if name is None else SPLIT_TITLES[name],
            persist_state="page",
            width=200,
        )
    films = [film for film in of_class if split is None or film.record.split == split]
    _, part = choose_page(
        films, GALLERY_PAGE, key=f"page-gallery-{label}-{split}", persist_state="page"
    )
    film_grid(
        [
            Tile(
                film.facts.fingerprint.thumbnail,
                film.record.path.name,
                aspect=film.facts.width / film.facts.height,
                id=str(film.record.path),
            )
            for film in part
        ],
        key="gallery",
        tile=112,
        on_open=on_open,
    )
    st.caption("Click a film to see it large, and what training makes of it.")


def show_copies(survey: DatasetOverview, on_open: Open) -> None:
    """Files of one content, and files that show one exposure, side by side."""
    sections = (
        ("Byte-identical files", survey.audit.copies, "copies", "the same bytes"),
        ("Different files of one exposure (near copies)", survey.audit.near_copies, "near", ""),
    )
    for heading, groups, key, how in sections:
        if not groups:
            continue
        count = f"{len(groups):,} {'group' if len(groups) == 1 else 'groups'}"
        st.subheader(f"{plain(heading)}: {count}", anchor=False)
        first, part = choose_page(groups, GROUP_PAGE, key=f"page-{key}", persist_state="page")
        for number, same in enumerate(part, start=first):
            with st.container(border=True):
                alike = plain(how) or f"{percent(same.likeness)} of their detail agrees"
                st.markdown(f"**{number + 1}** · {alike}{_trouble(same)}")
                _side_by_side(survey, same.paths, f"{key}-{number}", on_open)


def _trouble(same: Likes) -> str:
    said = {
        "in several splits": same.splits_disagree,
        "under two classes": same.labels_disagree,
        "of several patients, by name": same.patients_disagree,
    }
    found = [text for text, differs in said.items() if differs]
    return f" · :orange[{plain(', '.join(found))}]" if found else ""


def show_patients(survey: DatasetOverview, on_open: Open) -> None:
    """The films of each patient who is in several splits."""
    crossing = survey.audit.patients.crossing
    if not crossing:
        return
    st.subheader(f"Patients in several splits: {len(crossing):,}", anchor=False)
    _, part = choose_page(sorted(crossing), GROUP_PAGE, key="page-patients", persist_state="page")
    for group in part:
        films = survey.of_patient(group)
        with st.container(border=True):
            splits = " and ".join(
                SPLIT_TITLES[name].lower() for name in SPLIT_TITLES if name in crossing[group]
            )
            name = plain(group.partition("/")[2])
            st.markdown(f"**{name}** · :orange[in {splits}] · {len(films)} films")
            _side_by_side(survey, [f.record.path for f in films], f"patient-{group}", on_open)


def _side_by_side(survey: DatasetOverview, paths: Sequence[Path], key: str, on_open: Open) -> None:
    films = [survey.by_path[path] for path in paths]
    tiles = [
        Tile(
            _picture(film),
            survey.name(film.record.path),
            (
                f"{film.record.label} · {SPLIT_TITLES[film.record.split].lower()}",
                f"patient {film.record.group.partition('/')[2]}",
                f"{film.facts.width} × {film.facts.height} px, {film.facts.bytes / 1000:,.1f} kB",
            ),
            film.facts.width / film.facts.height,
            str(film.record.path),
        )
        for film in films[:MOST_SHOWN]
    ]
    film_grid(tiles, key=key, tile=230, fixed=True, on_open=on_open)
    if len(films) > MOST_SHOWN:
        with st.expander(f"{len(films) - MOST_SHOWN:,} more files"):
            rest = [survey.name(film.record.path) for film in films[MOST_SHOWN:]]
            st.code("\n".join(rest), language=None, height=240)


def _picture(film: ImageEntry) -> np.ndarray:
    """The film itself, reduced; its thumbnail where the file is gone or another by now."""
    try:
        return _reduced(film.record.path, film.facts.sha256)
    except RadiographError:
        return film.facts.fingerprint.thumbnail


# A tab shows up to 72 at once, too many to keep whole.
@st.cache_data(max_entries=512, show_spinner=False)
def _reduced(path: Path, sha256: str) -> np.ndarray:
    return to_uint8(fit_within(read_measured(path, sha256).pixels, _SIDE))
