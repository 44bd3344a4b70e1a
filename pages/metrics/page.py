import streamlit as st

from pages.shared.access import enter
from pages.shared.layout import page_header
from xraycore.access import Action
from xraycore.evaluation.model_index import list_stored_models


def main() -> None:
    """What is stored, judged and drawn."""
    # SciPy and scikit-learn take a second or more to import: the title is there before them.
    with st.spinner("Reading what is stored …"):
        from pages.metrics.dashboard import show_dashboard

    show_dashboard(list_stored_models())


enter(Action.LOOK)
page_header("Metrics", "How good each model is, how sure that is, and on which films it fails.")
main()
