"""The section on pairs of models: is one better than another, or only luckier?"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from pages.metrics.cache import DisplayedComparison
from pages.metrics.charts import pair_matrix
from pages.shared.charts import show_chart
from pages.shared.layout import plain
from pages.shared.tables import show_table
from xraycore.evaluation.comparison import compare
from xraycore.report.sentences import (
    LEVEL,
    describe_delong,
    describe_mcnemar,
    format_p,
    signed,
)


def show_pairs(display: DisplayedComparison) -> None:
    """Every model against every other as a matrix; the sentences and all numbers on demand."""
    if len(display.names) < 2:
        st.info("Choose two models or more to compare them.", icon=":material/compare_arrows:")
        return
    pairs = compare(display.comparison, display.names)
    films = len(display.comparison.y_true)
    panels: list[tuple[str, str, str, Callable[[Mapping, Mapping], str]]] = [
        ("mcnemar", "Are they right equally often?", "McNemar's exact test", describe_mcnemar)
    ]
    if pairs[0]["delong"]:
        panels.insert(
            0, ("delong", "Do they rank films equally well?", "DeLong's test", describe_delong)
        )
    for column, (test, question, how, describe) in zip(
        st.columns(2, gap="large"), panels, strict=False
    ):
        with column:
            st.markdown(f"**{plain(question)}** ({plain(how)})")
            said = [describe(pair, display.titles) for pair in pairs]
            show_chart(
                pair_matrix(
                    [display.titles[name] for name in display.names],
                    *_square(display.names, pairs, test),
                ),
                f"pairs-{test}",
                f"{question} " + " ".join(said),
            )
            st.caption(
                "AUC of the row less that of the column."
                if test == "delong"
                else f"Of {films:,} films, those that only the row calls rightly less those that "
                "only the column does."
            )
            with st.expander("Each pair in a sentence", icon=":material/notes:"):
                st.markdown("\n".join(f"- {plain(sentence)}" for sentence in said))
    st.caption(
        "In colour: p below 0.05, blue where the row is better, orange where the column is; grey: "
        "no evidence of a difference, which is no proof of equality."
    )
    with st.expander("All numbers", icon=":material/table:"):
        show_table(
            pd.DataFrame(_row(pair, display.titles) for pair in pairs),
            key="pair-table",
            height="content",
        )
    note = (
        f"All on the same {films:,} films; p-values are corrected for the {len(pairs)} pairs that "
        "are compared (Holm). Both tests take films as independent: several films of one patient "
        "make p smaller than it should be."
    )
    if not pairs[0]["delong"]:
        note += " AUCs are compared in views of two classes, with two films of each or more."
    st.caption(note)


def _square(
    names: Sequence[str], pairs: Sequence[Mapping], test: str
) -> tuple[np.ndarray, np.ndarray, list[list[str]]]:
    """Row less column (n, n), whether that is told from chance, and each cell's text."""
    size = len(names)
    values, told = np.full((size, size), np.nan), np.zeros((size, size), bool)
    texts = [[""] * size for _ in names]
    for pair in pairs:
        a, b, one = names.index(pair["a"]), names.index(pair["b"]), pair[test]
        of_films = test == "mcnemar"
        difference = one["only_a"] - one["only_b"] if of_films else one["difference"]
        for row, column, value in ((a, b, difference), (b, a, -difference)):
            values[row, column] = value
            told[row, column] = one["p_holm"] is not None and one["p_holm"] < LEVEL
            number = f"{value:+,d}".replace("-", "\N{MINUS SIGN}") if of_films else signed(value)
            texts[row][column] = f"{number}<br>{format_p(one['p_holm'])}"
    return values, told, texts


def _row(pair: Mapping, titles: Mapping[str, str]) -> dict:
    delong, mcnemar = pair["delong"], pair["mcnemar"]
    row = {"Pair": f"{titles[pair['a']]} – {titles[pair['b']]}"}
    if delong:
        row |= {
            "AUC difference": signed(delong["difference"]),
            "DeLong": format_p(delong["p_holm"]),
        }
    return row | {
        "Both right": mcnemar["both_right"],
        "Only the first": mcnemar["only_a"],
        "Only the second": mcnemar["only_b"],
        "Both wrong": mcnemar["both_wrong"],
        "McNemar": format_p(mcnemar["p_holm"]),
    }
