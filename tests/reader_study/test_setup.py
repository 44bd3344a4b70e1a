import pytest

from xraycore.datasets.locator import FilmLocator
from xraycore.errors import Cancelled
from xraycore.imaging import RadiographError
from xraycore.reader_study import ReaderStudyError, ToRead
from xraycore.reader_study.setup import ANSWER, FINDING, choose_target, list_heatmaps


class Said:
    """A prediction, as far as it matters here."""

    def __init__(self, model="vgg16", weights_sha256=""):
        self.model, self.weights_sha256 = model, weights_sha256

    label = "Normal"
    classes = ("Normal", "COVID-19", "Viral pneumonia")
    probabilities = {"Normal": 0.7, "COVID-19": 0.1, "Viral pneumonia": 0.2}


def broken():
    raise RadiographError("half.png: expected an image")


def test_which_class_is_explained():
    assert choose_target(Said(), FINDING) == "Viral pneumonia"
    assert choose_target(Said(), ANSWER) == "Normal"
    assert choose_target(Said(), "COVID-19") == "COVID-19"
    with pytest.raises(ReaderStudyError, match="vgg16 knows Normal, COVID-19.*Received: 'Flu'"):
        choose_target(Said(), "Flu")


def test_every_film_by_every_model_and_method(film):
    said = [Said("vgg16", "b" * 64), Said("xception")]
    public, shares = FilmLocator(), []
    found, refused = list_heatmaps(
        *([broken, lambda: film], lambda one: said, ["rise", "grad_cam"]),
        public=public,
        report=lambda now: shares.append(now.done),
    )
    sha256, target = film.info.sha256, "Viral pneumonia"
    assert found == [
        ToRead(sha256, "vgg16", "rise", target, "b" * 64),
        ToRead(sha256, "vgg16", "grad_cam", target, "b" * 64),
        ToRead(sha256, "xception", "rise", target),
        ToRead(sha256, "xception", "grad_cam", target),
    ]
    assert refused == ["half.png: expected an image"]
    assert shares == [0, 0.5]
    assert public.get(sha256)() is film


def test_making_can_be_stopped(film):
    def stop(progress):
        raise Cancelled

    with pytest.raises(Cancelled):
        list_heatmaps([lambda: film], lambda one: [], [], report=stop)
