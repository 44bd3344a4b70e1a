import streamlit as st

from pages.shared.access import enter
from pages.shared.layout import page_header
from xraycore.access import Action


def main() -> None:
    """A new training, and the runs there are."""
    # What draws curves takes a second or more to import: the title is there before it.
    with st.spinner("Looking for runs …"):
        from pages.train.overview import show

    show()


enter(Action.TRAIN)
page_header("Train", "Teach a network on your own films, watch it learn, and keep the best.")
main()
