from xraycore.models.cards import list_trained, read_card
from xraycore.models.registry import MODELS


def test_cards_are_drawn_from_the_store(app):
    app.switch_page("pages/about/page.py").run()
    assert not app.exception
    assert [tab.label for tab in app.tabs] == [MODELS[name].title for name in list_trained()]
    text = "\n".join(markdown.value for markdown in app.markdown)
    tables = "\n".join(table.value.to_string() for table in app.table)
    for name in list_trained():
        card = read_card(name)
        for limit in card["limits"]:
            assert limit in text
        assert f"{card['scores']['pneumonia']['auc']['value']:.3f}" in tables
        assert any(card["weights"]["sha256"] in caption.value for caption in app.caption)


def test_without_trained_models_the_page_says_so(monkeypatch, tmp_path, app):
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    app.switch_page("pages/about/page.py").run()
    assert not app.exception
    assert "No trained model" in app.error[0].value
