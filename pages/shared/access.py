"""Who is asking, and the gate: asked at the head of every page, in every callback and job."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import streamlit as st

from pages.shared.layout import plain
from xraycore.access import Access, Action, Mode, User, decide_access, may, roles_that_may
from xraycore.access.hosts import is_loopback
from xraycore.access.requests import was_forwarded
from xraycore.access.roles import NOBODY
from xraycore.errors import AccessError
from xraycore.utils.text import join_names

Given, Returned = ParamSpec("Given"), TypeVar("Returned")

# Query parameter with the secret of a reader's link.
READER_LINK = "key"
# Seconds until a page that nobody touches notices that its user has signed out elsewhere.
_ASK_AGAIN = 5

# Set once by `serve.py`, before the first visitor.
_access: Access | None = None


def set_access(access: Access) -> None:
    """Says how this app tells who is asking; only `serve.py`, whose gateway checks requests."""
    global _access
    _access = access


def get_access() -> Access:
    """How this app tells who is asking.

    Raises:
        AccessError: If others can reach it and it was not started to be served to them.
    """
    if _access is not None:
        return _access
    access = decide_access(st.get_option("server.address"), None, open_to_everybody=False)
    headers = _headers()
    if not is_loopback(_host(headers.get("host"))) or was_forwarded(headers):
        raise AccessError(
            "This app answers its own computer only, and this request came from elsewhere. Start "
            "it with xraycore serve; see Serving it to a department in the documentation."
        )
    return access


def current_user() -> User:
    """Who is asking, by this request's connection; `NOBODY` where that is not known.

    Raises:
        AccessError: See `get_access`.
    """
    access = get_access()
    claims = dict(st.user) if access.mode is Mode.OIDC else {}
    return access.user(claims, _headers(), link=bool(st.query_params.get(READER_LINK)))


def permitted(action: Action, owner: str = "") -> bool:
    """Whether who is asking may do something, see `xraycore.access.may`."""
    return may(current_user(), action, owner)


def require(*actions: Action, owner: str = "") -> None:
    """Passes who may do one of these.

    Raises:
        AccessError: If who is asking may do none.
    """
    if not any(permitted(action, owner) for action in actions):
        raise AccessError(_refusal(actions[0], owner))


def admits(*actions: Action) -> bool:
    """Whether `enter` would pass who is asking."""
    try:
        return any(permitted(action) for action in actions)
    except AccessError:
        return False


def acts(
    *actions: Action,
) -> Callable[[Callable[Given, Returned]], Callable[Given, Returned | None]]:
    """For a callback, or whatever else writes or starts work: asks who is asking each time.

    Who may not is told so, where it is drawn, and the function is not called: it gives None.
    """

    def gate(function: Callable[Given, Returned]) -> Callable[Given, Returned | None]:
        @functools.wraps(function)
        def call(*arguments: Given.args, **settings: Given.kwargs) -> Returned | None:
            try:
                require(*actions)
            except AccessError as error:
                st.error(plain(str(error)), icon=":material/block:")
                return None
            return function(*arguments, **settings)

        return call

    return gate


def fragment(
    *actions: Action, run_every: float | None = None
) -> Callable[[Callable[Given, None]], Callable[Given, None]]:
    """A part of a page that is drawn again without the rest: asks who is asking each time.

    For who may no longer do one of the actions, those of the page, the whole page is drawn anew,
    whose gate says why.

    Args:
        actions: See `enter`.
        run_every: Seconds after which it is drawn again by itself.
    """

    def gate(function: Callable[Given, None]) -> Callable[Given, None]:
        @st.fragment(run_every=run_every)
        @functools.wraps(function)
        def draw(*arguments: Given.args, **settings: Given.kwargs) -> None:
            if not admits(*actions):
                st.rerun()
            function(*arguments, **settings)

        return draw

    return gate


def enter(*actions: Action) -> None:
    """The gate of a page: draws why not, and ends the run, unless one of the actions is permitted.

    Called before anything else of a page is.
    """
    try:
        user = current_user()
    except AccessError as error:
        st.error(plain(str(error)), icon=":material/block:")
        st.stop()
    if any(may(user, action) for action in actions):
        return
    if user is NOBODY:
        _ask_to_sign_in()
    else:
        st.warning(plain(_refusal(actions[0])), icon=":material/block:")
    st.stop()


def show_user() -> None:
    """Who is signed in, with a way out; nothing where nobody signs in."""
    try:
        access, user = get_access(), current_user()
    except AccessError:
        return  # `enter` says why.
    if access.mode is not Mode.OIDC or not user.id:
        return
    _watch()
    with st.popover(plain(user.name), icon=":material/person:", type="tertiary"):
        st.caption(f"Signed in as {plain(user.id)}: {plain(_name_roles(user))}.")
        st.button("Sign out", key="sign-out", icon=":material/logout:", on_click=_leave)


def _leave() -> None:
    """Signs out: other tabs' connections, and whoever holds a copy of the cookie, too."""
    try:
        get_access().sign_outs.note(current_user().id, float(st.user["iat"]))
    finally:
        st.logout()


@st.fragment(run_every=_ASK_AGAIN)
def _watch() -> None:
    """Draws the page anew once its user has signed out elsewhere, or his time is over."""
    if not current_user().id:
        st.rerun()


def _ask_to_sign_in() -> None:
    st.title("xraycore", anchor=False)
    st.badge("For education and research, not for diagnosis", color="orange")
    if get_access().mode is Mode.OIDC:
        st.markdown("Sign in to open this page.")
        st.button(
            "Sign in", key="sign-in", type="primary", icon=":material/login:", on_click=st.login
        )
    else:
        st.error("The proxy in front of this app has signed nobody in.", icon=":material/block:")


def _refusal(action: Action, owner: str = "") -> str:
    user = current_user()
    if owner and may(user, action):
        return "This belongs to somebody else."
    if get_access().mode is Mode.OPEN:
        return f"This app is open to everybody: here nobody may {action}."
    if user is NOBODY:
        return f"Sign in: nobody who is not may {action}."
    roles = join_names([role.value for role in roles_that_may(action)])
    return f"You may not {action}: that is for {roles}, and you are {plain(_name_roles(user))}."


def _name_roles(user: User) -> str:
    return join_names(sorted(role.value for role in user.roles)) if user.roles else "without a role"


def _headers() -> dict[str, str]:
    return {name.lower(): value for name, value in st.context.headers.items()}


def _host(header: str | None) -> str:
    """The host of a Host header without its port; this computer's where there is no browser."""
    if header is None:
        return "localhost"
    return header.rsplit(":", 1)[0] if not header.endswith("]") else header
