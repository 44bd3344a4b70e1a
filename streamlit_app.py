"""The xraycore app: page configuration and navigation, nothing else."""

import streamlit as st

from pages.widgets.frame import STARTED, WANTED

st.set_page_config(page_title="xraycore", page_icon=":material/radiology:", layout="wide")
page = st.navigation(
    [
        st.Page("pages/compare.py", title="Compare", icon=":material/compare:", default=True),
        st.Page("pages/explain.py", title="Explain", icon=":material/visibility:"),
        st.Page("pages/data.py", title="Data", icon=":material/folder_open:"),
        st.Page("pages/metrics.py", title="Metrics", icon=":material/monitoring:"),
        st.Page("pages/review.py", title="Review", icon=":material/rate_review:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/about.py", title="About the models", icon=":material/info:"),
    ],
    position="top",
)
st.session_state[STARTED] = True
if WANTED in st.session_state:
    wanted = st.session_state.pop(WANTED)
    st.switch_page(wanted, query_params=st.query_params.to_dict())
page.run()
