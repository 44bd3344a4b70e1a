"""What is found does not change afterwards, and says in a message what fits into one."""

import dataclasses
import importlib
import pkgutil

import pytest

import xraycore

# A run's state is what changes while it trains.
MUTABLE = {"State"}


def all_dataclasses():
    found = {}
    for module in pkgutil.walk_packages(xraycore.__path__, "xraycore."):
        if "migrations" in module.name or module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            # Of each its own, and not what it imports.
            own = isinstance(value, type) and value.__module__ == module.name
            if own and dataclasses.is_dataclass(value):
                found[f"{module.name}.{value.__name__}"] = value
    return found


@pytest.fixture(scope="module")
def found():
    return all_dataclasses()


def arrays_of(one):
    return [field for field in dataclasses.fields(one) if str(field.type).find("ndarray") >= 0]


def test_what_is_found_cannot_be_changed(found):
    assert len(found) > 50
    changing = {name for name, one in found.items() if not one.__dataclass_params__.frozen}
    assert {name.rsplit(".", 1)[1] for name in changing} == MUTABLE


def test_what_holds_pictures_is_itself_and_no_other(found):
    """Compared field by field an array has no truth: heatmaps and films are equal to themselves."""
    by_identity = {
        name.rsplit(".", 1)[1] for name, one in found.items() if not one.__dataclass_params__.eq
    }
    assert by_identity >= {
        *(
            "Radiograph",
            "Prediction",
            "ModelInput",
            "LungField",
            "Heatmap",
            "Clearance",
            "Insertion",
        ),
        *(
            "MapAgreement",
            "Consensus",
            "Curve",
            "MapCurves",
            "Faithfulness",
            "Cascade",
            "Disturbed",
        ),
        *("Robustness", "PerceptualHash", "AverageFilm", "ImageStats", "ImageEntry", "Phantom"),
        *("DatasetOverview", "Chest"),
    }
    # And what is compared by value still is.
    assert by_identity.isdisjoint(
        {"Box", "Calibration", "OperatingPoint", "Similarity", "Record", "Manifest", "Likes",
         "NearCopy", "AuditFinding", "Sample", "RadiographInfo", "ModelSpec", "Stage"}
    )  # fmt: skip


def test_no_picture_is_printed(found):
    for name in ("Radiograph", "Prediction", "ModelInput", "LungField", "Heatmap", "Phantom",
                 "MapAgreement", "Consensus", "Curve", "Clearance"):  # fmt: skip
        (one,) = (value for key, value in found.items() if key.endswith(f".{name}"))
        assert [field.name for field in arrays_of(one) if field.repr] == [], name
