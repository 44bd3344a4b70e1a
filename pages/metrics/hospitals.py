"""The section of other hospitals: what `xraycore generalise` measured of the shown models."""

import json

import pandas as pd
import streamlit as st

from pages.metrics.cache import DisplayedComparison
from pages.shared.tables import show_table
from xraycore.cli.console import format_score
from xraycore.config import HOME

MEASURED = HOME / "docs" / "measured" / "generalisation.json"


def show_hospitals(display: DisplayedComparison) -> None:
    """A row a model and hospital; only of weights that are still those that were measured."""
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
        {"Model": display.titles[name], "Films of": hospital, **_row(row)}
        for name in shown
        for hospital, row in found["rows"][name].items()
    ]
    show_table(pd.DataFrame(rows))
    st.caption(
        "With 95 % intervals. Opacity or normal: AUC, and sensitivity and specificity at the "
        "threshold in force and with that of 20 normal films of the hospital (the middle 90 % of "
        "200 draws). Cannot tell: answers that are withdrawn at an error rate of 10 %. COVID-19: "
        "AUC among films of one known kind. Heat: how often the hottest point against Normal lies "
        "in a drawn lesion, beside the brightest point in the lungs; and how many normal films "
        "stay uncoloured."
    )


def _row(row: dict) -> dict[str, str]:
    shipped, site = row.get("shipped") or {}, row.get("site") or {}
    sets, heat = row.get("sets") or {}, row.get("heat") or {}
    columns = {
        "AUC": row.get("auc"),
        "Sensitivity": shipped.get("sensitivity"),
        "Specificity": shipped.get("specificity"),
        "Sensitivity, 20 normals": site.get("sensitivity"),
        "Specificity, 20 normals": site.get("specificity"),
        "Cannot tell": sets.get("cannot tell"),
        "COVID-19": row["kind_auc"],
        "Calibration error": row.get("ece"),
        "No answer": row["ruled_out"],
        "Heat hits": heat.get("hit"),
        "Brightness hits": heat.get("bright_hit"),
        "Uncoloured": row["uncoloured"],
    }
    of = f"{row['normals']} / {row['abnormals']}"
    return {"Normal / opacity": of} | {name: format_score(s, ".2f") for name, s in columns.items()}
