"""What is like a film on which a network fails."""

from streamlit.testing.v1 import AppTest

from pages.shared import similar_films
from tests.pages.similar_store import write_similar_store
from xraycore.retrieval.index_file import FILE


def script():
    import os
    from pathlib import Path
    from types import SimpleNamespace

    import numpy as np

    from pages.metrics.similar import show_films_like
    from xraycore.imaging import read_radiograph

    models = {
        name: SimpleNamespace(probability=np.array([[truth, 1 - truth]]))
        for name, truth in (("vgg16", 0.1), ("basic_cnn", 0.3))
    }
    display = SimpleNamespace(
        names=list(models),
        titles={"vgg16": "VGG16", "basic_cnn": "Basic CNN"},
        comparison=SimpleNamespace(models=models, y_true=np.array([0])),
    )
    path = Path(os.environ["FILM"])
    show_films_like(display, 0, path, read_radiograph(path))


def test_a_failure_is_set_beside_what_the_network_learnt_from(tmp_path, monkeypatch):
    weights, data = write_similar_store(tmp_path)
    film = next((data / "chest_xray" / "train" / "PNEUMONIA").iterdir())
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(weights))
    monkeypatch.setenv("XRAYCORE_DATA", str(data))
    monkeypatch.setenv("FILM", str(film))
    similar_films.cache.film_locator.clear()
    app = AppTest.from_function(script, default_timeout=120).run()
    assert not app.exception
    # Of the networks that are shown only one has an index here.
    (choice,) = app.get("button_group")
    assert [option.content for option in choice.proto.options] == ["Basic CNN"]
    texts = " ".join(one.value for one in (*app.markdown, *app.warning, *app.caption))
    assert "films most alike to Basic CNN" in texts
    # The index holds this very film.
    assert "this very film (viral pneumonia)" in texts
    (weights / "basic_cnn" / FILE).unlink()
    app.run()
    assert not app.exception and not app.markdown
