"""The xraycore app: page configuration and navigation, nothing else."""

import streamlit as st

st.set_page_config(page_title="xraycore", page_icon=":material/radiology:", layout="wide")
st.navigation(
    [
        st.Page("pages/compare.py", title="Compare", icon=":material/compare:", default=True),
        st.Page("pages/about.py", title="About the models", icon=":material/info:"),
    ],
    position="top",
).run()
