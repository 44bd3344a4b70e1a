"""Stands in for `python -m xraycore` where a process is wanted and TensorFlow is not.

`train` writes a run's real files without learning anything, an epoch every STAND_IN_PAUSE seconds;
`lr-find` and `ship` print a document.
"""

import json
import os
import sys
import time
from pathlib import Path

# As the command itself does, which is launched by its path too.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from xraycore.jobs.recorder import recorded
from xraycore.models.registry import get_spec
from xraycore.training.config import preset
from xraycore.training.run import Run
from xraycore.utils.progress import Progress

FILMS = 12
arguments = sys.argv[1:]
pause = float(os.environ.get("STAND_IN_PAUSE", "0.02"))


def option(name, default):
    return arguments[arguments.index(name) + 1] if name in arguments else default


def train():
    out = Path(option("--out", "."))
    recipe = preset("quick", get_spec("basic_cnn"), pretrained=False)
    try:
        recipe = recipe.adapted({"epochs": int(option("--epochs", "3"))})
    except ValueError:
        sys.exit(f"expected a number: {option('--epochs', '3')}")
    dataset = arguments[1]
    config = {
        "model": "basic_cnn",
        "classes": ["Normal", "Opacity"],
        "recipe": recipe.to_json(),
        "teachers": [],
        "chosen_on": [],
        "seed": 0,
        "start": "none",
        "manifest_sha256": dataset,
        "split_sizes": {"train": {"Normal": 6, "Opacity": 6}, "val": {"Normal": 2, "Opacity": 2}},
        "command": "python -m xraycore " + " ".join(arguments),
    }
    with recorded(out, arguments) as record:
        run = Run(out)
        state = run.start(config, resume="--resume" in arguments)
        total = recipe.stages[0].epochs
        while state.epoch < total:
            for batch in (1, 2):
                done = (state.epoch + batch / 2) / total
                epoch = state.epoch + 1
                record(Progress(done, "all", epoch, total, 1 / epoch, batch * FILMS // 2, FILMS))
                time.sleep(pause / 2)
            state.epoch += 1
            state.total_epochs += 1
            row = {"epoch": state.epoch, "stage": "all", "size": 64, "loss": 1 / state.epoch}
            row |= {"accuracy": 0.5, "val_loss": 0.7, "val_auc": 0.5 + state.epoch / 100}
            row |= {"val_accuracy": 0.5, "choice": state.epoch, "images_per_second": 100.0}
            state.history.append(row)
            run.last_weights(state).write_text(str(state.epoch))
            run.commit(state)
        state.stage, state.epoch = 1, 0
        run.commit(state)


def lr_find():
    rates = [10.0**power for power in range(-6, 0)]
    losses = [1.0, 1.0, 0.9, 0.6, 0.5, 2.0]
    document = {"stage": "all", "size": 64, "suggestion": 0.001, "diverged": True}
    with recorded() as record:
        record(Progress(0.5, "range test", loss=1.0))
    sys.stdout.write(json.dumps(document | {"rates": rates, "losses": losses, "smoothed": losses}))


def ship():
    with recorded() as record:
        record(Progress(0.5, "test films"))
    target = Path(os.environ["XRAYCORE_WEIGHTS"]) / "basic_cnn"
    target.mkdir(parents=True, exist_ok=True)
    (target / "card.json").write_text(Path(option("--limits", "")).read_text())
    score = {"value": 0.75, "low": 0.5, "high": 0.9, "n": 8}
    scores = {"all": {"accuracy": score, "macro_auroc": score}}
    sys.stdout.write(json.dumps({"folder": str(target), "card": {"scores": scores}}))


commands = {"train": train, "lr-find": lr_find, "ship": ship}
try:
    commands[arguments[0]]()
except KeyboardInterrupt:
    sys.exit("stopped.")
except KeyError as error:
    sys.exit(f"no such command: {error}")
