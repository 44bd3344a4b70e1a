"""An archive that `xraycore score` has scored: its rates, and how far it is from known films."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.shared.charts import ACCENT, GRID, MUTED, show_chart
from pages.shared.layout import plain, plain_option
from pages.shared.tables import format_score, show_metrics, show_plain_table, show_table
from xraycore.imaging.film_warnings import CODES
from xraycore.models.cards import stored_title
from xraycore.models.registry import MODELS
from xraycore.scoring.drift import FAR, TITLES
from xraycore.scoring.feature_drift import is_far_from_home
from xraycore.scoring.summary import ALL, FILE, GROUPS, UNKNOWN, is_far, read_summary
from xraycore.utils.text import percent

_GROUP_TITLES = {"month": "Month", "device": "Device", "site": "Site"}


def find_archive(places: Sequence[str]) -> Path | None:
    """The folder of a scored archive, where one is all that is named."""
    if len(places) != 1 or not (Path(places[0]) / FILE).is_file():
        return None
    return Path(places[0])


def show_archive(folder: Path) -> None:
    """Draws what is summed up of it.

    Raises:
        ArgumentError: If its summary is damaged.
    """
    found = read_summary(folder)
    read = found["films"] - found["unread"]
    st.caption("An archive that `xraycore score` went through, by its summary of then.")
    show_metrics(
        (
            ("Films", f"{found['films']:,}", "As many as its shards hold."),
            ("Cannot be read", f"{found['unread']:,}", "Each has a row with the reason."),
            ("Networks", f"{len(found['models'])}", None),
        )
    )
    if not read:
        st.info("None of these films could be read: see the column error of the shards.")
        return
    # The summary may be of networks that are no longer known here.
    titles = {name: stored_title(name) if name in MODELS else name for name in found["models"]}
    name = next(iter(titles))
    if len(titles) > 1:
        chosen = st.segmented_control(
            "Network",
            list(titles),
            default=name,
            required=True,
            format_func=lambda one: plain_option(titles[one]),
            key="archive-network",
            bind="query-params",
        )
        name = chosen or name
    said = found["models"][name]
    st.subheader("What is answered", anchor=False)
    _show_rates(said)
    st.subheader("Is it like what the network knows?", anchor=False)
    _show_drift(said["drift"])
    _show_features(found.get("features"))
    _show_warnings(found["warnings"], read)


def _show_rates(said: Mapping[str, Any]) -> None:
    groups = said["groups"]
    _rate_table("Films", groups[ALL])
    for group in GROUPS:
        of = groups[group]
        if list(of) == [UNKNOWN]:
            st.caption(f"{_GROUP_TITLES[group]}: the list and the films do not say.")
            continue
        st.markdown(f"**By {group}**")
        if group == "month":
            _show_months(of)
        _rate_table(_GROUP_TITLES[group], of)
    if said["kinds"]:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in said["kinds"].items())
        st.caption(plain(f"Kinds of the opacities: {kinds}."))


def _rate_table(heading: str, of: Mapping[str, Any]) -> None:
    words = list(dict.fromkeys(word for entry in of.values() for word in entry["rates"]))
    rows = [
        {
            heading: value,
            "Films": entry["films"],
            **{word.capitalize(): format_score(entry["rates"].get(word), True) for word in words},
        }
        for value, entry in of.items()
    ]
    show_table(pd.DataFrame(rows))


def _show_months(of: Mapping[str, Any]) -> None:
    """The share called an opacity by month, with its interval."""
    months = {
        month: entry["rates"].get("opacity") or entry["rates"].get("abnormal")
        for month, entry in of.items()
        if month != UNKNOWN
    }
    known = {month: rate for month, rate in months.items() if rate}
    if len(known) < 2:
        return
    values = [100 * rate["value"] for rate in known.values()]
    above = [100 * (rate["high"] - rate["value"]) for rate in known.values()]
    below = [100 * (rate["value"] - rate["low"]) for rate in known.values()]
    figure = go.Figure(
        go.Scatter(
            x=list(known),
            y=values,
            mode="lines+markers",
            line={"color": ACCENT},
            error_y={"array": above, "arrayminus": below, "color": MUTED},
        )
    )
    figure.update_layout(
        height=260,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"type": "category", "gridcolor": GRID},
        yaxis={"title": "Called an opacity, %", "gridcolor": GRID, "rangemode": "tozero"},
    )
    show_chart(figure, "archive-months", "Share of films that are called an opacity, by month")


def _show_drift(drift: Mapping[str, Any]) -> None:
    measured = {name: one for name, one in drift.items() if one}
    rows = []
    for name, one in measured.items():
        card = one["card"]
        months = {month: of for month, of in one["months"].items() if month != UNKNOWN}
        far = [month for month, of in months.items() if is_far(of)]
        differ = "all" if len(far) == len(months) > 3 else ", ".join(far) or "none"
        rows.append(
            {
                "Measure": TITLES.get(name, name),
                "Here (5 to 95 %)": _spread(one["archive"]),
                "Test films of the card": _spread(card) if card else "not stored",
                "Distance": f"{one['distance']:.2f}" if card else "–",
                "Different": "yes" if is_far(one) else "no" if card else "–",
                "Months that differ": differ,
            }
        )
    show_plain_table(pd.DataFrame(rows), hide_index=True)
    st.caption(
        "Distance: the greatest difference between the cumulative shares of films here and of the "
        "test films that the network's card was measured on (Kolmogorov and Smirnov), 0 to 1; "
        f"above {FAR:g}, and above what chance makes of so few films, they are different. A month "
        "is set beside the card's films, or where none are stored beside the whole archive. Rates "
        "differ where disease is more or less frequent: a distance of answers alone says nothing "
        "about which of them are right."
    )


def _show_features(found: Mapping[str, Any] | None) -> None:
    """How far films' features are from the known films, by group, and what is usual at home."""
    if found is None:
        st.caption("Features: these shards hold none, or no screening was fitted.")
        return
    rows = [
        {
            "Features of": "All films" if group == ALL else f"{_GROUP_TITLES[group]}: {value}",
            "Films": one["films"],
            "Distance (95 %)": "too few films"
            if one["distance"] is None
            else f"{one['distance']:.2f} ({one['low']:.2f}–{one['high']:.2f})",
            "Usual at home, up to": "–" if one["usual"] is None else f"{one['usual']:.2f}",
            "Different": "–" if one["usual"] is None else "yes" if is_far_from_home(one) else "no",
        }
        for group, of in found["groups"].items()
        if list(of) != [UNKNOWN]
        for value, one in of.items()
    ]
    show_plain_table(pd.DataFrame(rows), hide_index=True)
    sources = found["sources"] or {}
    alone = ", ".join(f"{name} {value:.2f}" for name, value in sources.items())
    st.caption(
        plain(
            "Distance of features (Fréchet): how far mean and spread of the lung segmenter's "
            "features here are from those of the films that networks were trained on, in standard "
            "deviations of these. Usual at home is what 95 % of draws of as many validation films "
            "stay below, and each hospital of them alone"
            f"{f' ({alone})' if alone else ''}; different is what lies beyond with all of its "
            "interval. Films of one patient count as films of several."
        )
    )


def _spread(one: Mapping[str, float]) -> str:
    return f"{one['median']:.2f} ({one['low']:.2f}–{one['high']:.2f})"


def _show_warnings(warnings: Mapping[str, int], read: int) -> None:
    if not warnings or not read:
        return
    st.subheader("Warnings", anchor=False)
    rows = [
        {"Of": CODES.get(code, code), "Films": count, "Share": percent(min(1.0, count / read))}
        for code, count in warnings.items()
    ]
    show_table(pd.DataFrame(rows))
