import pytest

from xraycore.errors import ArgumentError, WeightsError
from xraycore.models.sites import SiteProfile, list_sites, read_site, remove_site, write_site

RIGHT = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 20}
PROFILE = SiteProfile(
    "ward-3", "vgg16", "w", 0.93, 1.2, 20, 4, (0.8, 0.97), RIGHT, None,
    {"0.1": {"none": 0.93, "opacity": 0.4}}, ("Few films.",), {"time": "2026"},
)  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_SITES", str(tmp_path / "sites"))
    return tmp_path / "sites"


def test_a_profile_is_read_as_it_was_written_and_forgotten_when_removed(folder):
    assert list_sites("vgg16") == []
    assert write_site(PROFILE) == folder / "vgg16" / "ward-3.json"
    assert read_site("vgg16", "ward-3") == PROFILE
    assert (list_sites("vgg16"), list_sites("xception")) == (["ward-3"], [])
    remove_site("vgg16", "ward-3")
    assert list_sites("vgg16") == []
    with pytest.raises(ArgumentError, match="no profile of the site 'ward-3'"):
        remove_site("vgg16", "ward-3")


def test_a_site_that_is_not_there_or_cannot_be_named(folder):
    write_site(PROFILE)
    with pytest.raises(ArgumentError, match="Profiles: ward-3"):
        read_site("vgg16", "ward-4")
    for name in ("../vgg16", "", ".hidden", "a/b", "x" * 65):
        with pytest.raises(ArgumentError, match="a site's name must be"):
            read_site("vgg16", name)


def test_a_damaged_profile_is_said_to_be(folder):
    file = write_site(PROFILE)
    for text in ("{", "[]", '{"name": "ward-3"}'):
        file.write_text(text)
        with pytest.raises(WeightsError, match="ward-3.json: expected"):
            read_site("vgg16", "ward-3")
