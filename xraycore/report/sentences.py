"""What was measured, in sentences."""

from collections.abc import Mapping

import numpy as np

from xraycore.metrics.intervals import Score, wilson_interval
from xraycore.utils.text import percent

# Below it a difference is called one; the p-values are corrected for the number of pairs.
LEVEL = 0.05


def format_p(p: float | None) -> str:
    """A p-value as it is written in a sentence."""
    if p is None:
        return "p not defined"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def signed(value: float) -> str:
    """Three decimals with a sign, a minus and no hyphen."""
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def describe_delong(pair: Mapping, titles: Mapping[str, str]) -> str:
    """Whether two models' AUCs differ, as DeLong's test has it."""
    delong = pair["delong"]
    a, b = titles[pair["a"]], titles[pair["b"]]
    areas = f"AUC {delong['auc_a']:.3f} and {delong['auc_b']:.3f}"
    if delong["p_holm"] is None:
        return f"{a} and {b}: {areas}; the test has no answer here, since neither AUC varies."
    difference, low, high = (signed(delong[key]) for key in ("difference", "low", "high"))
    margin = f"difference {difference} ({low} to {high})"
    numbers = f"{areas}, {margin}, {format_p(delong['p_holm'])}"
    if delong["p_holm"] < LEVEL:
        return f"{a} and {b} differ: {numbers}."
    return f"No evidence of a difference between {a} and {b}: {numbers}."


def describe_mcnemar(pair: Mapping, titles: Mapping[str, str]) -> str:
    """Whether two models are right equally often, as McNemar's test has it."""
    test = pair["mcnemar"]
    a, b = titles[pair["a"]], titles[pair["b"]]
    films = test["only_a"] + test["only_b"]
    numbers = (
        f"of the {films:,} films that only one of them calls rightly, {a} has {test['only_a']:,} "
        f"and {b} {test['only_b']:,}, {format_p(test['p_holm'])}"
    )
    if not films:
        return f"{a} and {b} are right on exactly the same films."
    if test["p_holm"] < LEVEL:
        better, other = (a, b) if test["only_a"] > test["only_b"] else (b, a)
        return f"{better} is right more often than {other}: {numbers}."
    return f"No evidence that {a} or {b} is right more often: {numbers}."


def describe_calibration(
    title: str, ece: Score, probability: np.ndarray, target: np.ndarray
) -> str:
    """How far a model's stated probabilities are from how often it is right.

    Args:
        title: Of the model.
        ece: Its expected calibration error.
        probability: (n, k).
        target: Class indices, (n,).
    """
    confidence = float(probability.max(axis=1).mean())
    right = wilson_interval((probability.argmax(axis=1) == target).sum(), len(target))
    if right["low"] <= confidence <= right["high"]:
        lean = "no sign that it is too sure or not sure enough on the whole"
    elif confidence > right["value"]:
        lean = "too sure of itself (over-confident)"
    else:
        lean = "not sure enough (under-confident)"
    return (
        f"{title} gives its answers a probability of {percent(confidence, 1)} on average and is "
        f"right in {percent(right['value'], 1)} of films: {lean}. Its probability is off by "
        f"{100 * ece['value']:.1f} percentage points on average "
        f"(expected calibration error {ece['value']:.3f}, 95 % interval {ece['low']:.3f} to "
        f"{ece['high']:.3f})."
    )


def describe_thousand(at: Mapping, prevalence: float, finding: str) -> str:
    """What a threshold means for 1,000 people, in whole people.

    Args:
        at: What `at_threshold` returned.
        prevalence: In (0, 1).
        finding: The class that is looked for.
    """
    if at["sensitivity"] is None or at["specificity"] is None:
        return f"These films do not tell: they are all with {finding}, or all without."
    abnormal = round(1000 * prevalence)
    detections = round(abnormal * at["sensitivity"]["value"])
    false_alarms = round((1000 - abnormal) * (1 - at["specificity"]["value"]))
    called = detections + false_alarms
    text = (
        f"Of 1,000 people, {abnormal:,} with {finding}: it finds {detections:,} and misses "
        f"{abnormal - detections:,}; "
        f"it also calls {false_alarms:,} of the {1000 - abnormal:,} without it. "
    )
    if not called:
        return text + "Nobody is called positive."
    return text + f"Of {called:,} positive answers {detections:,} are right."
