from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pages.metrics import site
from tests.models.test_sites import PROFILE
from tests.pages.metrics.test_page import open_page, store, texts  # noqa: F401  (a fixture)
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.imaging.encode import encode_png
from xraycore.imaging.overlay import to_uint8
from xraycore.models.sites import list_sites, read_site, write_site


@pytest.fixture
def sites(store, monkeypatch):  # noqa: F811
    monkeypatch.setenv("XRAYCORE_SITES", str(store / "sites"))
    return store


def test_profiles_are_told_and_forgotten(sites):
    app = open_page(section="Threshold")
    assert "There are none." in texts(app)
    write_site(replace(PROFILE, name="ward3"))
    app = open_page(section="Threshold")
    assert "There are profiles of ward3." in texts(app)
    app.button(key="site-profiles").click().run()
    assert not app.exception
    told = texts(app)
    assert "**ward3**, VGG16: an opacity is called from 93.0 % on" in told
    assert "spares 90 % of further normal films (80 % to 95 %)" in told
    app.button(key="remove-vgg16-ward3").click().run()
    assert list_sites("vgg16") == []


def test_uploaded_films_fit_a_profile(sites, monkeypatch):
    film = encode_png(to_uint8(make_phantom(5, size=64).pixels))

    def upload(name, data=film):
        return SimpleNamespace(name=name, getvalue=lambda: data, file_id=name)

    asked = []

    def run(function, network, films, report):
        asked.append((function.__name__, network.name, len(films)))
        return np.linspace(0.1, 0.9, 20)[: len(films)], 0

    monkeypatch.setattr(site.inference, "run", run)
    monkeypatch.setattr(site, "permitted", lambda action: True)
    monkeypatch.setattr("pages.shared.access.require", lambda action: None)
    # What is no film is named and left out.
    normal = [upload(f"{n}.png") for n in range(20)] + [upload("notes.txt", b"no film")]
    site._fit("vgg16", "ward-4", normal, [upload("ill.png")])
    assert asked == [("read_opacities", "vgg16", 20), ("read_opacities", "vgg16", 1)]
    profile = read_site("vgg16", "ward-4")
    assert (profile.normals, profile.abnormals, profile.fitted["by"]) == (20, 1, "app")
    # The 19th of 20.
    assert profile.threshold == pytest.approx(np.linspace(0.1, 0.9, 20)[18])
