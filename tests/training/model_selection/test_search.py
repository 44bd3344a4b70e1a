"""A search's trials: what they set, how they are ranked, and that no kill loses one."""

import json
from dataclasses import replace

import pytest

from xraycore.errors import ArgumentError, DivergedError, JobError
from xraycore.training.augmentation import Augmentation
from xraycore.training.config import DOMAIN_RANDOM
from xraycore.training.model_selection import search as searching
from xraycore.training.model_selection import tasks
from xraycore.training.model_selection.search import search
from xraycore.training.model_selection.space import choose_ranges, read_changes, starting_values
from xraycore.training.plan import Plan
from xraycore.training.run import Run, State


@pytest.fixture
def plan(disc_folder):
    return Plan((str(disc_folder),), "basic_cnn", "quick", changes={"view": "film"})


@pytest.fixture
def trained(monkeypatch):
    """Plans of trainings, which take no time: the better, the nearer the balance is to 0.4."""
    seen = []

    def train(plan, manifest, folder, *, resume, command, report):
        seen.append((folder.name, plan))
        run = Run(folder)
        run.start({**CONFIG, "recipe": plan.recipe().to_json(), "command": command}, resume=resume)
        choice = 1.0 - abs(plan.recipe().balance - 0.4)
        row = {"epoch": 1, "stage": "all", "loss": 1.0, "val_auc": 0.5, "choice": choice}
        run.commit(State(1, 0, 1, history=[row]))
        return run

    monkeypatch.setattr(tasks, "train_plan", train)
    return seen


CONFIG = {
    **{"model": "basic_cnn", "classes": ["Normal", "Opacity"], "teachers": [], "chosen_on": []},
    **{"seed": 0, "start": "none", "precision": "float32", "manifest_sha256": "0" * 64},
    "split_sizes": {},
}


def ask(plan, folder, trials=3, **options):
    options = {"over": ["balance"], **options}
    return search(plan, trials, folder / "runs", "disc", folder / "disc.sqlite", **options)


def test_the_first_trial_is_the_recipe_itself_and_the_best_is_told_first(plan, trained, tmp_path):
    found = ask(plan, tmp_path, over=["balance", "lr"])
    own, *others = (one.recipe() for _, one in trained)
    assert own == plan.recipe()
    assert len({(one.balance, one.stages[-1].learning_rate) for one in others}) == 2
    assert all(one.augmentation == own.augmentation for one in others)
    rate = own.stages[-1].learning_rate
    assert all(rate / 10 <= one.stages[-1].learning_rate <= rate * 10 for one in others)
    choices = [row["choice"] for row in found["trials"]]
    assert choices == sorted(choices, reverse=True) and len(choices) == 3
    best = found["trials"][0]
    assert best["choice"] == pytest.approx(1 - abs(best["changes"]["balance"] - 0.4))
    assert best["best"]["val_auc"] == 0.5 and best["state"] == "finished"
    assert found["space"]["balance"]["low"] == 0 and found["space"]["learning_rate"]["log"]
    json.dumps(found, allow_nan=False)
    # What a run's command line says is what it was trained with, to the last digit.
    name, last = trained[-1]
    assert plan.parse(last.train_arguments(tmp_path / name)).recipe() == last.recipe()
    # Once more trains nothing; more trials go on from these.
    assert ask(plan, tmp_path, over=["balance", "lr"]) == found and len(trained) == 3
    more = ask(plan, tmp_path, trials=4, over=["balance", "lr"])
    assert len(more["trials"]) == 4 == len(trained)


def test_a_search_that_is_killed_goes_on_with_the_same_trials(plan, trained, tmp_path, monkeypatch):
    whole = ask(plan, tmp_path / "whole")
    train, ended = tasks.train_plan, []

    def kill(plan, manifest, folder, **options):
        if folder.name.endswith("-2") and not ended:
            ended.append(folder.name)
            raise KeyboardInterrupt
        return train(plan, manifest, folder, **options)

    monkeypatch.setattr(tasks, "train_plan", kill)
    with pytest.raises(KeyboardInterrupt):
        ask(plan, tmp_path / "killed")
    assert ask(plan, tmp_path / "killed") == whole
    assert ended == ["disc-trial-2"]


