"""The xraycore app: page configuration and navigation, nothing else."""

import streamlit as st

st.set_page_config(page_title="xraycore", page_icon=":material/radiology:", layout="wide")
page = st.navigation(
    [
        st.Page(
            "pages/compare/page.py",
            title="Compare",
            icon=":material/compare:",
            url_path="compare",
            default=True,
        ),
        st.Page(
            "pages/explain/page.py",
            title="Explain",
            icon=":material/visibility:",
            url_path="explain",
        ),
        st.Page("pages/data/page.py", title="Data", icon=":material/folder_open:", url_path="data"),
        st.Page(
            "pages/metrics/page.py",
            title="Metrics",
            icon=":material/monitoring:",
            url_path="metrics",
        ),
        st.Page(
            "pages/review/page.py", title="Review", icon=":material/rate_review:", url_path="review"
        ),
        st.Page(
            "pages/train/page.py", title="Train", icon=":material/model_training:", url_path="train"
        ),
        st.Page(
            "pages/about/page.py",
            title="About the models",
            icon=":material/info:",
            url_path="about",
        ),
    ],
    position="top",
)
page.run()
