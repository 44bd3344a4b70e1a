"""Site profiles on the Metrics page: what there is, and the dialog that fits one to local films."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from pages.shared import inference
from pages.shared.access import acts, permitted
from pages.shared.cache import trained_models
from pages.shared.faults import describe_error, guarded
from pages.shared.film_memory import UploadedFile, drop_upload
from pages.shared.inference_worker import Network
from pages.shared.layout import plain
from xraycore.access import Action
from xraycore.errors import RadiographError, XrayCoreError
from xraycore.evaluation.adaptation import FEW_NORMALS, fit_site, read_opacities
from xraycore.imaging import Radiograph, read_radiograph
from xraycore.models.registry import MODELS
from xraycore.models.sites import (
    SiteProfile,
    check_site_name,
    list_sites,
    read_site,
    remove_site,
    write_site,
)
from xraycore.utils.progress import Progress
from xraycore.utils.text import percent, pluralise

MOST_FILMS = 100


def show_sites() -> None:
    """A button that opens the dialog, beside the names of the profiles that there are."""
    names, _ = trained_models()
    if not names:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        held = sorted({site for name in names for site in list_sites(name)})
        if st.button("Site profiles …", icon=":material/tune:", key="site-profiles"):
            _site_dialog()
        known = f"There are profiles of {plain(', '.join(held))}." if held else "There are none."
        st.caption(
            f"Thresholds of other hospitals seldom fit: {FEW_NORMALS} to {MOST_FILMS} normal films "
            f"of your own set one. {known}",
            width="content",
        )


@st.dialog("Site profiles", width="large")
@guarded
def _site_dialog() -> None:
    names, _ = trained_models()
    for model in names:
        for site in list_sites(model):
            _show_profile(model, site)
    if not permitted(Action.PROMOTE):
        st.info("Profiles are fitted by those who may promote networks.")
        return
    st.markdown("**Fit a profile**")
    left, right = st.columns(2)
    model = left.selectbox("Model", names, format_func=lambda n: MODELS[n].title, key="site-model")
    site = right.text_input("Name of the site", key="site-name", max_chars=64)
    normal = st.file_uploader(
        f"Normal films of the site, {FEW_NORMALS} to {MOST_FILMS}",
        accept_multiple_files=True,
        key="site-normal",
    )
    abnormal = st.file_uploader(
        "Films with an opacity, if there are any", accept_multiple_files=True, key="site-abnormal"
    )
    if st.button("Fit", type="primary", disabled=not (model and site and normal), key="site-fit"):
        _fit(model, site, normal, abnormal)


@acts(Action.PROMOTE)
def _fit(
    model: str, site: str, normal: Sequence[UploadedFile], abnormal: Sequence[UploadedFile]
) -> None:
    """Reads the films, asks the network, and keeps the profile; the films are let go of."""
    check_site_name(site)
    bar = st.progress(0.0, "Reading films …")
    clear, shown = _read(normal), _read(abnormal)
    network = Network.of(model)

    def told(start: float, share: float, what: str):
        return lambda now: bar.progress(start + share * _share(now), what)

    title = MODELS[model].title
    of_clear, left = inference.run(
        read_opacities, network, clear, report=told(0.0, 0.7, f"{title} looks at normal films …")
    )
    of_shown, more = inference.run(
        read_opacities, network, shown, report=told(0.7, 0.3, f"{title} looks at the others …")
    )
    bar.empty()
    time = datetime.now(UTC).isoformat(timespec="seconds")
    profile = fit_site(site, network.card, of_clear, of_shown, fitted={"time": time, "by": "app"})
    write_site(profile)
    for upload in (*normal, *abnormal):
        drop_upload(upload)
    if left + more:
        st.caption(f"{pluralise(left + more, 'film')} got no answer and did not count.")
    st.success(_describe(profile), icon=":material/check:")
    for warning in profile.warnings:
        st.warning(plain(warning), icon=":material/warning:")


def _read(uploads: Sequence[UploadedFile]) -> list[Radiograph]:
    """The films that can be read, 100 at most; the others are named."""
    films = []
    for upload in uploads[:MOST_FILMS]:
        try:
            films.append(read_radiograph(upload.getvalue(), name=upload.name))
        except RadiographError as error:
            st.error(plain(str(error)), icon=":material/error:")
    return films


def _share(now: Progress) -> float:
    return min(1.0, max(0.0, now.done))


def _show_profile(model: str, site: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        try:
            profile = read_site(model, site)
        except XrayCoreError as error:
            st.error(plain(describe_error(error)), icon=":material/error:")
            return
        st.markdown(f"**{plain(site)}**, {MODELS[model].title}: {_describe(profile)}")
        st.button(
            "Remove",
            key=f"remove-{model}-{site}",
            on_click=acts(Action.PROMOTE)(remove_site),
            args=(model, site),
            disabled=not permitted(Action.PROMOTE),
        )


def _describe(profile: SiteProfile) -> str:
    low, high = profile.threshold_interval
    spared, found = profile.specificity, profile.sensitivity
    text = (
        f"an opacity is called from {percent(profile.threshold, 1)} on (95 % interval "
        f"{percent(low, 1)} to {percent(high, 1)}), which spares {percent(spared['value'])} of "
        f"further normal films ({percent(spared['low'])} to {percent(spared['high'])})"
    )
    if found:
        text += f" and found {percent(found['value'])} of {pluralise(found['n'], 'opacity film')}"
    return f"{text}. Fitted to {pluralise(profile.normals, 'normal film')}."
