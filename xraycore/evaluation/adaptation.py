"""Fitting how a model's answers are read at one site, to local films: threshold and temperature."""

from collections.abc import Mapping, Sequence

import numpy as np

from xraycore.errors import ArgumentError
from xraycore.imaging.radiograph import Radiograph
from xraycore.metrics.calibration import fit_calibration
from xraycore.metrics.conformal import expected_share, fewest_for, lower_bound, upper_bound
from xraycore.metrics.intervals import defined_proportion
from xraycore.models.answer import find_scope, opacity_probability, tempered
from xraycore.models.classifier import Classifier, Prediction, batches
from xraycore.models.levels import ERROR_RATES
from xraycore.models.sites import SiteProfile, check_site_name
from xraycore.utils.checkpoints import Card
from xraycore.utils.progress import ProgressCallback, ignore
from xraycore.utils.text import percent, pluralise

# Fewer normal films do much already, but how much is left to chance; and of abnormal ones fewer
# tell nothing of a temperature.
FEW_NORMALS, FEW_ABNORMALS = 20, 10
SPECIFICITY = 0.9
RESAMPLES = 1000
# A site that finds fewer is told so.
LOW_SENSITIVITY = 0.8


def opacities_of(predictions: Sequence[Prediction]) -> tuple[np.ndarray, int]:
    """Probability of an opacity on each film that is answered for, (n,), and how many are not."""
    answered = [one for one in predictions if find_scope(one.warnings).inside]
    probabilities = np.array([opacity_probability(one.probabilities) for one in answered])
    return probabilities, len(predictions) - len(answered)


def read_opacities(
    model: Classifier, films: Sequence[Radiograph], report: ProgressCallback = ignore
) -> tuple[np.ndarray, int]:
    """What `opacities_of` tells of films that the model is asked about, a few at a time."""
    found: list[np.ndarray] = []
    silent = 0
    for part in batches(len(films), report):
        opacities, left = opacities_of(model.predict(films[part]))
        found.append(opacities)
        silent += left
    return np.concatenate([np.zeros(0), *found]), silent


def fit_site(
    name: str,
    card: Card,
    normal: np.ndarray,
    abnormal: np.ndarray | None = None,
    *,
    specificity: float = SPECIFICITY,
    fitted: Mapping[str, str] | None = None,
) -> SiteProfile:
    """A site's profile of a model, fitted to local films.

    The threshold is the bound that a further normal film exceeds with a chance of at most 1 -
    `specificity` (split conformal, see `xraycore.metrics.conformal`). With ten films or more of
    both kinds the log-odds get a temperature first (Guo et al. 2017, arXiv:1706.04599).

    Args:
        name: Of the site.
        card: The model's.
        normal: Probability of an opacity on local normal films, (n,): at home's calibration.
        abnormal: Likewise on local films with one.
        specificity: Share of normal films that are not to be called, in (0, 1).
        fitted: When and by which command, for whoever reads the profile.

    Raises:
        ArgumentError: If the films are too few for that specificity (9 for 90 %), the specificity
            is not in (0, 1), or the name cannot name a site.
    """
    check_site_name(name)
    if not 0 < specificity < 1:
        raise ArgumentError(f"specificity must lie between 0 and 1. Received: {specificity}")
    rate, with_opacity = (
        1 - specificity,
        np.zeros(0) if abnormal is None else np.asarray(abnormal, float),
    )
    if len(normal) < fewest_for(rate):
        raise ArgumentError(
            f"a specificity of {percent(specificity)} needs {fewest_for(rate)} local normal films "
            f"or more. Received: {len(normal)}"
        )
    temperature = _temperature(normal, with_opacity)
    clear, shown = (
        np.array([tempered(p, temperature) for p in part]) for part in (normal, with_opacity)
    )
    threshold = _above(upper_bound(clear, rate))
    rng = np.random.default_rng(0)
    drawn = [upper_bound(rng.choice(clear, len(clear)), rate) for _ in range(RESAMPLES)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    mean, worst, best = expected_share(len(clear), rate)
    found = defined_proportion(int((shown >= threshold).sum()), len(shown))
    return SiteProfile(
        name,
        card["model"],
        card["weights"]["sha256"],
        threshold,
        temperature,
        len(clear),
        len(shown),
        (float(low), float(high)),
        {
            "value": round(mean, 4),
            "low": round(worst, 4),
            "high": round(best, 4),
            "n": len(clear),
        },
        found,
        _sets(clear, shown, card, temperature),
        _warnings(len(clear), found, worst, best),
        dict(fitted or {}),
    )


def _above(bound: float) -> float:
    """The least threshold that does not call a film of that very probability."""
    return min(1.0, float(np.nextafter(bound, 2.0)))


def _temperature(normal: np.ndarray, abnormal: np.ndarray) -> float:
    if len(abnormal) < FEW_ABNORMALS or len(normal) < FEW_ABNORMALS:
        return 1.0
    p = np.clip(np.concatenate([normal, abnormal]), 1e-6, 1 - 1e-6)
    odds = np.log(p) - np.log1p(-p)
    positive = np.arange(len(p)) >= len(normal)
    allowed = np.stack([~positive, positive], axis=1).astype(float)
    logits = np.stack([np.zeros(len(odds)), odds], axis=1)
    return fit_calibration(logits, allowed, biased=False).temperature


def _sets(
    clear: np.ndarray, shown: np.ndarray, card: Card, temperature: float
) -> dict[str, dict[str, float]]:
    """Bounds by error rate: of local films where they are enough, of home for opacities else."""
    home = card.get("levels", {}).get("opacity", {}).get("sets", {})
    found = {}
    for rate in ERROR_RATES:
        key, enough = f"{rate:g}", len(shown) >= fewest_for(rate)
        if len(clear) < fewest_for(rate) or not (enough or key in home):
            continue
        opacity = (
            lower_bound(shown, rate) if enough else tempered(home[key]["opacity"], temperature)
        )
        found[key] = {"none": upper_bound(clear, rate), "opacity": opacity}
    return found


def _warnings(
    normals: int, found: Mapping[str, float] | None, worst: float, best: float
) -> tuple[str, ...]:
    warnings = []
    if normals < FEW_NORMALS:
        warnings.append(
            f"Only {pluralise(normals, 'normal film')}: of further ones {percent(worst)} to "
            f"{percent(best)} will not be called. {FEW_NORMALS} or more are wanted."
        )
    if found is None:
        warnings.append(
            "No local film with an opacity: nobody knows how many this threshold finds here, and "
            "probabilities are as at home."
        )
    elif found["value"] < LOW_SENSITIVITY:
        warnings.append(
            f"At this threshold only {percent(found['value'])} of the local films with an opacity "
            "are found."
        )
    return tuple(warnings)
