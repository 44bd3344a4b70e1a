"""How labels are read that are no plain name of a class: asked wherever a data set is named."""

from collections.abc import Mapping

import streamlit as st

from xraycore.datasets.labelling import POLICIES, LabelPolicy

# Policy -> its question, and what each of its words means.
_QUESTIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "uncertain": (
        "Uncertain findings (-1)",
        {
            "leave-out": "leave the film out",
            "positive": "take for present",
            "negative": "take for absent",
        },
    ),
    "blank": (
        "Empty cells of a finding",
        {"negative": "not mentioned: absent", "leave-out": "leave the film out"},
    ),
    "several": (
        "Several findings",
        {
            "known": "a known class, else the first",
            "first": "the first that is named",
            "leave-out": "leave the film out",
        },
    ),
    "views": (
        "Films called lateral",
        {"frontal": "leave out", "all": "use"},
    ),
}


def ask_label_policy() -> str:
    """The policy that is chosen, as `LabelPolicy.parse` takes it; "" for the default."""
    chosen = {}
    with st.expander("How labels are read", icon=":material/label:"):
        columns = st.columns(len(POLICIES))
        for column, (name, words) in zip(columns, POLICIES.items(), strict=True):
            question, meanings = _QUESTIONS[name]
            chosen[name] = column.selectbox(
                question,
                words,
                format_func=meanings.__getitem__,
                key=f"labels-{name}",
                persist_state="session",
            )
        st.caption(
            "Of tables as CheXpert's, NIH's or PadChest's. What is left out is counted by reason."
        )
    return LabelPolicy(**chosen).describe()
