"""Look inside chest X-ray classifiers. For education and research, never for diagnosis.

Example::

    import xraycore as xc

    xray = xc.read_radiograph("film.dcm")
    model = xc.load_model("vgg16")
    prediction = model.predict(xray)
    heat = xc.explain(model, prediction)
    picture = xc.overlay(xray, heat)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xraycore.config import VERSION

if TYPE_CHECKING:
    from xraycore.attribution.heatmap import Heatmap, explain
    from xraycore.attribution.registry import list_methods
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

# Where each lies. Imported when it is asked for: whoever needs one part, as the process that runs
# the networks does, waits for no other.
_HOMES = {
    "attribution.heatmap": ("Heatmap", "explain"),
    "attribution.registry": ("list_methods",),
    "imaging": ("Radiograph", "RadiographError", "read_radiograph"),
    "imaging.overlay": ("overlay",),
    "models.classifier": ("Classifier", "Prediction", "load_model"),
    "models.registry": ("list_models",),
    "retrieval.similar": ("SimilarFilms", "similar"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
