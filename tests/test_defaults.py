"""What functions do where nobody says otherwise: seeds and numbers that figures hang on."""

import inspect

import pytest

from xraycore.attribution.metrics.faithfulness import measure_faithfulness
from xraycore.attribution.metrics.lesion_insertion import insert, probe
from xraycore.attribution.metrics.randomisation import cascades
from xraycore.attribution.metrics.robustness import measure_robustness
from xraycore.datasets.audit.shortcuts import measure_shortcuts
from xraycore.datasets.locator import draw_records
from xraycore.datasets.splits import assign_splits, limit_training, read_splits
from xraycore.datasets.synthetic.flawed_dataset import write_flawed_dataset
from xraycore.datasets.synthetic.phantom import make_phantom, write_phantoms
from xraycore.imaging.overlay import colorize, overlay
from xraycore.metrics.calibration import expected_calibration_error, fit_calibration
from xraycore.metrics.classification import bootstrap_interval, score_classes
from xraycore.metrics.significance import compare_all


@pytest.mark.parametrize(
    ("function", "numbers"),
    [
        (measure_faithfulness, {"score": "probability", "steps": 15, "seed": 0}),
        (insert, {"method": "grad_cam", "seed": 0}),
        (probe, {"places": 12, "method": "grad_cam", "seed": 0}),
        (cascades, {"groups": 8, "seed": 0}),
        (measure_robustness, {"method": "grad_cam", "seed": 0}),
        (measure_shortcuts, {"seed": 0}),
        (draw_records, {"seed": 0}),
        (read_splits, {"seed": 0}),
        (assign_splits, {"seed": 0}),
        (limit_training, {"seed": 0}),
        (make_phantom, {"opacity": False, "size": 512, "kind": "focal"}),
        (write_phantoms, {"size": 256, "seed": 0}),
        (write_flawed_dataset, {"per_class": 30, "size": 256, "seed": 0}),
        (colorize, {"color_map": "inferno"}),
        (overlay, {"opacity": 0.4, "color_map": "inferno"}),
        (expected_calibration_error, {"bins": 15}),
        (fit_calibration, {"biased": True}),
        (bootstrap_interval, {"seed": 0}),
        (score_classes, {"seed": 0}),
        (compare_all, {"threshold": 0.5}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_defaults(function, numbers):
    given = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if isinstance(parameter.default, bool | int | float | str)
    }
    assert given == numbers
