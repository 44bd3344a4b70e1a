import streamlit as st

from pages.widgets.frame import page_header
from xraycore.report.entries import list_entries


def main() -> None:
    """What is stored, judged and drawn."""
    # SciPy and scikit-learn take a second or more to import: the title is there before them.
    with st.spinner("Reading what is stored …"):
        from pages.widgets.metric_page import show

    show(list_entries())


page_header(
    __file__, "Metrics", "How good each model is, how sure that is, and on which films it fails."
)
main()
