"""What a network in training says about films that it does not train on."""

from collections.abc import Sequence

import keras
import numpy as np
from scipy.special import log_softmax

from xraycore.data.labels import NORMAL
from xraycore.training.choosing import Verdicts, external_scores, home_scores
from xraycore.training.images import Batches, Films
from xraycore.training.learner import Learner

DIVERGED = "the loss is no longer finite: lower the rate (--lr), or look for one with lr-find."


def judge(
    learner: Learner, films: Films, classes: Sequence[str], *, mirrored: bool = False
) -> Verdicts:
    """Runs a learner over films as they are.

    Args:
        learner: See `compile_for`.
        films: What to look at.
        classes: Names of the learner's classes.
        mirrored: Whether its probabilities are the mean of those of a film and of its mirror image.

    Raises:
        ValueError: If a logit is not finite.
    """
    grid = learner.outputs[1].shape[1:3]
    kernel = keras.ops.convert_to_numpy(learner.head.kernel).astype(np.float32)
    # Centred, so that a class's map is its evidence against the other classes.
    kernel = kernel - kernel.mean(axis=1, keepdims=True)
    batches = Batches(films, classes, grid, batch_size=learner.recipe.batch_size)
    found, shares, lesions = [], [], []
    # What speaks for disease speaks against Normal; where there is no such class, for what is said.
    ill = -kernel[:, list(classes).index(NORMAL)] if NORMAL in classes else None
    for index in range(len(batches)):
        pixels, truth, _ = batches[index]
        logits, features = (np.asarray(a, np.float32) for a in learner.predict_on_batch(pixels))
        if not np.isfinite(logits).all():
            raise ValueError(DIVERGED)
        maps = np.maximum(features @ kernel, 0.0)
        own = np.take_along_axis(maps, logits.argmax(axis=1)[:, None, None, None], 3)[..., 0]
        total = own.sum(axis=(1, 2))
        inside = (own * truth["lungs"]).sum(axis=(1, 2))
        shares.append(np.divide(inside, total, out=np.zeros_like(total), where=total > 0))
        if films.lesions is not None:
            heat = own if ill is None else np.maximum(features @ ill, 0.0)
            lesions += [_on_lesion(*pair) for pair in zip(heat, truth["lesions"], strict=True)]
        log_p = log_softmax(logits.astype(np.float64), axis=1)
        if mirrored:
            turned = np.asarray(learner.predict_on_batch(pixels[:, :, ::-1])[0], np.float64)
            log_p = np.logaddexp(log_p, log_softmax(turned, axis=1)) - np.log(2.0)
        found.append(log_p)
    log_p = np.concatenate(found)
    heat = (np.array(lesions)[:, 0], np.array(lesions)[:, 1]) if lesions else (None, None)
    return Verdicts(log_p, films.targets(classes), np.concatenate(shares), films.records, *heat)


def _on_lesion(heat: np.ndarray, lesion: np.ndarray) -> tuple[float, float]:
    """Share of the heat (h, w) on a lesion (h, w), and how far its hottest cell is; NaN if none."""
    if not lesion.any():
        return float("nan"), float("nan")
    total = heat.sum()
    share = float((heat * lesion).sum() / total) if total > 0 else 0.0
    return share, float(lesion[heat == heat.max()].mean())


def scores_of(
    learner: Learner,
    home: Films,
    external: Sequence[Films],
    classes: Sequence[str],
    *,
    mirrored: bool = False,
) -> tuple[dict[str, float], dict[str, float]]:
    """`home_scores` and `external_scores` of what a learner says; arguments as of `judge`."""
    own, *abroad = (judge(learner, one, classes, mirrored=mirrored) for one in (home, *external))
    return home_scores(own), external_scores(abroad, classes)
