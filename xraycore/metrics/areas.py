"""Areas under curves of many resamples at once."""

import numpy as np


def weighted_areas(
    positive: np.ndarray, probability: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """AUROC and average precision of samples, (r,) each; NaN without both kinds of films.

    As scikit-learn's, for a thousand samples at once.

    Args:
        positive: Which films are, (n,).
        probability: The higher, the more like the positive ones, (n,).
        weights: How often each film is in each sample, (r, n).
    """
    order = np.argsort(-probability, kind="stable")
    # Films of the same probability are called together: a curve has no points between them.
    ends = np.append(np.flatnonzero(np.diff(probability[order])), len(order) - 1)
    ordered = weights[:, order]
    called = ordered.cumsum(axis=1)[:, ends]
    hits = (ordered * positive[order]).cumsum(axis=1)[:, ends]
    new_hits, new_calls = (np.diff(counts, axis=1, prepend=0) for counts in (hits, called))
    # Each false call passes over the positives called before it, and half of those called with it.
    ordered_pairs = ((new_calls - new_hits) * (hits - new_hits / 2)).sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
    positives, negatives = hits[:, -1], called[:, -1] - hits[:, -1]
    auprc = ratio((new_hits * precision).sum(axis=1), np.where(negatives > 0, positives, 0))
    return ratio(ordered_pairs, positives * negatives), auprc


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The part's share of the whole, elementwise; NaN of nothing."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
