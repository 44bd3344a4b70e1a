"""What the commands of many trainings ask for, and the tables that they print."""

import json

from tests.training.conftest import disc_folder  # noqa: F401  (a fixture)
from xraycore.cli.train import takes_plan
from xraycore.training.augmentation import Augmentation
from xraycore.training.model_selection import cross_validation
from xraycore.training.model_selection import search as searching

FOLDS = {
    "text": "Two folds.",
    "folds": [
        {"fold": "1/2", "films": {"test": 9}, "held_out": {"auc": 0.9, "heat": 0.5}},
        {"fold": "2/2", "films": {"test": 8}, "held_out": {"auc": 0.8}},
    ],
    "scores": {"auc": {"folds": 2, "mean": 0.85, "sd": 0.07, "low": 0.1, "high": 1.0}},
}
TRIALS = {
    "text": "Two trials.",
    "space": {"learning_rate": {}, "augmentation": {}},
    "trials": [
        {
            **{"run": "lucky-trial-2", "state": "finished", "choice": 0.9},
            "changes": {"learning_rate": 0.00123, "augmentation": "flip=0.5,zoom=0"},
            "best": {"val_auc": 0.95},
        },
        {
            **{"run": "lucky-trial-1", "state": "diverged", "choice": None, "best": {}},
            "changes": {"learning_rate": 0.5, "augmentation": str(Augmentation.parse("none"))},
        },
    ],
}


def test_folds_are_asked_for_with_the_options_of_train(
    run_cli,
    disc_folder,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    asked = []

    def fake(*given, **options):
        asked.append(given)
        return dict(FOLDS)

    monkeypatch.setattr(cross_validation, "cross_validate", fake)
    out = tmp_path / "new" / "folds.json"
    options = ["--model", "basic_cnn", "--weight-decay", 0.01, "--balance", 1, "--seed", 3]
    files = ["--folds", 2, "--out", out, "--runs", tmp_path / "runs"]
    code, told, _ = run_cli("cross-validate", disc_folder, *options, *files)
    assert code == 0
    plan, folds, folder, name = asked[0]
    assert plan.changes == {"weight_decay": 0.01, "balance": 1.0} and plan.seed == 3
    assert (folds, folder, name) == (2, tmp_path / "runs", "folds")
    assert all(word in told for word in ("1/2", "0.850", "0.100 to 1.000", "auc"))
    kept = json.loads(out.read_text())
    assert kept["folds"] == FOLDS["folds"] and kept["command"].startswith("python -m xraycore")
    code, told, said = run_cli("cross-validate", disc_folder, *options, "--balance", 2, *files)
    assert (code, told) == (2, "") and "balance must lie between 0 and 1" in said


def test_trials_are_told_with_what_they_changed(run_cli, disc_folder, tmp_path, monkeypatch):  # noqa: F811
    asked = {}

    def fake(plan, trials, folder, name, storage, **options):
        asked.update(options, trials=trials, name=name, storage=storage)
        return dict(TRIALS)

    monkeypatch.setattr(searching, "search", fake)
    files = ["--out", tmp_path / "lucky.json", "--runs", tmp_path / "runs"]
    options = ["--model", "basic_cnn", "--trials", 2, "--over", "lr", "--over", "augment"]
    code, told, _ = run_cli("search", disc_folder, *options, *files)
    assert code == 0
    assert (asked["trials"], asked["name"], asked["over"]) == (2, "lucky", ["lr", "augment"])
    assert asked["storage"] == tmp_path / "lucky.sqlite" and asked["engine"] is None
    assert all(word in told for word in ("0.00123", "diverged", "0.950", "recipe's", "none"))
    assert "flip" not in told
    code, told, _ = run_cli("search", disc_folder, *options, *files, "--json")
    assert code == 0 and json.loads(told)["trials"] == TRIALS["trials"]
    code, _, said = run_cli("search", disc_folder, *options, *files, "--engine", "dask")
    assert code == 2 and "belong together" in said


def test_a_command_takes_a_plan_in_place_of_its_first_parameter():
    seen = []

    @takes_plan
    def command(plan, more: int = 1) -> None:
        """Does something."""
        seen.append((plan, more))

    assert command.__doc__ == "Does something."
    names = list(command.__signature__.parameters)
    assert names[:2] == ["datasets", "model"] and names[-1] == "more" and "lr" in names
