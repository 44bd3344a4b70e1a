"""Whether films are answered by a site profile: chosen in the card, kept in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from pages.shared.address import read_address, step
from pages.shared.layout import plain
from xraycore.errors import XrayCoreError
from xraycore.models.cards import read_card, stored_title
from xraycore.models.sites import SiteProfile, list_sites, read_site
from xraycore.utils.text import join_names

_KEY = "compare-site"
_OWN = "Each network's own threshold"


@dataclass(frozen=True)
class Sites:
    """The site by whose profiles films are answered.

    Attributes:
        name: Of the site; "" for none.
        profiles: Model -> its profile there.
        without: Titles of the models that have none, or one of other weights.
        known: Names of all sites that any of the models has a profile of.
    """

    name: str = ""
    profiles: Mapping[str, SiteProfile] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


def read_sites(names: Sequence[str]) -> Sites:
    """What the address says, as far as these models have such profiles."""
    known = tuple(sorted({site for name in names for site in list_sites(name)}))
    chosen = read_address("site")
    if chosen not in known:
        return Sites(known=known)
    found = {name: profile for name in names if (profile := _profile(name, chosen))}
    without = tuple(stored_title(name) for name in names if name not in found)
    return Sites(chosen, found, without, known)


def choose_site(sites: Sites) -> None:
    """The field, where there is anything to choose."""
    if not sites.known:
        return
    st.session_state[_KEY] = sites.name or _OWN
    st.selectbox(
        "Thresholds",
        [_OWN, *sites.known],
        key=_KEY,
        on_change=_chosen,
        help="A site profile was fitted to normal films of that hospital (*Metrics → Threshold*). "
        "It moves from which probability on an opacity is called, never the network.",
    )
    if sites.without and sites.name:
        st.caption(
            f"No profile of {plain(sites.name)} for these weights: "
            f"{plain(join_names(list(sites.without)))}. Answered by its own threshold."
        )


def _chosen() -> None:
    chosen = st.session_state[_KEY]
    step(site=None if chosen == _OWN else chosen)


def _profile(name: str, site: str) -> SiteProfile | None:
    try:
        if site not in list_sites(name):
            return None
        profile = read_site(name, site)
        weights = read_card(name)["weights"]["sha256"]
    except XrayCoreError:
        # Metrics says what is wrong with it.
        return None
    return profile if profile.weights_sha256 == weights else None
