"""The app with the gateway before it; `streamlit run serve.py`, or `xraycore serve` for others.

How the app tells who is asking is decided here, before it answers anybody: where others could reach
it and nothing says how they are told apart, it does not start.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from importlib import import_module
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from streamlit import config

from pages.compare.order import in_order_of_use
from pages.shared import inference
from pages.shared.access import set_access
from pages.shared.gateway import Gateway
from pages.shared.visitor import VisitorCookie
from xraycore.access import Mode, decide_access
from xraycore.access.modes import OPEN_WORD
from xraycore.access.settings import read_settings
from xraycore.access.sign_outs import SignOuts
from xraycore.config import XRAYCORE_ROOTS, loads_ahead, settings_file, state_folder
from xraycore.errors import AccessError, ArgumentError, WeightsError
from xraycore.models.cards import list_trained

try:
    file = settings_file()
    settings = read_settings(file) if file else None
    access = decide_access(
        st.get_option("server.address"), settings, open_to_everybody=OPEN_WORD in sys.argv
    )
    if access.mode is Mode.OIDC:
        kept, seconds = state_folder() / "sign-outs.json", settings.oidc.hours * 3600
        access = replace(access, sign_outs=SignOuts(kept, seconds))
    if access.mode is Mode.PROXY and os.environ.get("FORWARDED_ALLOW_IPS") != "":
        raise AccessError(
            "Behind a proxy start the app with xraycore serve, or set FORWARDED_ALLOW_IPS to "
            "nothing: else a program of this computer can say that it is the proxy."
        )
    ahead = loads_ahead()
except (AccessError, ArgumentError) as error:
    sys.exit(str(error))
if ahead:
    # It imports TensorFlow while this process imports the rest.
    inference.process()
if settings is not None and settings.url:
    # Else Streamlit asks a computer elsewhere for this one's address before it takes a socket.
    config.set_option("browser.serverAddress", urlsplit(settings.url).hostname)
if access.served:
    # Also of whatever the app launches.
    os.environ[XRAYCORE_ROOTS] = os.pathsep.join(map(str, settings.roots if settings else ()))
set_access(access)

secrets = {}
if access.mode is Mode.OIDC:
    secrets["auth"] = {
        "redirect_uri": f"{settings.url.rstrip('/')}/oauth2callback",
        "cookie_secret": settings.oidc.cookie_secret,
        "client_id": settings.oidc.client_id,
        "client_secret": settings.oidc.client_secret,
        "server_metadata_url": settings.oidc.metadata_url,
    }


@asynccontextmanager
async def begin_early(_app: st.App) -> AsyncIterator[None]:
    """What takes seconds begins with the server, not with its first visitor."""
    if ahead:
        # Of a damaged card those are told who ask for it.
        with suppress(WeightsError):
            inference.prepare(in_order_of_use(list_trained()))
        # Meanwhile what the first page is made of.
        import_module("pages.compare.films")
        import_module("pages.compare.reading")
    yield


def lead_to_start(request: Request) -> RedirectResponse:
    """Where Compare is: Streamlit knows the first page by no name of its own."""
    return RedirectResponse(f"./?{request.url.query}" if request.url.query else "./")


base = st.get_option("server.baseUrlPath").strip("/")
app = st.App(
    "streamlit_app.py",
    secrets=secrets,
    lifespan=begin_early,
    routes=[Route(f"/{base}/compare" if base else "/compare", lead_to_start)],
    middleware=[Middleware(Gateway, access=access), Middleware(VisitorCookie)],
)
