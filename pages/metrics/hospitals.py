"""The section of other hospitals: what `xraycore generalise` measured of the shown models."""

import json

import pandas as pd
import streamlit as st

from pages.metrics.cache import DisplayedComparison, score_ensemble
from pages.shared.tables import NONE, format_score, show_table
from xraycore.config import HOME
from xraycore.datasets.labels import LABEL_SCHEMES
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.evaluation.model_index import StoredModel

MEASURED = HOME / "docs" / "measured" / "generalisation.json"


def show_hospitals(display: DisplayedComparison, models: list[StoredModel]) -> None:
    """A row a model and hospital; only of weights that are still those that were measured.

    Args:
        display: What the page shows.
        models: All whose predictions can be read.
    """
    found = json.loads(MEASURED.read_text()) if MEASURED.is_file() else {"rows": {}, "weights": {}}
    cards = {name: model.card for name, model in display.models.items()}
    shown = [
        name
        for name in display.names
        if name in found["rows"]
        and found["weights"].get(name) == cards.get(name, {}).get("weights", {}).get("sha256")
    ]
    if not shown:
        st.info(
            "Nothing was measured on other hospitals of these models as they are: "
            "`python -m xraycore generalise`.",
            icon=":material/apartment:",
        )
        return
    rows = [
        {"Films of": hospital, "Model": display.titles[name], **_row(row)}
        for name in shown
        for hospital, row in found["rows"][name].items()
    ]
    if ENSEMBLE in display.names:
        of_first = found["rows"][shown[0]]
        places = {hospital: _place(hospital) for hospital in of_first}
        shipped = [model for model in models if model.shipped]
        scored = score_ensemble(shipped, LABEL_SCHEMES["pneumonia"], tuple(places.values()))
        for hospital, row in of_first.items():
            films, scores = scored.get(places[hospital], (0, {}))
            # Only where it is the same films that were measured.
            if films == row["normals"] + row["abnormals"] and scores:
                of = {"Films of": hospital, "Model": display.titles[ENSEMBLE]}
                rows.append(of | _mean_row(row, scores))
    order = list(dict.fromkeys(row["Films of"] for row in rows))
    rows.sort(key=lambda row: order.index(row["Films of"]))
    part = st.segmented_control(
        "Columns",
        list(_PARTS),
        default=next(iter(_PARTS)),
        required=True,
        key="hospital-columns",
        persist_state="session",
        label_visibility="collapsed",
    )
    shown_columns = ["Films of", "Model", *_PARTS[part]]
    columns = {
        name: st.column_config.TextColumn(name, help=text, width=width)
        for name, (text, width) in _COLUMNS.items()
    }
    widths = {"Films of": "medium", "Model": "small"}
    pinned = {
        name: st.column_config.TextColumn(pinned=True, width=width)
        for name, width in widths.items()
    }
    table = pd.DataFrame(rows)[shown_columns]
    # A hospital of which nothing of it was measured takes no rows.
    measured = (table.drop(columns=["Films of", "Model", "Normal / opacity"]) != NONE).any(axis=1)
    if measured.any():
        show_table(table[measured], column_config=columns | pinned, height="content")
    else:
        st.info("This was not measured on films of other hospitals.", icon=":material/block:")
    st.caption(
        "With 95 % intervals; a heading says what its column is. Opacity or normal: AUC, and "
        "sensitivity and specificity at the threshold in force and with that of 20 normal films of "
        "the hospital (the middle 90 % of 200 draws). The ensemble's rows come from the stored "
        "predictions: it has no threshold and no heat of its own."
    )


# Column -> what it says, and its width.
_COLUMNS: dict[str, tuple[str, str | None]] = {
    "Normal / opacity": ("Films without and with an opacity.", "small"),
    "AUC": ("How well the probability of an opacity ranks films; 0.5 is guessing.", None),
    "Sensitivity": ("Films with an opacity that are called so, at the threshold in force.", None),
    "Specificity": ("Normal films that are not called an opacity, at the same threshold.", None),
    "Sensitivity, 20 normals": ("With the threshold of 20 normal films of the hospital.", None),
    "Specificity, 20 normals": ("With the threshold of 20 normal films of the hospital.", None),
    "Cannot tell": ("Answers that are withdrawn at an error rate of 10 %.", None),
    "COVID-19": ("AUC among films of one known kind.", None),
    "Calibration": ("How far stated probabilities are from how often they are right.", None),
    "No answer": ("Films that are ruled out: no frontal chest film by their look.", None),
    "Heat hits": ("How often the hottest point against Normal lies in a drawn lesion.", None),
    "Brightness hits": ("The same of the brightest point in the lungs.", None),
    "Uncoloured": ("Normal films on which nothing is coloured.", None),
}
# What is looked at -> its columns: all of them at once fit on no screen.
_PARTS = {
    "Opacity or not": (
        *("Normal / opacity", "AUC", "Sensitivity", "Specificity"),
        *("Sensitivity, 20 normals", "Specificity, 20 normals"),
    ),
    "How far to trust it": (
        *("Normal / opacity", "Cannot tell", "No answer", "Calibration", "COVID-19"),
    ),
    "Heat": ("Normal / opacity", "Heat hits", "Brightness hits", "Uncoloured"),
}
# Hospital of the measurement -> split and source of the stored predictions of the same films.
_STORED = {"nih": ("external", "nih")}


def _place(hospital: str) -> tuple[str, str]:
    source, _, split = hospital.partition(", ")
    return _STORED.get(hospital) or (split, source)


def _mean_row(row: dict, scores: dict) -> dict[str, str]:
    empty = {name: NONE for name in _COLUMNS}
    return empty | {
        "Normal / opacity": f"{row['normals']} / {row['abnormals']}",
        "AUC": format_score(scores["macro_auroc"], False),
        "Calibration": format_score(scores["ece"], False),
    }


def _row(row: dict) -> dict[str, str]:
    shipped, site = row.get("shipped") or {}, row.get("site") or {}
    sets, heat = row.get("sets") or {}, row.get("heat") or {}
    shares = {
        "Sensitivity": shipped.get("sensitivity"),
        "Specificity": shipped.get("specificity"),
        "Sensitivity, 20 normals": site.get("sensitivity"),
        "Specificity, 20 normals": site.get("specificity"),
        "Cannot tell": sets.get("cannot tell"),
        "No answer": row["ruled_out"],
        "Heat hits": heat.get("hit"),
        "Brightness hits": heat.get("bright_hit"),
        "Uncoloured": row["uncoloured"],
    }
    others = {"AUC": row.get("auc"), "COVID-19": row["kind_auc"], "Calibration": row.get("ece")}
    texts = {name: format_score(one, True) for name, one in shares.items()}
    texts |= {name: format_score(one, False) for name, one in others.items()}
    texts["Normal / opacity"] = f"{row['normals']} / {row['abnormals']}"
    return {name: texts[name] for name in _COLUMNS}