def test_a_trial_that_diverges_is_told_last_and_ends_nothing(plan, trained, tmp_path, monkeypatch):
    train = tasks.train_plan

    def diverge(plan, manifest, folder, **options):
        if folder.name.endswith("-2"):
            raise DivergedError("the loss is no longer finite")
        return train(plan, manifest, folder, **options)

    monkeypatch.setattr(tasks, "train_plan", diverge)
    *others, last = ask(plan, tmp_path)["trials"]
    assert (last["run"], last["state"], last["choice"]) == ("disc-trial-2", "diverged", None)
    assert len(others) == 2


def test_workers_are_given_trials_as_they_are_free(plan, trained, tmp_path):
    """Several at once, which end in another order than they began in."""

    class Two:
        def run(self, function, tasks):
            waiting = []
            for task in tasks:
                waiting.append(task)
                if len(waiting) == 2:
                    yield function(*waiting.pop())
            yield from (function(*task) for task in waiting)

    found = ask(plan, tmp_path, engine=Two())
    assert sorted(row["run"] for row in found["trials"]) == [f"disc-trial-{n}" for n in (1, 2, 3)]
    assert [name for name, _ in trained] == [f"disc-trial-{n}" for n in (2, 3, 1)]


def test_another_search_is_not_gone_on_with(plan, trained, tmp_path):
    ask(plan, tmp_path, trials=1)
    for other, options, what in (
        (replace(plan, seed=1), {}, "plan, films"),
        (plan, {"over": ["lr"]}, "space"),
    ):
        with pytest.raises(ArgumentError, match=f"begun with \\({what} differ\\)"):
            ask(other, tmp_path, **options)
    lock = searching.FileLock(f"{tmp_path / 'disc.sqlite'}.lock")
    with lock, pytest.raises(JobError, match="another process searches"):
        ask(plan, tmp_path)


def test_what_is_searched(plan):
    usual = ["learning_rate", "weight_decay", "balance", "lung_loss_weight", "augmentation"]
    assert list(choose_ranges(plan, (), lesions=False)) == usual
    assert list(choose_ranges(plan, (), lesions=True)) == [*usual, "lesion_loss_weight"]
    # What the command line sets is not searched.
    fixed = replace(plan, changes={"balance": 0.1, "learning_rate": 0.1})
    assert list(choose_ranges(fixed, (), lesions=False)) == [usual[1], *usual[3:]]
    space = choose_ranges(plan, ["batch-size=4:16", "lr=1e-5:1e-3"], lesions=False)
    assert (space["batch_size"].low, space["batch_size"].high) == (4, 16)
    assert (space["learning_rate"].low, space["learning_rate"].log) == (1e-5, True)
    # The recipe's rate, 3e-3, lies beyond: there is no trial of the recipe itself.
    assert starting_values(plan, space) == {}
    changes = choose_ranges(plan, ["augment"], lesions=False)
    own = str(plan.recipe().augmentation)
    assert starting_values(plan, changes) == {"augmentation": own}
    every = [Augmentation.parse(one) for one in changes["augmentation"].choices]
    assert every[0] == plan.recipe().augmentation and DOMAIN_RANDOM in every
    assert read_changes({"learning_rate": 0.00123456789}) == {"learning_rate": 0.00123457}


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ("speed", "must be one of lr, batch-size"),
        ("epochs", "must be one of"),
        ("lr=0:1", "must be LOW:HIGH"),
        ("lr=1e-3", "must be LOW:HIGH"),
        ("balance=0.5:2", "must be LOW:HIGH"),
        ("evidence=2:1", "must be LOW:HIGH"),
        ("evidence=nan:1", "must be LOW:HIGH"),
        ("augment=0:1", "takes no limits"),
    ],
)
def test_what_cannot_be_searched_is_said(plan, over, said):
    with pytest.raises(ArgumentError, match=said):
        choose_ranges(plan, [over], lesions=False)
