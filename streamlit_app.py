"""The xraycore app: page configuration and navigation, nothing else."""

import streamlit as st

from pages.shared.access import admits, enter, show_user
from pages.shared.faults import errors_as_messages
from pages.shared.layout import ICON, server_started
from xraycore.access import Action

# A file of ours: the picture of a Material symbol would be fetched from another host.
st.set_page_config(page_title="xraycore", page_icon=ICON, layout="wide")
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
        st.Page("pages/learn/page.py", title="Learn", icon=":material/school:", url_path="learn"),
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
    # Who may not come in sees no list; the pages are known all the same, or Streamlit would say of
    # a link to one that there is no such page.
    position="top" if admits(Action.LOOK, Action.ANSWER) else "hidden",
)
if page.url_path and not server_started():
    # Before the first call of st.navigation in a server Streamlit looks for pages as files of the
    # folder `pages`, and says of any other link that there is no such page; asked again it knows.
    st.html("<script>location.reload()</script>", unsafe_allow_javascript=True)
    st.stop()
with st.sidebar:
    show_user()
# Each page asks again, for a link may lead past this file.
enter(Action.LOOK, Action.ANSWER)
with errors_as_messages():
    page.run()
