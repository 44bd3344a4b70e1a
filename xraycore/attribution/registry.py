"""The one list of heatmap methods."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xraycore.attribution import cam, counterfactual, gradients, perturbation
from xraycore.datasets.labels import NORMAL
from xraycore.errors import ArgumentError
from xraycore.models.classifier import Classifier, Prediction
from xraycore.utils.progress import ProgressCallback

Maps = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Method:
    """A heatmap method: what it is called, where it comes from, what it costs, how it computes.

    Attributes:
        name: Name on the command line.
        title: Name to show.
        paper: Where it was published.
        summary: What its heat means, in plain words.
        passes: How often a film goes through the network for one map, forward or backward, beyond
            the prediction.
        needs: "features": one forward pass for all classes; "forward": many of them for one class;
            "gradients": backward passes for one class.
        heat: (model, prediction, index of the class, report, settings by name) -> float32 map of
            the network's input, any grid, never negative.
        maps: Of an analytic method, (features (h, w, c), kernel (c, k), bias (k,)) -> the maps of
            all classes, float32 (h, w, k); None of others.
        contrast: Whether `maps` also takes the index of Normal: evidence for some classes against
            others.
    """

    name: str
    title: str
    paper: str
    summary: str
    passes: int
    needs: Literal["features", "forward", "gradients"]
    heatmap: Maps
    maps: Maps | None = None
    contrast: bool = False

    @property
    def cost(self) -> str:
        """What a map takes, in plain words."""
        if self.passes == 0:
            return "none beyond the prediction"
        if self.needs == "forward":
            return f"{self.passes} forward passes"
        if self.passes == 2:
            return "one forward and one backward pass"
        return f"{self.passes // 2} forward and backward passes"

    @property
    def quick(self) -> bool:
        """Whether a map takes one forward and one backward pass at most, a moment's work."""
        return self.passes <= 2


def _analytic(
    name: str, title: str, paper: str, summary: str, maps: Maps, *, contrast: bool = False
) -> Method:
    def heatmap(
        model: Classifier, prediction: Prediction, class_index: int, report: ProgressCallback
    ) -> np.ndarray:
        return all_maps(METHODS[name], model, prediction.features)[..., class_index]

    return Method(name, title, paper, summary, 0, "features", heatmap, maps, contrast)


