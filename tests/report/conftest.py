import cv2
import numpy as np
import pytest

from xraycore.attribution.heatmap import explain
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.imaging import read_radiograph
from xraycore.report.film_report import ModelResult


@pytest.fixture(scope="package")
def film():
    pixels = make_phantom(3, opacity=True, size=800).pixels
    data = cv2.imencode(".png", (pixels[:700] * 255).astype(np.uint8))[1].tobytes()
    return read_radiograph(data, name="<b>film.png")


@pytest.fixture
def result(random_classifier, film):
    model = random_classifier("basic_cnn")
    model.card["weights"] = {"sha256": "ab" * 32}
    prediction = model.predict(film)
    yield ModelResult(model, prediction, explain(model, prediction), ("A note & more.",))
    del model.card["weights"]
