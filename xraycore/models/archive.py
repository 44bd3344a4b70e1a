"""Weights as one file: packed where they are, checked and unpacked where xraycore is installed."""

import re
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path

from xraycore.config import weights_folder
from xraycore.errors import WeightsError
from xraycore.utils.checkpoints import load_card, verified_weights
from xraycore.utils.files import replacing, sha256, write_text
from xraycore.utils.installation import install

MAX_FILES, MAX_BYTES = 500, 4 * 2**30
# A model's folder with plain files in it, or what was measured of all models, beside the folders.
_MEMBER = re.compile(r"([a-z0-9_]+/)?[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


def pack_weights(out: Path) -> str:
    """The sha256 of an archive of all trained models, written to `out` and, as text, beside it.

    Raises:
        WeightsError: If there are no models, or the weights of one are not what its card says.
    """
    folder = weights_folder()
    models = sorted(card.parent for card in folder.glob("*/card.json"))
    if not models:
        raise WeightsError(f"{folder}: expected trained models, each a folder with a card.json.")
    for model in models:
        verified_weights(model, load_card(model))
    # Stored: weight files are packed in themselves.
    with replacing(out) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted((*folder.glob("*.json"), *(f for m in models for f in m.iterdir()))):
            if _MEMBER.fullmatch(name := file.relative_to(folder).as_posix()):
                archive.write(file, name)
    digest = sha256(out)
    write_text(_beside(out), f"{digest}  {out.name}\n")
    return digest


def install_weights(archive: Path, expected: str | None = None) -> tuple[Path, list[str], bool]:
    """Unpacks an archive of `pack_weights`; replaces models once all of it is there and checked.

    Args:
        archive: The file.
        expected: Its sha256; that of the text beside it where None.

    Returns:
        Where the models lie, their names, and whether the archive's own sha256 was known. Each
        model's weights are what its card says in any case.

    Raises:
        WeightsError: If the archive is another than expected, damaged, or holds what an archive of
            weights does not: nothing is changed then.
    """
    found = sha256(archive)
    if expected is None and _beside(archive).is_file():
        expected = _beside(archive).read_text().partition(" ")[0]
    if expected is not None and found != expected.strip().lower():
        raise WeightsError(f"{archive}: expected sha256 {expected}. Received: {found}")
    target = weights_folder()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target) as unpacked:
        new = Path(unpacked)
        try:
            with zipfile.ZipFile(archive) as opened:
                _extract(opened, new, archive)
        except (zipfile.BadZipFile, EOFError, FileExistsError) as error:
            raise WeightsError(f"{archive}: expected an archive of weights: {error}") from None
        models = sorted(folder for folder in new.iterdir() if folder.is_dir())
        if not models:
            raise WeightsError(f"{archive}: expected models. Received: an archive without any")
        for model in models:
            verified_weights(model, load_card(model))
        names = [model.name for model in models]
        for model in models:
            install(model, model.name)
        for measured in new.glob("*.json"):
            measured.replace(target / measured.name)
    return target, names, expected is not None


def _extract(opened: zipfile.ZipFile, folder: Path, archive: Path) -> None:
    """Writes an archive's members, none of which leads out of the folder or grows on the way."""
    members = opened.infolist()
    size = sum(member.file_size for member in members)
    if len(members) > MAX_FILES or size > MAX_BYTES:
        raise WeightsError(
            f"{archive}: expected at most {MAX_FILES} files and {MAX_BYTES // 2**20} MiB. "
            f"Received: {len(members)} files, {size // 2**20} MiB"
        )
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16)
        plain = kind in (0, stat.S_IFREG) and member.compress_type == zipfile.ZIP_STORED
        if not plain or member.flag_bits & 1 or not _MEMBER.fullmatch(member.filename):
            raise WeightsError(
                f"{archive}: expected plain files such as vgg16/card.json, not packed. Received: "
                f"{member.filename!r}"
            )
        file = folder / member.filename
        file.parent.mkdir(exist_ok=True)
        with opened.open(member) as source, file.open("xb") as written:
            shutil.copyfileobj(source, written)


def _beside(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.sha256")
