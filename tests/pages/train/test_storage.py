"""What the Train page deletes."""

from tests.pages.train.train_page import button, open_page, words
from tests.training.test_runs import row, write_run


def test_a_run_is_deleted_once_that_is_confirmed(runs):
    for name in ("old", "new"):
        write_run(runs / name, stage=2, rows=[row(1, "full")])
    app = open_page(section="Storage")
    chosen = app.multiselect(key="storage-chosen")
    assert set(chosen.options) >= {"old", "new"}
    chosen.set_value(["run/old"]).run()
    assert app.button(key="storage-delete").disabled
    app.checkbox(key="storage-sure").check().run()
    app.button(key="storage-delete").click().run()
    assert not app.exception
    assert "are free again" in words(app)
    assert [folder.name for folder in runs.iterdir()] == ["new"]
    assert app.multiselect(key="storage-chosen").value == []


def test_where_a_process_works_nothing_is_deleted(runs, monkeypatch):
    write_run(runs / "busy", stage=2, rows=[row(1, "full")])
    monkeypatch.setattr("pages.train.storage.is_at_work", lambda folder: True)
    app = open_page(section="Storage")
    app.multiselect(key="storage-chosen").set_value(["run/busy"]).run()
    app.checkbox(key="storage-sure").check().run()
    button(app, app.button(key="storage-delete").label).click().run()
    assert "busy: a process is at work there. Stop it first" in words(app)
    assert (runs / "busy").is_dir()
