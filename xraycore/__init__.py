"""Look inside chest X-ray classifiers. For education and research, never for diagnosis.

Example::

    import xraycore as xc

    xray = xc.read_radiograph("film.dcm")
    model = xc.load_model("vgg16")
    prediction = model.predict(xray)
    heat = xc.explain(model, prediction)
    picture = xc.overlay(xray, heat)
"""

from xraycore.attribution.heatmap import Heatmap, explain
from xraycore.attribution.registry import list_methods
from xraycore.config import VERSION
from xraycore.imaging import Radiograph, RadiographError, read_radiograph
from xraycore.imaging.overlay import overlay
from xraycore.models.classifier import Classifier, Prediction, load_model
from xraycore.models.registry import list_models
from xraycore.retrieval.similar import SimilarFilms, similar

__version__ = VERSION

__all__ = [
    "Classifier",
    "Heatmap",
    "Prediction",
    "Radiograph",
    "RadiographError",
    "SimilarFilms",
    "explain",
    "list_methods",
    "list_models",
    "load_model",
    "overlay",
    "read_radiograph",
    "similar",
]
