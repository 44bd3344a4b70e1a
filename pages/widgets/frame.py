"""What every page shows: its title and what the app is not for."""

import streamlit as st


def page_header(title: str, subtitle: str) -> None:
    """The page's title, what it is for, and the not-for-diagnosis notice."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title(title, anchor=False, width="content")
        st.badge(
            "For education and research, not for diagnosis",
            icon=":material/clinical_notes:",
            color="orange",
        )
    st.caption(subtitle)
