"""Train a small network on a folder of films, and see where it looks on films it never saw.

python examples/train_on_your_folder.py [FOLDER of <class>/ or {train,val,test}/<class>/ folders]

Without one it generates 120 films. For education and research, never for diagnosis.
"""

import argparse
import os
from pathlib import Path

from PIL import Image

import xraycore as xc
from xraycore.config import NOTICE
from xraycore.datasets.splits import read_splits
from xraycore.datasets.synthetic.phantom import write_phantoms
from xraycore.models.registry import get_spec
from xraycore.training.config import preset
from xraycore.training.export import export_run
from xraycore.training.trainer import train
from xraycore.utils.text import percent


def main(arguments: list[str] | None = None) -> None:
    """Trains, calibrates, and writes an overlay of some of the test films."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", nargs="?", type=Path)
    options.add_argument("--out", type=Path, default=Path("runs/example"))
    options.add_argument("--epochs", type=int, default=20)
    given, spec = options.parse_args(arguments), get_spec("basic_cnn")
    folder = given.folder or given.out / "phantoms"
    if not given.folder:
        write_phantoms(folder, per_class=60)

    manifest = read_splits([folder])  # keeps patients together, and a test split that is there
    print(f"{NOTICE} Films by split and class: {manifest.counts()}")
    recipe = preset("quick", spec, pretrained=False).adapted({"epochs": given.epochs})
    run = train(manifest, spec, recipe, given.out / "run")
    os.environ["XRAYCORE_WEIGHTS"] = str(given.out / "weights")  # apart from the shipped networks
    export_run(run, manifest)  # calibrates on validation films and opens the test films, once
    model = xc.load_model(spec.name)
    score = model.card["scores"]["all"]["accuracy"]
    right, low, high = (percent(score[key]) for key in ("value", "low", "high"))
    print(f"Right on {right} of {score['n']} test films (95 % interval {low} to {high}).")
    for record in manifest.split("test")[:: max(1, score["n"] // 4)]:
        radiograph = xc.read_radiograph(record.path)
        answer = model.predict(radiograph)
        heatmap = xc.explain(model, answer)
        share = answer.lungs.fraction_in_lungs(heatmap.values, heatmap.box)
        place = f"{percent(share)} of its heat in them" if answer.lungs.found else "none found"
        print(f"{record.path.name}: is {record.label}, called {answer.label}; lungs: {place}.")
        file = given.out / f"{record.path.stem}.overlay.png"
        Image.fromarray(xc.overlay(radiograph, heatmap)).save(file)
    print("A score on films of one source says nothing of another hospital's.")


if __name__ == "__main__":
    main()
