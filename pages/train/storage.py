"""What lies on the computer's disk: how much of it there is, and how it is deleted."""

import pandas as pd
import streamlit as st

from pages.shared.access import acts, require
from pages.shared.layout import plain
from pages.shared.tables import show_table
from pages.train.dataset import forget_all
from xraycore.access import Action
from xraycore.config import cache_folder, limits, runs_folder
from xraycore.errors import XrayCoreError
from xraycore.jobs.process import is_at_work
from xraycore.jobs.records import read_record
from xraycore.jobs.storage import (
    CACHE,
    PHANTOMS,
    UPLOADED,
    delete,
    expire,
    format_bytes,
    list_stored,
)
from xraycore.utils.text import pluralise

CHOSEN, TOLD, REFUSED = "storage-chosen", "storage-told", "storage-refused"
DAYS = 30


def storage_section() -> None:
    """All runs, drawn films and caches with their size, and what deletes them."""
    if refusal := st.session_state.pop(REFUSED, None):
        st.error(plain(refusal), icon=":material/error:")
    if told := st.session_state.pop(TOLD, None):
        st.success(plain(told), icon=":material/check_circle:")
    kept = {f"{one.kind}/{one.name}": one for one in list_stored()}
    taken, most = sum(one.bytes for one in kept.values()), limits().disk_gb
    st.caption(
        f"{format_bytes(taken)} of the {most:g} GB that runs, drawn films and caches may take, in "
        f"{plain(str(runs_folder()))} and {plain(str(cache_folder()))}. Drawn films and "
        "caches are made again when they are needed; uploaded films must be uploaded again. A run "
        "that is deleted is gone, with all that it learnt; what was promoted from it stays."
    )
    if not kept:
        st.info("Nothing is kept yet.", icon=":material/hard_drive:")
        return
    show_table(
        pd.DataFrame(
            {
                "What": one.kind,
                "Name": one.name,
                "Size": format_bytes(one.bytes),
                "Last written": pluralise(round(one.days), "day") + " ago",
            }
            for one in kept.values()
        ),
        key="storage-table",
    )
    chosen = st.multiselect(
        "To be deleted",
        list(kept),
        format_func=lambda key: kept[key].name if key in kept else key,
        key=CHOSEN,
        placeholder="Choose what is no longer needed",
    )
    size = sum(kept[key].bytes for key in chosen)
    with st.container(horizontal=True, vertical_alignment="center"):
        sure = st.checkbox("For good", key="storage-sure", disabled=not chosen)
        st.button(
            f"Delete {len(chosen)} of them ({format_bytes(size)})",
            key="storage-delete",
            icon=":material/delete:",
            disabled=not (chosen and sure),
            on_click=_delete,
            args=(chosen,),
        )
        st.button(
            f"Clear drawn and uploaded films and caches of before {DAYS} days",
            key="storage-expire",
            icon=":material/mop:",
            on_click=_expire,
        )


@acts(Action.TRAIN)
def _delete(keys: list[str]) -> None:
    freed = 0
    try:
        for one in list_stored():
            if f"{one.kind}/{one.name}" in keys:
                require(Action.TRAIN, owner=read_record(one.path).get("owner", ""))
                freed += delete(one, is_at_work)
    except (XrayCoreError, OSError) as error:
        st.session_state[REFUSED] = str(error)
    forget_all()
    st.session_state[TOLD] = f"{format_bytes(freed)} are free again."
    st.session_state[CHOSEN], st.session_state["storage-sure"] = [], False


@acts(Action.TRAIN)
def _expire() -> None:
    try:
        gone = expire(DAYS, is_at_work, (PHANTOMS, UPLOADED, CACHE))
    except (XrayCoreError, OSError) as error:
        st.session_state[REFUSED] = str(error)
        return
    forget_all()
    freed = format_bytes(sum(one.bytes for one in gone))
    st.session_state[TOLD] = f"{len(gone)} deleted, {freed}."
