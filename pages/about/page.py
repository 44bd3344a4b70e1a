import pandas as pd
import streamlit as st

from pages.shared.access import enter
from pages.shared.film_picker import usable_models
from pages.shared.layout import page_header, plain
from pages.shared.tables import SHARES, show_plain_table, show_scores
from xraycore.access import Action
from xraycore.attribution.registry import METHODS
from xraycore.models.cards import read_card, stored_title
from xraycore.models.registry import MODELS

SCORE_NAMES = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "macro_f1": "Macro F1",
    "macro_auroc": "AUC, mean of the classes",
    "ece": "Calibration error",
}


def show_test_scores(card: dict) -> None:
    """The card's test scores, within one hospital first."""
    found = card["scores"]
    groups = [("All classes, all sources", found["all"])] if "all" in found else []
    if "pneumonia" in found:
        groups.insert(0, ("Normal or pneumonia, children of one hospital", found["pneumonia"]))
    for scores in card.get("external", {}).values():
        title = f"Normal or pneumonia, never trained on: {scores['citation']}"
        groups.append((title, scores["pneumonia"]))
    for title, scores in groups:
        st.caption(plain(title))
        show_scores(
            (SCORE_NAMES[key], scores[key], key in SHARES) for key in scores if key in SCORE_NAMES
        )
    if recall := found.get("all", {}).get("recall"):
        st.caption("Films called rightly, by class")
        show_scores((label, score, True) for label, score in recall.items())


def show_card(card: dict) -> None:
    """One model: what it is, what it was trained on, how well it does, what it cannot do."""
    spec, training = MODELS[card["model"]], card["training"]
    size = card.get("input_size") or spec.input_size
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.caption(spec.paper)
        st.markdown(
            f"{card.get('parameters', 0) / 1e6:.1f} million parameters, "
            f"{size:d} × {size:d} px in, "
            f"{card['weights'].get('bytes', 0) / 1e6:.1f} MB"
        )
        st.markdown("**Know its limits**")
        st.markdown("\n".join(f"- {plain(limit)}" for limit in card["limits"]))
        st.markdown("**Trained on**")
        for source, facts in card.get("data", {}).items():
            st.markdown(f"- {plain(facts['citation'])} ({plain(source)})")
        counts = pd.DataFrame(training.get("split_sizes", {})).fillna(0).astype(int)
        show_plain_table(counts.rename(columns={"val": "validation"}))
    with right:
        st.markdown("**Measured on films it was not trained on**")
        show_test_scores(card)
        if training.get("chosen_on"):
            st.caption(
                "The best epoch was chosen by films of other hospitals too: their figures flatter "
                "it a little. The test films played no part."
            )
    with st.expander("How it was made"):
        st.code(training.get("command") or "command not known", language="bash", wrap_lines=True)
        st.caption(
            plain(
                f"Start: {training.get('start')} · seed {training.get('seed')} · "
                f"{training.get('epochs')} epochs · "
                f"commit {training.get('environment', {}).get('commit') or 'unknown'} · "
                f"weights sha256 {card['weights']['sha256']}"
            )
        )
        st.json(training.get("recipe", {}), expanded=False)


enter(Action.LOOK)
page_header("About the models", "What each network was trained on, how well it does, its limits.")
if names := usable_models():
    tabs = st.tabs([stored_title(name) for name in names])
    for tab, name in zip(tabs, names, strict=True):
        with tab:
            show_card(read_card(name))
st.subheader("The heatmaps", anchor=False)
st.markdown(
    "A heatmap shows where a network found its evidence for a class. It does not show where the "
    "disease is, and a bright spot is no proof that the answer is right. Of methods "
    "that need one forward pass full colour is the strength that one validation film in twenty "
    "reaches, so that films with little evidence look pale; of the others, each map's own maximum."
)
show_plain_table(
    pd.DataFrame(
        {"Method": m.title, "What it shows": m.summary, "Paper": m.paper, "Cost": m.cost}
        for m in METHODS.values()
    ),
    hide_index=True,
)
