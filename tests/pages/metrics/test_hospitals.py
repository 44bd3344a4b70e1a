import json

from pages.metrics import hospitals
from tests.evaluation.test_generalisation import CARD, film
from tests.pages.metrics.test_page import open_page, store, texts  # noqa: F401  (a fixture)
from xraycore.evaluation.generalisation import score_hospital
from xraycore.models.cards import read_card


def test_hospitals_of_the_weights_that_were_measured(store, monkeypatch):  # noqa: F811
    monkeypatch.setattr(hospitals, "MEASURED", store / "measured.json")
    assert "Nothing was measured" in texts(open_page(section="Other hospitals"))
    entries = [film("Normal", 0.2, number=n) for n in range(4)] + [film("COVID-19", 0.9)]
    row = score_hospital(entries, CARD)
    weights = {"vgg16": read_card("vgg16")["weights"]["sha256"], "basic_cnn": "of before"}
    rows = {name: {"nih": row} for name in weights}
    hospitals.MEASURED.write_text(json.dumps({"weights": weights, "rows": rows}))
    app = open_page(section="Other hospitals")
    (shown,) = app.dataframe[0].value.to_dict("records")
    assert (shown["Model"], shown["Films of"], shown["Normal / opacity"]) == (
        "VGG16",
        "nih",
        "4 / 1",
    )
    # One ill film that ranks first is no certainty.
    assert shown["AUC"] == "1.000 (0.345–1.000)"
    assert "Heat hits" not in shown
    app.segmented_control(key="hospital-columns").set_value("Heat").run()
    assert not app.dataframe
    assert "This was not measured" in texts(app)
