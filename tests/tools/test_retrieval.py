"""What `retrieve` measured, as the tables of the results."""

import json

from tools.results.markdown import format_table
from tools.results.retrieval import retrieval


def score(value):
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 40}


def of(value, chance):
    kinds = {name: {"precision": score(value), "chance": chance, "films": 20}
             for name in ("Normal", "Opacity")}  # fmt: skip
    return kinds | {"all": {"precision": score(value), "chance": chance, "films": 40}}


def test_retrieval_in_tables(tmp_path):
    file = tmp_path / "retrieval.json"
    assert retrieval(file) is None
    document = {
        "datasets": ["a"],
        "external": ["nih"],
        "k": 10,
        "films": {"train": 400, "val": 100, "external": 60},
        "all_films": False,
        "weights": {"vgg16": "a" * 64},
        "models": {"vgg16": {"home": {"across, opacity": of(0.8, 0.5)}}},
        "imagenet": {"xception": {"home": {"across, opacity": of(0.55, 0.5)}}},
        "beyond_imagenet": {"vgg16": {"xception": {"home": score(0.25), "elsewhere": None}}},
    }
    file.write_text(json.dumps(document))
    found = retrieval(file)
    assert found["weights"] == {"VGG16": "aaaaaaaa"}
    ours, theirs = found["rows"][2], found["rows"][5]
    assert (ours["features"], ours["kind"], ours["precision at 10"], ours["by lot"]) == (
        *("VGG16", "**each alike**", "0.800 [0.700, 0.900]"),
        "0.500",
    )
    assert (theirs["features"], theirs["precision at 10"][:5]) == (
        "*ImageNet's Xception, as it comes*",
        "0.550",
    )
    assert [gain["difference"] for gain in found["gains"]] == ["+0.250 [+0.150, +0.350]", "–"]
    assert format_table(found["rows"]).count("\n") == 7
