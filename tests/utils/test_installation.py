"""Installing a model keeps the one before it, and touches nothing that is no model of ours."""

import pytest

from tests.stored_model import model_folder
from xraycore.errors import WeightsError
from xraycore.utils.installation import has_previous, install, undo_install


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The folder of models."""
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def weights_of(store) -> bytes:
    return (store / "vgg16" / "m.weights.h5").read_bytes()


def test_the_model_before_can_be_brought_back_and_changed_again(store, tmp_path):
    install(model_folder(tmp_path / "a", b"first"), "vgg16")
    assert not has_previous("vgg16")
    with pytest.raises(WeightsError, match="none is kept"):
        undo_install("vgg16")
    install(model_folder(tmp_path / "b", b"second"), "vgg16")
    assert weights_of(store) == b"second"
    assert undo_install("vgg16") == store / "vgg16"
    assert weights_of(store) == b"first"
    undo_install("vgg16")
    assert weights_of(store) == b"second"
    # One is kept, not all.
    install(model_folder(tmp_path / "c", b"third"), "vgg16")
    undo_install("vgg16")
    assert weights_of(store) == b"second"


@pytest.mark.parametrize("what", ["films", "card of another kind", "link"])
def test_what_is_no_model_of_ours_is_left_alone(store, tmp_path, what):
    films = tmp_path / "films"
    films.mkdir()
    (films / "film.png").write_bytes(b"film")
    store.mkdir()
    if what == "link":
        model_folder(tmp_path / "elsewhere", b"another's")
        (store / "vgg16").symlink_to(tmp_path / "elsewhere")
    else:
        films.rename(store / "vgg16")
        if what == "card of another kind":
            (store / "vgg16" / "card.json").write_text('{"name": "Ada"}')
    before = sorted(file.name for file in (store / "vgg16").iterdir())
    with pytest.raises(WeightsError, match="is left as it is"):
        install(model_folder(tmp_path / "new", b"new"), "vgg16")
    assert sorted(file.name for file in (store / "vgg16").iterdir()) == before
    assert not has_previous("vgg16")


def test_an_empty_folder_is_none_of_anybodys(store, tmp_path):
    (store / "vgg16").mkdir(parents=True)
    install(model_folder(tmp_path / "new", b"new"), "vgg16")
    assert weights_of(store) == b"new"
