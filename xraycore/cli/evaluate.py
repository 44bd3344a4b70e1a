"""The command that judges trained models on a data set: evaluate."""

import logging
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Classes, Json, Labels, app
from xraycore.cli.console import (
    emit_json,
    emit_left_out,
    emit_table,
    err,
    format_score,
    out,
    progress_bar,
)
from xraycore.cli.loading import Models, load_models
from xraycore.datasets.labelling import LabelPolicy
from xraycore.datasets.labels import LabelScheme, get_label_scheme, parse_classes
from xraycore.datasets.manifest import Manifest
from xraycore.datasets.reasons import OTHER_SPLIT, TRAINED_ON, UNKNOWN_LABEL, UNREADABLE
from xraycore.datasets.splits import read_splits
from xraycore.errors import ArgumentError
from xraycore.utils.checkpoints import Card
from xraycore.utils.progress import Progress, part_of

logger = logging.getLogger(__name__)

OVERALL = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "macro_auroc": "AUROC",
    "macro_auprc": "AUPRC",
    "brier": "Brier score",
    "ece": "calibration error",
}
OF_CLASS = ("precision", "recall", "specificity", "f1", "auroc", "auprc")
SPLIT_CHOICES = ("auto", "train", "val", "test", "all")


@app.command()
def evaluate(
    datasets: Annotated[list[Path], typer.Argument(help="Data set folders or CSV files.")],
    model: Models = None,
    view: Annotated[
        str | None, typer.Option(help="chest4, pneumonia or covid3; the models' own classes else.")
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            help="train, val, test or all; auto: the test split of data that a model was trained "
            "on, all films of other data."
        ),
    ] = "auto",
    prevalence: Annotated[
        float | None,
        typer.Option(help="Share of sick people where a model is to be used, in (0, 1)."),
    ] = None,
    classes: Classes = None,
    labels: Labels = None,
    json: Json = False,
) -> None:
    """Judge trained models on films: every score with its 95 % interval, every pair compared."""
    if split not in SPLIT_CHOICES:
        raise ArgumentError(f"split must be one of {', '.join(SPLIT_CHOICES)}. Received: {split!r}")
    if prevalence is not None and not 0 < prevalence < 1:
        raise ArgumentError(f"prevalence must lie between 0 and 1. Received: {prevalence}")
    chosen_view = get_label_scheme(view) if view else None
    models = load_models(model)
    cards = [one.card for one in models]
    if len({one.classes for one in models}) > 1:
        raise ArgumentError(
            "expected models of the same classes. Received: "
            + "; ".join(f"{one.spec.name} {', '.join(one.classes)}" for one in models)
            + ". Name those to judge together (--model)."
        )
    asked = parse_classes(classes) if classes else None
    manifest = read_splits(datasets, asked, LabelPolicy.parse(labels), seed=seed_of(cards))
    manifest = films_to_judge(manifest, split, cards)

    from xraycore.evaluation.evaluator import evaluate, own_scheme
    from xraycore.evaluation.predictions import predict_dataset
    from xraycore.metrics.operating_points import OperatingPoint

    scheme = chosen_view or own_scheme(models[0].classes)
    manifest = films_with_known_labels(manifest, scheme)
    outcomes = []
    with progress_bar() as report:
        for index, one in enumerate(models):
            reading = part_of(report, index, len(models), f"{one.spec.title} reads films")
            outcomes.append(predict_dataset(one, manifest.records, reading))
        report(Progress(1.0, "drawing patients anew for the intervals"))
        points = {
            one.spec.name: {
                name: OperatingPoint(name, entry["title"], entry["threshold"])
                for name, entry in one.card.get("operating_points", {}).items()
            }
            for one in models
        }
        document = evaluate(outcomes, scheme, points, prevalence)
    read = set(outcomes[0].records)
    manifest = manifest.without(lambda record: record not in read, UNREADABLE)
    about = {"datasets": [str(path) for path in datasets], "split": split}
    document = {**about, **manifest.reading_to_json(), **document}
    if json:
        emit_json(document)
    else:
        _print(document)
        emit_left_out(manifest.left_out)


def seed_of(cards: list[Card]) -> int:
    """The seed that split the models' data: with another, training films would be test films.

    Raises:
        ArgumentError: If models were trained on other splits.
    """
    seeds = {card["model"]: card["training"].get("seed", 0) for card in cards}
    if len(set(seeds.values())) > 1:
        of_each = ", ".join(f"{name} {seed}" for name, seed in seeds.items())
        raise ArgumentError(
            "expected models of one split of the data. Received models trained with the seeds "
            f"{of_each}: judge them one by one (--model)."
        )
    return next(iter(seeds.values()))