def all_maps(method: Method, model: Classifier, features: np.ndarray) -> np.ndarray:
    """The maps of all classes by an analytic method, float32 (h, w, k), of features (h, w, c)."""
    assert method.maps is not None, f"{method.name} is none of the analytic methods"
    if not method.contrast:
        return method.maps(features, *model.head)
    normal = model.classes.index(NORMAL) if NORMAL in model.classes else None
    return method.maps(features, *model.head, normal)


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        _analytic(
            "against_normal",
            "Against Normal",
            "Selvaraju et al. 2016, arXiv:1610.02391, of the log-odds",
            "What speaks against Normal, whichever disease it may be.",
            cam.against_normal,
            contrast=True,
        ),
        _analytic(
            "against_kinds",
            "Against other kinds",
            "Selvaraju et al. 2016, arXiv:1610.02391, of the log-odds",
            "What speaks for this disease rather than for another.",
            cam.against_kinds,
            contrast=True,
        ),
        _analytic(
            "grad_cam",
            "Grad-CAM",
            "Selvaraju et al. 2016, arXiv:1610.02391",
            "Where the evidence for the class outweighs the evidence against it.",
            cam.grad_cam,
        ),
        _analytic(
            "grad_cam_plus_plus",
            "Grad-CAM++",
            "Chattopadhay et al. 2017, arXiv:1710.11063",
            "Evidence for the class, features that fire everywhere counting for less.",
            cam.grad_cam_plus_plus,
        ),
        _analytic(
            "hires_cam",
            "HiRes-CAM",
            "Draelos & Carin 2020, arXiv:2011.08891",
            "Cell-by-cell evidence; for these networks exactly Grad-CAM.",
            cam.hires_cam,
        ),
        _analytic(
            "layer_cam",
            "Layer-CAM",
            "Jiang et al. 2021, doi:10.1109/TIP.2021.3089943",
            "All evidence for the class, whatever speaks against it at the same place.",
            cam.layer_cam,
        ),
        _analytic(
            "ablation_cam",
            "Ablation-CAM",
            "Desai & Ramaswamy 2020, doi:10.1109/WACV45572.2020.9093360",
            "Features weighed by how much of the answer is lost without each of them.",
            cam.ablation_cam,
        ),
        _analytic(
            "recipro_cam",
            "Recipro-CAM",
            "Byun & Lee 2022, arXiv:2209.14074",
            "How probable the class is to the network if it may look at one place only.",
            cam.recipro_cam,
        ),
        _analytic(
            "eigen_cam",
            "Eigen-CAM",
            "Muhammad & Yeasin 2020, arXiv:2008.00299",
            "What the network notices most, for whichever class: the same map for all of them.",
            cam.eigen_cam,
        ),
        Method(
            "fused",
            "Fine Grad-CAM",
            "Englebert et al. 2022, arXiv:2204.13359, on Jiang et al. 2021, "
            "doi:10.1109/TIP.2021.3089943",
            "Grad-CAM, its heat moved to where an earlier and finer layer sees the evidence.",
            2,
            "gradients",
            gradients.fused,
        ),
        Method(
            "score_cam",
            "Score-CAM",
            "Wang et al. 2019, arXiv:1910.01279",
            "Features weighed by the answer to the film when only what they mark is shown.",
            64,
            "forward",
            perturbation.score_cam,
        ),
        Method(
            "against_normal_views",
            "Against Normal, eight views",
            "Selvaraju et al. 2016, arXiv:1610.02391 (counterfactual), averaged over views as in "
            "pytorch-grad-cam",
            "What speaks against Normal, whichever disease it may be: the mean of eight views of "
            "the film, mirrored, enlarged and shifted.",
            8,
            "forward",
            counterfactual.against_normal_views,
        ),
        Method(
            "occlusion",
            "Occlusion",
            "Zeiler & Fergus 2013, arXiv:1311.2901",
            "How much the evidence drops when a patch of the film is covered with grey.",
            196,
            "forward",
            perturbation.occlusion,
        ),
        Method(
            "rise",
            "RISE",
            "Petsiuk et al. 2018, arXiv:1806.07421",
            "How much more evidence there is when a place is among those shown at random.",
            300,
            "forward",
            perturbation.rise,
        ),
        Method(
            "saliency",
            "Saliency",
            "Simonyan et al. 2013, arXiv:1312.6034",
            "How strongly the evidence depends on each pixel, for or against.",
            2,
            "gradients",
            gradients.saliency,
        ),
        Method(
            "smooth_grad",
            "SmoothGrad",
            "Smilkov et al. 2017, arXiv:1706.03825",
            "Saliency averaged over noisy copies of the film, which calms its speckle.",
            2 * 32,
            "gradients",
            gradients.smooth_grad,
        ),
        Method(
            "integrated_gradients",
            "Integrated gradients",
            "Sundararajan et al. 2017, arXiv:1703.01365",
            "What each pixel adds to the evidence while the film fades in from black.",
            2 * 32,
            "gradients",
            gradients.integrated_gradients,
        ),
        Method(
            "clearing",
            "Cleared lungs",
            "Sundararajan et al. 2017, arXiv:1703.01365, on a baseline after Sturmfels et al. "
            "2020, doi:10.23915/distill.00022",
            "Which opacities in the lungs speak for the class rather than for Normal: evidence "
            "that would be gone if they were cleared away.",
            2 * 8,
            "gradients",
            counterfactual.clearing,
        ),
    )
}

# The maths of those that need one forward pass for all classes.
ANALYTIC: Mapping[str, Maps] = {
    name: method.maps for name, method in METHODS.items() if method.maps is not None
}


def get_method(name: str) -> Method:
    """The registry entry of that name.

    Raises:
        ArgumentError: If there is none.
    """
    if name not in METHODS:
        raise ArgumentError(f"method must be one of {', '.join(METHODS)}. Received: {name!r}")
    return METHODS[name]


def list_methods() -> list[str]:
    """Names of all heatmap methods, in the order in which they are shown."""
    return list(METHODS)
