import json
from types import SimpleNamespace

from tools.results.generalisation import probes
from tools.results.markdown import render_block


def test_what_is_told_without_a_picture_stands_beside_the_same_score_of_the_networks(tmp_path):
    audit = tmp_path / "audit.json"
    audit.write_text(json.dumps({"confounding": {"file_auroc": 0.786, "grey_auroc": 0.8903}}))
    score = {"value": 0.9789, "low": 0.9721, "high": 0.9845, "n": 1481}
    card = {"probes": {"auc": {}, "source": {}}, "scores": {"all": {"macro_auroc": score}}}
    stored = SimpleNamespace(cards={"vgg16": card}, titles={"vgg16": "VGG16"})
    text = render_block("results.md", "probes", probes=probes(stored, audit))
    assert "of the four classes, over both data sets (macro AUROC)" in text
    assert "| file size and dimensions | 0.786 |" in text
    assert "| mean brightness and contrast as well | 0.890 |" in text
    assert "| VGG16 | 0.979 [0.972, 0.985] |" in text
    none = probes(stored, tmp_path / "none.json")
    assert "macro AUROC" not in render_block("results.md", "probes", probes=none)
