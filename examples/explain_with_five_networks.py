"""What five networks say about one film, and where each one looks, as one picture.

python examples/explain_with_five_networks.py [FILM] [--out PICTURE.png] [--method grad_cam]

Without a film it generates one, of no person. For education and research, never for diagnosis.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import xraycore as xc
from xraycore.attribution.plausibility import check_plausibility
from xraycore.config import NOTICE
from xraycore.datasets.samples import phantom_film
from xraycore.evaluation.ensemble import describe_agreement
from xraycore.models.cards import list_trained
from xraycore.models.classifier import predict_each
from xraycore.utils.text import percent


def main(arguments: list[str] | None = None) -> Path:
    """Prints each network's answer and doubts; writes the plain film and all heat side by side."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("film", nargs="?", help="a DICOM file or a picture; see the README")
    options.add_argument("--out", type=Path, default=Path("five-networks.png"))
    options.add_argument("--method", default="grad_cam", choices=xc.list_methods())
    options.add_argument("--models", nargs="+", default=list_trained(), choices=list_trained())
    given = options.parse_args(arguments)

    radiograph = xc.read_radiograph(given.film) if given.film else phantom_film(3, opacity=True)
    print(f"{radiograph.info.name}. {NOTICE}")
    models = [xc.load_model(name) for name in given.models]
    answers, pictures = [], [xc.overlay(radiograph, np.zeros_like(radiograph.pixels))]
    # The lungs are found once for all networks; Grad-CAM needs no second forward pass.
    for model, (answer,) in zip(models, predict_each(models, [radiograph]), strict=True):
        heatmap = xc.explain(model, answer, method=given.method)
        sure = percent(answer.probabilities[answer.label])
        print(f"{model.spec.title}: {answer.label} ({sure})")
        for doubt in check_plausibility(heatmap, radiograph, answer.lungs):
            print(f"  Doubt it: {doubt}")
        answers.append(answer)
        pictures.append(xc.overlay(radiograph, heatmap, opacity=0.8))
    print(describe_agreement(answers, {model.spec.name: model.spec.title for model in models}))
    for warning in dict.fromkeys(text for answer in answers for text in answer.warnings):
        print(f"Warning: {warning}")
    Image.fromarray(np.hstack(pictures)).save(given.out)
    print(f"{given.out}: the plain film, then the heat of {', '.join(given.models)}.")
    print("Heat shows where a network found evidence. That is no proof that it is right.")
    return given.out


if __name__ == "__main__":
    main()
