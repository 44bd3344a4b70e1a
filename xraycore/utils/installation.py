"""A model put into the store, and the one that it has replaced brought back."""

import logging
import shutil
from pathlib import Path

from filelock import FileLock

from xraycore.config import weights_folder
from xraycore.errors import WeightsError
from xraycore.utils.checkpoints import load_card
from xraycore.utils.files import full_disk, is_full, sync

logger = logging.getLogger(__name__)


def install(folder: Path, name: str) -> Path:
    """Replaces a model's folder in the store by a finished one; returns where it lies now.

    The old one is kept for `undo_install`; the one before that goes when the new one is all there:
    a copy that breaks off loses nothing. Who installs meanwhile waits.

    Raises:
        StorageError: If the disk is full.
        WeightsError: If what lies there is no model of ours.
    """
    target = weights_folder() / name
    new, old = (target.with_name(f".{name}.{what}") for what in ("new", "old"))
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(".lock")):
        for place in (target, old):
            _refuse_foreign(place)
        shutil.rmtree(new, ignore_errors=True)
        try:
            shutil.move(folder, new)
            for file in new.iterdir():
                sync(file)
            if target.exists():
                shutil.rmtree(old, ignore_errors=True)
                target.rename(old)
            new.rename(target)
        except BaseException as error:
            shutil.rmtree(new, ignore_errors=True)
            if old.exists() and not target.exists():
                old.rename(target)
            if is_full(error):
                raise full_disk(target) from error
            raise
        sync(target.parent)
    return target


def has_previous(name: str) -> bool:
    """Whether the model that an installation has replaced can be brought back."""
    return (weights_folder() / f".{name}.old").is_dir()


def undo_install(name: str) -> Path:
    """Changes a model with the one that its installation has replaced; returns where it lies.

    Done twice, all is as it was.

    Raises:
        WeightsError: If there is none to bring back.
    """
    target = weights_folder() / name
    old, aside = (target.with_name(f".{name}.{what}") for what in ("old", "aside"))
    with FileLock(target.with_name(".lock")):
        if not has_previous(name):
            raise WeightsError(f"{target}: expected a model from before it; none is kept.")
        _refuse_foreign(target)
        if target.exists():
            target.rename(aside)
        old.rename(target)
        if aside.exists():
            aside.rename(old)
        sync(target.parent)
    return target


def _refuse_foreign(folder: Path) -> None:
    """Refuses to replace what is no model of ours: a folder of films, say, or a link elsewhere."""
    if not folder.is_symlink():
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return
        try:
            load_card(folder)
            return
        except WeightsError as error:
            logger.info("%s", error)
    raise WeightsError(
        f"{folder}: expected nothing there, or a model with its card; it is something else, and is "
        "left as it is."
    )
