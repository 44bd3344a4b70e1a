"""What a network in training says about films that it does not train on."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from scipy.special import log_softmax
from sklearn.metrics import roc_auc_score

from xraycore.datasets.labels import LABEL_SCHEMES, NORMAL
from xraycore.datasets.manifest import Record
from xraycore.errors import ArgumentError, DivergedError
from xraycore.training.batches import BatchSequence, ImageArray
from xraycore.training.learner import Learner


@dataclass(frozen=True)
class ValidationPredictions:
    """What a network says about films.

    Attributes:
        log_p: Log probabilities, float64 (n, k).
        allowed: 1 for every class that the film's label allows, float32 (n, k).
        fraction_in_lungs: Share of the positive evidence for the predicted class that lies in the
            lungs or their rim, float64 (n,); 0 where there is none.
        records: The films.
        on_lesion: Share of the evidence against Normal that lies on the drawn lesion, float64 (n,);
            NaN where none is drawn. None where it was on no film.
        hit: Likewise how far the hottest cell is covered by it, in [0, 1].
    """

    log_p: np.ndarray
    allowed: np.ndarray
    fraction_in_lungs: np.ndarray
    records: tuple[Record, ...]
    on_lesion: np.ndarray | None = None
    hit: np.ndarray | None = None


def internal_scores(predictions: ValidationPredictions) -> dict[str, float]:
    """Loss, accuracy, macro one-against-rest AUROC and share of evidence in the lungs.

    Accuracy counts a film right whose predicted class its label allows; the AUROCs take only films
    whose label is one class.
    """
    log_p, allowed = predictions.log_p, predictions.allowed
    single = allowed.sum(axis=1) == 1
    aurocs = [
        roc_auc_score(allowed[single, k], log_p[single, k])
        for k in range(allowed.shape[1])
        if 0 < allowed[single, k].sum() < single.sum()
    ]
    likelihood = (np.exp(log_p) * allowed).sum(axis=1)
    right = np.take_along_axis(allowed, log_p.argmax(axis=1)[:, None], 1)
    return {
        "val_loss": float(-np.log(np.maximum(likelihood, 1e-12)).mean()),
        "val_accuracy": float(right.mean()),
        "val_auc": float(np.mean(aurocs)) if aurocs else float("nan"),
        "val_inside": float(predictions.fraction_in_lungs.mean()),
        **_lesion_scores(predictions, "val"),
    }


def _lesion_scores(predictions: ValidationPredictions, name: str) -> dict[str, float]:
    """Mean share of heat on the lesion and mean hit, over the films with a drawn lesion."""
    if predictions.on_lesion is None or predictions.hit is None:
        return {}
    return {
        f"heat_{name}": float(np.nanmean(predictions.on_lesion)),
        f"hit_{name}": float(np.nanmean(predictions.hit)),
    }


def check_external(external: Sequence[Sequence[Record]], classes: Sequence[str]) -> None:
    """Refuses films that no epoch can be chosen on.

    Raises:
        ArgumentError: If there are several sets of one source, the network knows no normal film, a
            source has none with pneumonia, or there is no normal one to compare with.
    """
    if not external:
        return
    if NORMAL not in classes:
        raise ArgumentError(f"choosing on external films needs the class {NORMAL}.")
    sources = [records[0].source for records in external]
    if len(set(sources)) < len(sources):
        raise ArgumentError(
            f"external films must be of different sources. Received: {', '.join(sources)}"
        )
    found = [{LABEL_SCHEMES["pneumonia"].label(record.label) for record in one} for one in external]
    if not all(labels - {NORMAL, None} for labels in found) or NORMAL not in set().union(*found):
        raise ArgumentError("choosing on external films needs normal films and others.")


def external_scores(
    external: Sequence[ValidationPredictions], classes: Sequence[str]
) -> dict[str, float]:
    """AUROC of any pneumonia against normal on each source never trained on, and its heat.

    The heat is that of the films with a drawn lesion: `heat_<source>`, its mean share on the
    lesion, and `hit_<source>`, how often its hottest cell is on it.

    The positives of a source are compared with the normals of all of them: one source may have
    hardly any normals of its own.

    Raises:
        ArgumentError: See `check_external`.
    """
    if not external:
        return {}
    check_external([one.records for one in external], classes)
    view = LABEL_SCHEMES["pneumonia"]
    normal = list(classes).index(NORMAL)
    labels = [[view.label(record.label) for record in one.records] for one in external]
    negatives = np.concatenate(
        [
            one.log_p[[label == NORMAL for label in names], normal]
            for one, names in zip(external, labels, strict=True)
        ]
    )
    scores = {}
    for one, names in zip(external, labels, strict=True):
        positives = one.log_p[[label not in (NORMAL, None) for label in names], normal]
        truth = np.repeat([0, 1], [len(negatives), len(positives)])
        found = roc_auc_score(truth, -np.concatenate([negatives, positives]))
        scores[f"auc_{one.records[0].source}"] = float(found)
    for one in external:
        scores |= _lesion_scores(one, one.records[0].source)
    return scores


def selection_score(internal: dict[str, float], external: dict[str, float]) -> float:
    """What the best epoch has most of.

    Half the internal AUROC, half the mean external one: the internal one alone rises while a
    network learns to tell hospitals. Where lesions are drawn on external films, the mean of that
    and of the mean share of heat on them, which depends less on single films than how often they
    are hit does. Without external films, minus the internal loss.
    """
    if not external:
        return -internal["val_loss"]

    aurocs, heatmap = (
        [value for name, value in external.items() if name.startswith(prefix)]
        for prefix in ("auc_", "heat_")
    )
    answers = float(np.mean([internal["val_auc"], *([np.mean(aurocs)] if aurocs else [])]))
    return (answers + float(np.mean(heatmap))) / 2 if heatmap else answers


DIVERGED = "the loss is no longer finite: lower the rate (--lr), or look for one with lr-find."


def predict(
    learner: Learner, films: ImageArray, classes: Sequence[str], *, mirrored: bool = False
) -> ValidationPredictions:
    """Runs a learner over films as they are.

    Args:
        learner: See `compile_for`.
        films: What to look at.
        classes: Names of the learner's classes.
        mirrored: Whether its probabilities are the mean of those of a film and of its mirror image.

    Raises:
        DivergedError: If a logit is not finite.
    """
    grid = learner.outputs[1].shape[1:3]
    kernel = keras.ops.convert_to_numpy(learner.head.kernel).astype(np.float32)
    # Centred, so that a class's map is its evidence against the other classes.
    kernel = kernel - kernel.mean(axis=1, keepdims=True)
    batches = BatchSequence(films, classes, grid, batch_size=learner.recipe.batch_size)
    found, shares, lesions = [], [], []
    # What speaks for disease speaks against Normal; where there is no such class, for what is said.
    abnormal = -kernel[:, list(classes).index(NORMAL)] if NORMAL in classes else None
    for index in range(len(batches)):
        pixels, truth, _ = batches[index]
        logits, features = (np.asarray(a, np.float32) for a in learner.predict_on_batch(pixels))
        if not np.isfinite(logits).all():
            raise DivergedError(DIVERGED)
        maps = np.maximum(features @ kernel, 0.0)
        own = np.take_along_axis(maps, logits.argmax(axis=1)[:, None, None, None], 3)[..., 0]
        total = own.sum(axis=(1, 2))
        inside = (own * truth["lungs"]).sum(axis=(1, 2))
        shares.append(np.divide(inside, total, out=np.zeros_like(total), where=total > 0))
        if films.lesions is not None:
            heatmap = own if abnormal is None else np.maximum(features @ abnormal, 0.0)
            lesions += [_on_lesion(*pair) for pair in zip(heatmap, truth["lesions"], strict=True)]
        log_p = log_softmax(logits.astype(np.float64), axis=1)
        if mirrored:
            turned = np.asarray(learner.predict_on_batch(pixels[:, :, ::-1])[0], np.float64)
            log_p = np.logaddexp(log_p, log_softmax(turned, axis=1)) - np.log(2.0)
        found.append(log_p)
    log_p = np.concatenate(found)
    heatmap = (np.array(lesions)[:, 0], np.array(lesions)[:, 1]) if lesions else (None, None)
    return ValidationPredictions(
        log_p, films.targets(classes), np.concatenate(shares), films.records, *heatmap
    )


def _on_lesion(heatmap: np.ndarray, lesion: np.ndarray) -> tuple[float, float]:
    """Share of the heat (h, w) on a lesion (h, w), and how far its hottest cell is; NaN if none."""
    if not lesion.any():
        return float("nan"), float("nan")
    total = heatmap.sum()
    share = float((heatmap * lesion).sum() / total) if total > 0 else 0.0
    return share, float(lesion[heatmap == heatmap.max()].mean())


def scores_of(
    learner: Learner,
    internal: ImageArray,
    external: Sequence[ImageArray],
    classes: Sequence[str],
    *,
    mirrored: bool = False,
) -> tuple[dict[str, float], dict[str, float]]:
    """`internal_scores` and `external_scores` of what a learner says; arguments as of `predict`."""
    own, *others = (
        predict(learner, one, classes, mirrored=mirrored) for one in (internal, *external)
    )
    return internal_scores(own), external_scores(others, classes)
