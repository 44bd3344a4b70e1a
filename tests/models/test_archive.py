"""An archive of weights: what it carries, and what it must not do to the folder of weights."""

import json
import stat
import zipfile

import pytest

from xraycore.errors import WeightsError
from xraycore.models import archive as archives
from xraycore.models.archive import install_weights, pack_weights
from xraycore.utils.checkpoints import describe_weights


def write_model(store, name, content):
    folder = store / name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.weights.h5"
    file.write_bytes(content)
    (folder / "card.json").write_text(json.dumps({"weights": describe_weights(file)}))
    return file


@pytest.fixture
def use(monkeypatch):
    return lambda folder: monkeypatch.setenv("XRAYCORE_WEIGHTS", str(folder))


@pytest.fixture
def packed(tmp_path, use):
    """An archive of two models and what was measured of them."""
    store = tmp_path / "from"
    for name in ("vgg16", "lungs"):
        write_model(store, name, name.encode())
    (store / "randomisation.json").write_text('{"rows": {}}')
    (store / "vgg16" / ".DS_Store").write_text("clutter")
    use(store)
    file = tmp_path / "weights.zip"
    return file, pack_weights(file)


def lie(tmp_path, *members):
    """An archive with these members, each a ZipInfo or a name, and its content."""
    file = tmp_path / "lie.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for member, content in members:
            archive.writestr(member, content)
    return file


def test_what_was_packed_is_installed_elsewhere(packed, tmp_path, use):
    file, digest = packed
    use(tmp_path / "to")
    folder, names, checked = install_weights(file, digest.upper())
    assert (folder, names, checked) == (tmp_path / "to", ["lungs", "vgg16"], True)
    files = [path for path in folder.rglob("*.*") if path.name != ".lock"]
    assert sorted(str(path.relative_to(folder)) for path in files) == [
        "lungs/card.json",
        "lungs/lungs.weights.h5",
        "randomisation.json",
        "vgg16/card.json",
        "vgg16/vgg16.weights.h5",
    ]
    assert (folder / "vgg16/vgg16.weights.h5").read_bytes() == b"vgg16"


def test_other_models_stay_and_packed_ones_are_replaced(packed, tmp_path, use):
    file, _ = packed
    store = tmp_path / "to"
    write_model(store, "vgg16", b"older")
    write_model(store, "xception", b"own")
    use(store)
    install_weights(file)
    assert (store / "vgg16/vgg16.weights.h5").read_bytes() == b"vgg16"
    assert (store / "xception/xception.weights.h5").read_bytes() == b"own"


@pytest.mark.parametrize("given", [True, False], ids=["given", "beside the archive"])
def test_an_archive_of_another_sha256_is_refused(packed, tmp_path, use, given):
    file, digest = packed
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("more.json", "{}")
    use(tmp_path / "to")
    with pytest.raises(WeightsError, match=f"expected sha256 {digest}. Received: "):
        install_weights(file, digest if given else None)
    assert not (tmp_path / "to").exists()


def test_without_any_sha256_it_is_said_to_be_unchecked(packed, tmp_path, use):
    file, _ = packed
    file.with_name("weights.zip.sha256").unlink()
    use(tmp_path / "to")
    assert install_weights(file)[2] is False


LINK = zipfile.ZipInfo("vgg16/card.json")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16
DEFLATED = zipfile.ZipInfo("vgg16/card.json")
DEFLATED.compress_type = zipfile.ZIP_DEFLATED


@pytest.mark.parametrize(
    "member",
    [
        *("../card.json", "/etc/card.json", "vgg16/../../card.json", "vgg16\\..\\card.json"),
        *("vgg16/more/card.json", "C:card.json", "vgg16/", ".hidden", "vgg16/card\n.json"),
        *(LINK, DEFLATED),
    ],
    ids=str,
)
def test_what_is_no_plain_file_of_a_model_changes_nothing(tmp_path, use, member):
    store = tmp_path / "to"
    kept = write_model(store, "vgg16", b"before")
    use(store)
    with pytest.raises(WeightsError, match="expected plain files such as vgg16/card.json"):
        install_weights(lie(tmp_path, ("lungs/card.json", "{}"), (member, "../outside")))
    assert kept.read_bytes() == b"before"
    assert sorted(path.name for path in store.iterdir()) == ["vgg16"]


def test_a_damaged_model_changes_none(packed, tmp_path, use):
    file, _ = packed
    store = tmp_path / "to"
    kept = write_model(store, "lungs", b"before")
    use(store)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["vgg16/vgg16.weights.h5"] = b"other"
    with pytest.raises(WeightsError, match="expected sha256 .* as its card says"):
        install_weights(lie(tmp_path, *members.items()))
    assert kept.read_bytes() == b"before"
    assert sorted(path.name for path in store.iterdir()) == ["lungs"]


def test_too_many_or_too_large_files_are_not_unpacked(packed, tmp_path, use, monkeypatch):
    file, _ = packed
    use(tmp_path / "to")
    monkeypatch.setattr(archives, "MAX_FILES", 4)
    with pytest.raises(WeightsError, match="expected at most 4 files and 4096 MiB. .* 5 files"):
        install_weights(file)
    monkeypatch.setattr(archives, "MAX_FILES", 5)
    monkeypatch.setattr(archives, "MAX_BYTES", 100)
    with pytest.raises(WeightsError, match="expected at most 5 files and 0 MiB"):
        install_weights(file)


def test_what_is_no_archive_is_refused(tmp_path, use):
    use(tmp_path / "to")
    (tmp_path / "film.png").write_bytes(b"no archive")
    with pytest.raises(WeightsError, match="film.png: expected an archive of weights"):
        install_weights(tmp_path / "film.png")
    with pytest.raises(WeightsError, match="expected models. Received: an archive without any"):
        install_weights(lie(tmp_path, ("randomisation.json", "{}")))


def test_damaged_weights_and_empty_folders_are_not_packed(tmp_path, use):
    use(tmp_path)
    with pytest.raises(WeightsError, match="expected trained models, each a folder"):
        pack_weights(tmp_path / "weights.zip")
    write_model(tmp_path, "vgg16", b"one").write_bytes(b"two")
    with pytest.raises(WeightsError, match="expected sha256"):
        pack_weights(tmp_path / "weights.zip")
    assert not list(tmp_path.glob("weights.zip*"))


def test_the_commands_say_what_they_did(packed, tmp_path, use, run_cli):
    file, digest = packed
    code, said, _ = run_cli("weights", "pack", file, "--json")
    assert code == 0
    assert json.loads(said) == {
        "archive": str(file),
        "sha256": json.loads(said)["sha256"],
        "bytes": file.stat().st_size,
    }
    use(tmp_path / "to")
    code, said, _ = run_cli("weights", "install", file, "--json")
    assert (code, json.loads(said)["models"]) == (0, ["lungs", "vgg16"])
    code, _, error = run_cli("weights", "install", file, "--sha256", "0" * 64)
    assert code == 2
    assert error.startswith(f"{file}: expected sha256 0000")
