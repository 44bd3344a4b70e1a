"""What functions do where nobody says otherwise: seeds and numbers that figures hang on."""

import importlib
import inspect
import pkgutil

import pytest

# By module and function, below xraycore.
DEFAULTS = {
    **{f"attribution.cam.{name}": {"bias": 0.0} for name in (
        "grad_cam", "grad_cam_plus_plus", "hires_cam", "layer_cam", "eigen_cam", "ablation_cam",
        "recipro_cam",
    )},
    "attribution.cam.against_kinds": {"bias": 0.0, "normal": 0},
    "attribution.cam.against_normal": {"bias": 0.0, "normal": 0},
    "attribution.counterfactual.clearing": {"steps": 8},
    "attribution.gradients.attributions": {"steps": 32, "base": 0.0},
    "attribution.gradients.integrated_gradients": {"steps": 32},
    "attribution.gradients.smooth_grad": {"samples": 32, "noise": 0.15, "seed": 0},
    "attribution.heatmap.explain": {"method": "grad_cam"},
    "attribution.metrics.faithfulness.measure_faithfulness": {
        "score": "probability", "steps": 15, "seed": 0,
    },
    "attribution.metrics.lesion_insertion.insert": {"method": "grad_cam", "seed": 0},
    "attribution.metrics.lesion_insertion.probe": {"places": 12, "method": "grad_cam", "seed": 0},
    "attribution.metrics.randomisation.cascades": {"groups": 8, "seed": 0},
    "attribution.metrics.randomisation.layer_groups": {"groups": 8},
    "attribution.metrics.robustness.measure_robustness": {"method": "grad_cam", "seed": 0},
    "attribution.metrics.similarity.hottest": {"share": 0.1},
    "attribution.metrics.similarity.hottest_overlap": {"share": 0.1},
    "attribution.perturbation.occlusion": {"grid": 14},
    "attribution.perturbation.rise": {"masks": 300, "cells": 7, "seed": 0},
    "attribution.perturbation.score_cam": {"maps": 64},
    "datasets.audit.shortcuts.measure_shortcuts": {"seed": 0},
    "datasets.locator.draw_records": {"seed": 0},
    "datasets.splits.assign_splits": {"seed": 0},
    "datasets.splits.limit_training": {"seed": 0},
    "datasets.splits.read_splits": {"seed": 0},
    "datasets.synthetic.canvas.curve": {"count": 12},
    "datasets.synthetic.canvas.oval": {"turn": 0.0},
    "datasets.synthetic.flawed_dataset.write_flawed_dataset": {
        "per_class": 30, "size": 256, "seed": 0,
    },
    "datasets.synthetic.phantom.make_phantom": {"opacity": False, "size": 512, "kind": "focal"},
    "datasets.synthetic.phantom.write_phantoms": {"size": 256, "seed": 0},
    "imaging.encode.encode_jpeg": {"quality": 92},
    "imaging.overlay.colorize": {"color_map": "inferno"},
    "imaging.overlay.heatmap_layer": {"color_map": "inferno"},
    "imaging.overlay.overlay": {"opacity": 0.4, "color_map": "inferno"},
    "imaging.quality.count_coloured": {"bits": 8},
    "metrics.calibration.bin_of": {"bins": 15},
    "metrics.calibration.expected_calibration_error": {"bins": 15},
    "metrics.calibration.fit_calibration": {"biased": True},
    "metrics.calibration.reliability_curve": {"bins": 15},
    "metrics.intervals.bootstrap_interval": {"seed": 0},
    "metrics.classification.score_classes": {"seed": 0},
    "metrics.significance.compare_all": {"threshold": 0.5},
    "models.architectures.build_network": {"dropout": 0.2},
}  # fmt: skip


def defaults_of(function):
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if isinstance(parameter.default, bool | int | float | str)
    }


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults(name):
    module, function = name.rsplit(".", 1)
    found = defaults_of(getattr(importlib.import_module(f"xraycore.{module}"), function))
    assert found == DEFAULTS[name]


def test_no_default_of_what_is_measured_and_drawn_is_left_out():
    modules = [
        importlib.import_module(module.name)
        for package in ("metrics", "attribution", "imaging")
        for module in pkgutil.walk_packages(
            importlib.import_module(f"xraycore.{package}").__path__, f"xraycore.{package}."
        )
    ]
    public = {
        f"{module.__name__.removeprefix('xraycore.')}.{name}"
        for module in modules
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
        and defaults_of(value)
    }
    ours = ("metrics.", "attribution.", "imaging.")
    assert public == {name for name in DEFAULTS if name.startswith(ours)}
