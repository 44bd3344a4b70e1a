import streamlit as st

from pages.widgets.frame import page_header


def main() -> None:
    """A new training, and the runs there are."""
    # What draws curves takes a second or more to import: the title is there before it.
    with st.spinner("Looking for runs …"):
        from pages.widgets.train_page import show

    show()


page_header(
    __file__, "Train", "Teach a network on your own films, watch it learn, and keep the best."
)
main()
