"""What `generalise` measured, as the tables of the results."""

import json

from tests.evaluation.test_generalisation import CARD, film
from tools.results.hospitals import hospitals
from tools.results.markdown import format_table
from xraycore.evaluation.generalisation import score_hospital


def test_hospitals_in_tables(tmp_path):
    heat = {"hit": 1.0, "on_lesion": 0.8, "in_lungs": 0.9, "iou": 0.5, "bright_hit": 0.0}
    entries = [film("Normal", 0.2, number=n, peak=0.5 + n, code=None) for n in range(4)]
    entries += [film("COVID-19", 0.9, 0.8, 10 + n, peak=3.0, code=None, **heat) for n in range(2)]
    right = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100}
    levels = {
        "opacity": {"operating_point": {"threshold": 0.7}, "trust": {"opacity": right}},
        "kind": {"trust": {}},
        "coverage": {"home test": {"none": right}, "elsewhere": None},
        "others": {"called": None},
    }
    file = tmp_path / "generalisation.json"
    assert hospitals(file) is None
    file.write_text(
        json.dumps(
            {
                "choose_on": ["nih", "cohen"],
                "rows": {"vgg16": {"nih": score_hospital(entries, CARD)}},
                "levels": {"vgg16": levels},
            }
        )
    )
    found = hospitals(file)
    assert found["chosen_on"] == "nih, cohen"
    (answers,) = found["answers"]
    assert (answers["model"], answers["films of"]) == ("VGG16", "nih")
    # Newcombe's limit: 0.53 is 1.96 times the spread of an area of 0.47 with 2 and 4 films, 0.2695.
    assert (answers["normal / opacity"], answers["AUC"]) == ("4 / 2", "1.00 [0.47, 1.00]")
    assert answers["specificity, in force"] == "1.00 [0.51, 1.00]"
    assert answers["specificity, 20 normals"] == "–"
    (heat_row,) = found["heat"]
    assert (heat_row["films"], heat_row["difference, paired"][:4]) == ("2", "1.00")
    # Of four normal films three have heat above 1.
    (cold,) = found["uncoloured"]
    assert cold["false alarms a film"] == "0.75"
    (said,) = found["levels"]
    assert (said["opacity is right"], said["none is right"]) == ("0.90 [0.80, 0.95]", "–")
    for rows in (found["answers"], found["heat"], found["uncoloured"], found["levels"]):
        assert format_table(rows).count("\n") >= 2
