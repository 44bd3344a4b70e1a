"""A run, a card, a data set and a study that mean harm lie in place: every page opens as ever."""

import json
import os
import re
import shutil

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT
from tests.pages.train.train_page import settle
from xraycore.config import SHIPPED
from xraycore.reader_study import Answer, ReaderStudyRepository, ToRead, open_database

EVIL = "![x](http://evil.test/i.png) [y](javascript:alert(1)) <img src=x onerror=alert(1)> :red[z]"
# What can be a folder's or a file's name.
EVIL_NAME = "![x](http:evil.test) [y](javascript:alert(1)) <img src=x onerror=alert(1)> :red[z]"
# Neither escaped nor broken up.
LIVE = re.compile(r"(?<!\\)\]\((http|javascript)|(?<!\\)<img src=x|(?<!\\):red\[z")
TRAP = "import pathlib; pathlib.Path({!r}).touch()\n"
PAGES = {
    "compare": {},
    "explain": {"model": "Basic CNN"},
    "data": {},
    "metrics": {},
    "review": {},
    "train": {"section": "Runs"},
    "about": {},
}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Everything of it; gives the folder and the file that a trap would leave."""
    trap = tmp_path / "executed"
    for name in ("weights", "runs", "cache", "state"):
        monkeypatch.setenv(f"XRAYCORE_{name.upper()}", str(tmp_path / name))
        (tmp_path / name).mkdir()
    monkeypatch.setenv("XRAYCORE_DATABASE", f"sqlite:///{tmp_path / 'reviews.sqlite3'}")
    monkeypatch.setattr("xraycore.datasets.locator.FilmLocator.must_search", lambda *_: False)
    _write_weights(tmp_path / "weights")
    _write_runs(tmp_path / "runs", trap)
    _write_dataset(tmp_path / "set")
    _write_study()
    return tmp_path, trap


def _write_weights(folder):
    # The one that is well: it goes on.
    shutil.copytree(SHIPPED / "basic_cnn", folder / "basic_cnn")
    for name in ("vgg16", "xception", "resnet50", "inception_v3"):
        (folder / name).mkdir()
    card = json.loads((SHIPPED / "vgg16" / "card.json").read_text())
    (folder / "vgg16" / "card.json").write_bytes(b"[" * 100_000)
    swapped = {**card, "model": "xception", "classes": card["classes"][::-1]}
    swapped["weights"] = json.loads((SHIPPED / "xception" / "card.json").read_text())["weights"]
    (folder / "xception" / "card.json").write_text(json.dumps(swapped))
    os.mkfifo(folder / "resnet50" / "card.json")
    with (folder / "resnet50" / "predictions.csv").open("wb") as file:
        file.truncate(2**30)
    evil = {**card, "model": "inception_v3", "classes": ["Normal", EVIL], "bias": [0, 0]}
    evil |= {"title": EVIL[:100], "limits": [EVIL, f"a\n\n# {EVIL}"], "temperature": 1}
    evil["weights"] = {"file": "inception_v3.weights.h5", "sha256": "0" * 64, "bytes": 1}
    evil["data"] = {EVIL: {"citation": EVIL, "films": {"train": {EVIL: 3}}}}
    score = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10}
    evil["scores"] = {"all": {"accuracy": score, "recall": {EVIL: score}}}
    evil["external"] = {EVIL: {"citation": EVIL, "pneumonia": {"auc": score}}}
    evil["operating_points"] = {"x": {"title": EVIL, "threshold": 0.5}}
    evil["training"] = {"command": EVIL, "start": EVIL, "split_sizes": {"train": {EVIL: 1}}}
    (folder / "inception_v3" / "card.json").write_text(json.dumps(evil))
    rows = "".join(f'test,"{EVIL}",f{i},g{i},Normal,,9,9,,1,{i},0\n' for i in range(12))
    (folder / "inception_v3" / "predictions.csv").write_text(
        f'split,source,file,group,label,age,height,width,inside,lungs,Normal,"{EVIL}"\n{rows}'
    )


def _write_runs(runs, trap):
    run = {"model": EVIL, "classes": ["a", EVIL], "command": EVIL}
    run["recipe"] = {"stages": [{"name": EVIL, "epochs": 1, "size": 64}]}
    folder = runs / EVIL_NAME
    (folder / "xraycore").mkdir(parents=True)
    for name in ("__init__.py", "__main__.py"):
        (folder / "xraycore" / name).write_text(TRAP.format(str(trap)))
    (folder / "sitecustomize.py").write_text(TRAP.format(str(trap)))
    (folder / "run.json").write_text(json.dumps(run))
    job = {"pid": os.getpid(), "began": "2026-01-01T00:00:00", "cwd": str(folder)}
    (folder / "job.json").write_text(json.dumps(job | {"arguments": ["lr-find", EVIL]}))
    (folder / "log.txt").write_text(f"{EVIL}\n")
    (folder / "history.csv").write_text(f'epoch,stage,loss\n1,"{EVIL}",0.5\n')
    pickled = b"cposix\nsystem\n(S'touch " + str(trap).encode() + b"'\ntR."
    for name, content in (
        ("run.json", b"{"),
        ("state.json", pickled),
        ("state.json", b'{"history": [{"epoch": 1e999, "loss": NaN}]}'),
        ("progress.json", b'{"pid": 1, "done": "all"}'),
        ("job.json", b'{"pid": -1, "began": 0}'),
        ("history.csv", b"epoch,loss\nnan,inf\n"),
        ("history.csv", pickled),
        ("predictions.csv", b"Normal\n" + b"9" * 200_000),
        ("predictions.csv", b"split,source,file,group,label,age,height,width,a\nx"),
        ("card.json", b'{"model": 3}'),
    ):
        odd = runs / f"odd-{len(list(runs.iterdir()))}"
        odd.mkdir()
        (odd / "run.json").write_text(json.dumps({**run, "model": "vgg16"}))
        (odd / "history.csv").write_text(f"epoch,loss\n1,0.{len(list(runs.iterdir()))}\n")
        (odd / name).write_bytes(content)
    (runs / "round").symlink_to(runs)


def _write_dataset(folder):
    for number in range(4):
        film = folder / ("NORMAL", EVIL_NAME)[number % 2] / f"{EVIL_NAME} {number}.png"
        film.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 255, (60, 50), np.uint8)
        film.write_bytes(cv2.imencode(".png", noise)[1].tobytes())
    (folder / "NORMAL" / "model.pkl").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    (folder / "NORMAL" / f"{EVIL_NAME}.png").write_bytes(b"no film")


def _write_study():
    engine = open_database()
    reviews = ReaderStudyRepository(engine)
    made = ("basic_cnn", "grad_cam", EVIL[:80], "0" * 64)
    study = reviews.create_study(EVIL[:60], [ToRead("0" * 64, *made)], blinded=False)
    reader = reviews.add_reader(EVIL[:40])
    (entry,) = reviews.worklist(reader, study)
    reviews.save_review(reader, entry.item, Answer("agree", 3, comment=EVIL))
    engine.dispose()


def _drawn(app):
    """Field by field all text of a page that the browser reads as Markdown or HTML."""
    for node in app._tree:
        proto = getattr(node, "proto", None)
        for field in ("body", "label", "help", "text"):
            text = getattr(proto, field, None)
            if isinstance(text, str) and type(proto).__name__ not in ("Code", "TextInput", "Json"):
                yield type(proto).__name__, field, text


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_and_draws_text_as_text(world, page):
    folder, trap = world
    queries = [PAGES[page]]
    if page == "data":
        queries.append({"dataset": str(folder / "set")})
    if page == "train":
        queries += [{"run": run.name} for run in sorted((folder / "runs").iterdir())[:4]]
        queries += [{"run": EVIL_NAME}, {"dataset": str(folder / "set"), "network": "VGG16"}]
    if page == "review":
        queries += [{"study": "1"}, {"study": "1", "show": "results"}]
    for query in queries:
        app = AppTest.from_file(str(ROOT / "pages" / page / "page.py"), default_timeout=120)
        for name, value in query.items():
            app.query_params[name] = value
        # Until all that is read in the background is there.
        settle(app.run())
        assert not app.exception, query
        drawn = list(_drawn(app))
        assert drawn
        live = [one for one in drawn if LIVE.search(one[2])]
        assert not live, query
        assert "This is a fault of xraycore itself" not in str(drawn), query
    assert not trap.exists()