def films_to_judge(manifest: Manifest, split: str, cards: list[Card]) -> Manifest:
    """The films of a split; with "auto", no film of a source that a model was trained on but test.

    Raises:
        ArgumentError: If there are none.
    """
    trained_on = {source for card in cards for source in card.get("data", {})}
    if split == "auto":
        judged = manifest.without(
            lambda record: record.source in trained_on and record.split != "test", TRAINED_ON
        )
        if left := len(manifest.records) - len(judged.records):
            logger.warning(
                "%d films of %s are left out: by its name a model was trained on this data. "
                "--split all judges them too.",
                left,
                ", ".join(sorted(trained_on & {record.source for record in manifest.records})),
            )
    else:
        judged = manifest.without(lambda record: split not in ("all", record.split), OTHER_SPLIT)
        if split != "test" and (known := trained_on & {r.source for r in judged.records}):
            logger.warning(
                "%s: the models were trained on this data; only its test split tells how good "
                "they are.",
                ", ".join(sorted(known)),
            )
    if not judged.records:
        raise ArgumentError(f"expected films in the split {split!r}; there are none.")
    return judged


def films_with_known_labels(manifest: Manifest, scheme: LabelScheme) -> Manifest:
    """The films whose label the scheme knows; others are warned of, and not even predicted.

    Raises:
        ArgumentError: If it knows none.
    """
    unknown = Counter(r.label for r in manifest.records if scheme.label(r.label) is None)
    known = manifest.without(lambda record: record.label in unknown, UNKNOWN_LABEL)
    if unknown:
        labels = ", ".join(f"{label} ({count})" for label, count in unknown.most_common())
        hint = (
            f"known are {', '.join(scheme.classes)}. Map others to these with --classes, e.g. "
            f"--classes '{scheme.classes[0]} = {next(iter(unknown))}', or choose a --view"
        )
        if not known.records:
            raise ArgumentError(f"no film has a label to judge by: {labels}; {hint}.")
        logger.warning(
            "%d films are left out for their labels, %s; %s.", unknown.total(), labels, hint
        )
    return known


def _print(document: dict) -> None:
    names = list(document["models"])
    title = f"{document['films']} films, " + ", ".join(
        f"{label} {count}" for label, count in document["labels"].items()
    )
    rows = [
        [text, *(format_score(document["models"][name]["scores"][key]) for name in names)]
        for key, text in OVERALL.items()
    ]
    inside = [document["models"][name]["inside_lungs"] for name in names]
    rows.append(
        [
            "evidence in the lungs",
            *(format_score(one["evidence"] if one else None) for one in inside),
        ]
    )
    emit_table(title, ["score", *names], rows)
    for name in names:
        scores = document["models"][name]["scores"]
        emit_table(
            f"{name}, by class",
            ["class", "films", *OF_CLASS],
            [
                [label, of_class["films"], *(format_score(of_class[key]) for key in OF_CLASS)]
                for label, of_class in scores["classes"].items()
            ],
        )
        emit_table(
            f"{name}, confusion (rows: truth)",
            ["", *document["classes"]],
            [
                [label, *row]
                for label, row in zip(document["classes"], scores["confusion"], strict=True)
            ],
        )
        points = document["models"][name].get("operating_points")
        if points:
            kinds = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
            emit_table(
                f"{name}, operating points",
                ["point", "threshold", *kinds],
                [
                    [
                        point["title"],
                        point["threshold"],
                        *(format_score(point[kind]) for kind in kinds),
                    ]
                    for point in points.values()
                ],
            )
            for point in points.values():
                if there := point.get("at_prevalence"):
                    right = {kind: format_score(there[kind], ".1%") for kind in ("ppv", "npv")}
                    out.print(
                        f"{point['title']}: where {there['prevalence']:.1%} are sick, a positive "
                        f"answer is right in {right['ppv']} and a negative one in {right['npv']} "
                        "of cases."
                    )
    if document["comparisons"]:
        emit_table(
            "Pairs; p-values corrected for their number (Holm)",
            ["models", "AUROC difference", "DeLong p", "McNemar p"],
            [
                [
                    f"{pair['a']} – {pair['b']}",
                    *_difference(pair["delong"]),
                    pair["mcnemar"]["p_holm"],
                ]
                for pair in document["comparisons"]
            ],
        )
    err.print(
        "In brackets: 95 % intervals, Wilson for shares of films, adjusted logit for answers at a "
        "prevalence, else bootstrap of patients."
    )


def _difference(delong: dict | None) -> tuple[str, str]:
    """The difference of two AUROCs with its interval, and its p; dashes where not defined."""
    if delong is None:
        return "–", "–"
    if delong["low"] is None:
        return f"{delong['difference']:+.3f}", "–"
    interval = f"[{delong['low']:+.3f}, {delong['high']:+.3f}]"
    return f"{delong['difference']:+.3f} {interval}", f"{delong['p_holm']:.3f}"
