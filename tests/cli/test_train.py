import json
import shlex

import cv2
import keras  # noqa: F401  (TensorFlow's start-up notes come before a command's own words)
import pytest

from tests.training.conftest import disc_folder  # noqa: F401  (a fixture)
from xraycore.cli.console import TimeLeft, emit_table
from xraycore.cli.main import main

pytestmark = pytest.mark.slow


@pytest.fixture
def run(capfd):
    """`run(arguments…)`: exit code, stdout, stderr of the command line."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return ended.value.code, captured.out, captured.err

    return call


@pytest.fixture
def discs(disc_folder):  # noqa: F811
    return disc_folder


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "alexnet"], "model must be one of basic_cnn, vgg16"),
        (["--model", "vgg16", "--end", "block3"], "the end of vgg16 must be full"),
        (["--model", "basic_cnn", "--preset", "slow"], "preset must be one of cpu, gpu, quick"),
        (["--model", "basic_cnn", "--classes", "Normal; Normal"], "names the label 'Normal' twice"),
        (["--model", "basic_cnn", "--classes", "COVID-19"], "with one of the labels COVID-19"),
        (["--model", "basic_cnn", "--classes", "Normal"], "at least two classes"),
        (["--model", "basic_cnn", "--weights", "gone.weights.h5"], "weights must be imagenet"),
    ],
)
@pytest.mark.parametrize("command", ["train", "lr-find"])
def test_a_mistake_is_one_line_and_exit_code_2(run, discs, tmp_path, command, options, said):
    out = tmp_path / ("run" if command == "train" else "curve.html")
    code, stdout, stderr = run(command, discs, "--out", out, *options)
    assert (code, stdout) == (2, "")
    assert said in stderr
    assert stderr.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--augment", "shake=1"], "augmentation expects NAME=NUMBER"),
        (["--augment", "zoom=2"], "augmentation zoom must lie in [0, 1]"),
        (["--epochs", "0"], "epochs must be positive. Received: 0"),
        (["--lr", "-1"], "learning_rate must be positive. Received: -1.0"),
        (["--batch-size", "0"], "batch_size must be positive. Received: 0"),
        (["--choose-on", "gone"], "gone: expected a data set folder or a CSV file"),
        (["--evidence", "much"], "should be a valid number"),
        (["--precision", "int8"], "precision must be one of auto, float32, mixed_bfloat16"),
        (["--epochs", "many"], "should be a valid integer"),
        (["--speed", "9"], "No such option"),
    ],
)
def test_a_mistaken_option_of_train(run, discs, tmp_path, options, said):
    out = tmp_path / "run"
    code, stdout, stderr = run("train", discs, "--model", "basic_cnn", "--out", out, *options)
    assert (code, stdout) == (2, "")
    assert said in stderr
    assert stderr.count("\n") == 1
    assert not out.exists()


def test_a_missing_folder(run, tmp_path):
    arguments = (tmp_path / "gone", "--model", "basic_cnn", "--out", tmp_path / "run")
    code, stdout, stderr = run("train", *arguments)
    assert (code, stdout) == (2, "")
    assert "gone: expected a data set folder" in stderr
    assert stderr.count("\n") == 1


def test_too_few_steps(run, discs):
    code, stdout, stderr = run("lr-find", discs, "--model", "basic_cnn", "--steps", 3)
    assert (code, stdout) == (2, "")
    assert stderr == "steps must be at least 10. Received: 3\n"


def test_train_prints_a_table_then_refuses_and_resumes(run, discs, tmp_path):
    out = tmp_path / "run [1]"
    arguments = ["train", discs, "--model", "basic_cnn", "--preset", "quick", "--epochs", 2]
    arguments += ["--lr", 0.001, "--films", 20, "--out", out]
    code, stdout, stderr = run(*arguments)
    assert code == 0
    lines = stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].rstrip() == f"Basic CNN: {out}" or str(out).startswith(lines[0][11:].rstrip())
    # Headings are set in several lines; a column's parts lie below one another.
    parts = [[part.strip() for part in line.split("┃")] for line in lines if "┃" in line]
    headings = ["".join(column).replace(" ", "") for column in zip(*parts, strict=True)]
    assert headings == [
        *("epoch", "stage", "px", "loss", "acc."),
        *("valloss", "valacc.", "valAUC", "inlungs", "choice", "img/s"),
    ]
    assert [line.split("│")[0].strip() for line in lines if "│ all" in line] == ["1", "2"]
    ship = ["python", "-m", "xraycore", "ship", str(out), str(discs), "--films", "20"]
    assert shlex.join(ship) in stderr
    recipe = json.loads((out / "run.json").read_text())["recipe"]
    assert recipe["stages"][-1]["learning_rate"] == 0.001
    assert recipe["stages"][-1]["epochs"] == 2

    code, stdout, stderr = run(*arguments)
    assert (code, stdout) == (2, "")
    assert "holds a run already: resume it (--resume)" in stderr
    assert stderr.count("\n") == 1

    code, stdout, stderr = run(*arguments, "--resume", "--json")
    assert code == 0
    assert stdout.count("\n") == 1
    document = json.loads(stdout)
    assert document["epochs"] == 2
    assert [row["epoch"] for row in document["history"]] == [1, 2]
    assert document["classes"] == ["Normal", "Opacity"]
    assert document["split_sizes"]["train"].keys() == {"Normal", "Opacity"}


def test_train_chooses_on_another_hospitals_films(run, discs, tmp_path, caplog):
    """Two classes, and the best epoch by a CSV of films that are never trained on."""
    out, abroad = tmp_path / "run", tmp_path / "abroad"
    abroad.mkdir()
    lines = ["path,label,finding"]
    for file in sorted((discs / "val").rglob("*.png")):
        # Mirrored it is another film.
        cv2.imwrite(str(abroad / file.name), cv2.imread(str(file))[:, ::-1])
        finding = "normal" if file.parent.name == "Normal" else "bacteria"
        lines.append(f"{file.name},Fracture,{finding}")
    (abroad / "copy.png").write_bytes(file.read_bytes())
    lines.append("copy.png,Fracture,bacteria")
    (abroad / "labels.csv").write_text("\n".join(lines))
    arguments = ["train", discs, "--model", "basic_cnn", "--preset", "quick", "--epochs", 2]
    arguments += ["--view", "film", "--evidence", 0.5, "--out", out, "--json"]
    code, stdout, _ = run(*arguments, "--choose-on", f"{abroad / 'labels.csv'}#finding")
    assert code == 0
    assert "abroad: 1 of 13 films are copies" in caplog.text
    document = json.loads(stdout)
    assert document["classes"] == ["Normal", "Opacity"]
    for row in document["history"]:
        assert row["choice"] == pytest.approx((row["val_auc"] + row["auc_abroad"]) / 2, abs=1e-5)
        assert 0.0 <= row["val_inside"] <= 1.0
    config = json.loads((out / "run.json").read_text())
    assert (config["recipe"]["view"], config["recipe"]["evidence"]) == ("film", 0.5)
    assert len(config["chosen_on"]) == 1

    # Chosen on nothing it would be another run.
    code, stdout, stderr = run(*arguments, "--resume")
    assert (code, stdout) == (2, "")
    assert "was started with another chosen_on" in stderr
    assert stderr.count("\n") == 1


def test_train_on_two_classes_and_a_set_of_them(run, discs, tmp_path):
    """A flat folder says of its films that they are one of the two, and no more."""
    home, out = tmp_path / "home", tmp_path / "run"
    for file in discs.rglob("*.png"):
        kind = "bacteria" if file.parent.name == "Normal" else "virus"
        target = home / kind / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    sets = tmp_path / "other" / "pneumonia"
    sets.mkdir(parents=True)
    for file in (discs / "val").rglob("*.png"):
        # Not byte for byte the same: a film of the other set's test split would be left out.
        (sets / file.name).write_bytes(file.read_bytes() + b"again")
    arguments = ["train", home, sets, "--model", "basic_cnn", "--preset", "quick", "--epochs", 1]
    code, stdout, _ = run(*arguments, "--out", out, "--json")
    assert code == 0
    document = json.loads(stdout)
    assert document["classes"] == ["Bacterial pneumonia", "Viral pneumonia"]
    # Of 18 films of a class a fifth is 3.6, of the 14 left 2.8; of 12 of the set 2.4 and 1.8.
    expected = {"train": (11, 11, 7), "val": (3, 3, 2), "test": (4, 4, 3)}
    labels = ("Bacterial pneumonia", "Viral pneumonia", "Pneumonia")
    assert document["split_sizes"] == {
        split: dict(zip(labels, counts, strict=True)) for split, counts in expected.items()
    }
    (row,) = document["history"]
    # The films of the set are right whatever is said of them: 2 of 8.
    assert row["val_accuracy"] >= 2 / 8
    assert all(isinstance(row[key], float) for key in ("loss", "val_loss", "val_auc", "choice"))


def test_a_stopped_run_says_how_to_go_on(run, discs, tmp_path, monkeypatch):
    from xraycore.training import trainer

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "load_images", stopped)
    out = tmp_path / "run"
    code, stdout, stderr = run("train", discs, "--model", "basic_cnn", "--out", out)
    assert (code, stdout) == (2, "")
    assert stderr == f"stopped. Go on with the same command and --resume ({out}).\n"


def test_lr_find_prints_a_curve_a_document_and_a_page(run, discs, tmp_path):
    page = tmp_path / "pages" / "curve.html"
    arguments = ["lr-find", discs, "--model", "basic_cnn", "--preset", "quick", "--steps", 12]
    code, stdout, stderr = run(*arguments, "--out", page)
    assert code == 0
    assert "1.0e-07" in stdout
    assert "█" in stdout
    assert max(map(len, stdout.splitlines())) <= 80
    assert "fell fastest at" in stderr or "never fell" in stderr
    html = page.read_text()
    assert "learning-rate range test" in html
    assert "<script src=" not in html

    code, stdout, _ = run(*arguments, "--json")
    assert code == 0
    assert stdout.count("\n") == 1
    document = json.loads(stdout)
    assert document["model"] == "basic_cnn"
    assert len(document["rates"]) == len(document["losses"]) == len(document["smoothed"])
    assert (document["stage"], document["size"]) == ("all", 64)


def test_time_left_starts_anew_with_every_phase():
    clock = iter([0.0, 10.0, 20.0, 100.0, 104.0, 154.0, 155.0, 165.0]).__next__
    left = TimeLeft(clock)
    assert left(0.1, "reading films") is None
    assert left(0.2, "reading films") == pytest.approx(80.0)
    assert left(0.9, "reading films") == pytest.approx(20.0 / 0.8 * 0.1)
    # A run resumed at six tenths: what came before it took none of its time.
    assert left(0.6, "head") is None
    assert left(0.62, "head") == pytest.approx(4.0 / 0.02 * 0.38)
    # A halt for validation counts.
    assert left(0.7, "head") == pytest.approx(54.0 / 0.1 * 0.3)
    assert left(0.71, "all") is None
    assert left(0.81, "all") == pytest.approx(10.0 / 0.1 * 0.19)


def test_time_left_starts_anew_where_the_share_falls():
    left = TimeLeft(iter([0.0, 1.0, 2.0, 3.0]).__next__)
    assert left(0.5, "") is None
    assert left(1.0, "") == 0.0
    assert left(0.25, "") is None
    assert left(0.5, "") == pytest.approx(2.0)


def test_a_table_takes_names_as_they_are(capsys):
    emit_table("films of [b]", ["file"], [["a[1] :smile: [/b].png"]])
    printed = capsys.readouterr().out
    assert "a[1] :smile: [/b].png" in printed
    assert "films of [b]" in printed
