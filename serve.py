"""The app behind a cookie that knows a browser again: `streamlit run serve.py`."""

import streamlit as st
from starlette.middleware import Middleware

from pages.shared.visitor import VisitorCookie

app = st.App("streamlit_app.py", middleware=[Middleware(VisitorCookie)])
