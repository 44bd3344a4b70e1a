"""Hiding pixels so that a network cannot tell that they were hidden."""

import numpy as np
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from xraycore.errors import ArgumentError

# What a pixel's neighbours tell of it: those at its sides more than those at its corners.
_SIDE, _CORNER = 1 / 6, 1 / 12
_NEIGHBOURS = [
    (dy, dx, _CORNER if dy and dx else _SIDE) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx
]


def linear_imputation(film: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """A film with pixels replaced by the weighted mean of their eight neighbours.

    ROAD's imputation (Rong et al. 2022, arXiv:2202.00449) before its noise. Neighbours may be
    replaced themselves, so the values solve one sparse linear system; the result is smooth, and the
    shape of what was hidden leaves no edge. At the border the weights of the neighbours that there
    are count.

    Args:
        film: Float (h, w).
        pixels: Int (n,), flat indices, fewer than there are pixels.

    Returns:
        Float32 (h, w).

    Raises:
        ArgumentError: If all pixels are to be replaced.
    """
    if len(pixels) >= film.size:
        raise ArgumentError(
            f"expected some pixels to remain. Received {len(pixels)} of {film.size}"
        )
    if not len(pixels):
        return film.astype(np.float32)
    height, width = film.shape
    unknown = np.full(film.size, -1)
    unknown[pixels] = np.arange(len(pixels))
    values = film.astype(np.float64).ravel()
    weights, known = np.zeros(len(pixels)), np.zeros(len(pixels))
    rows, columns, entries = [], [], []
    y, x = np.divmod(np.asarray(pixels), width)
    for dy, dx, weight in _NEIGHBOURS:
        inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
        here = np.flatnonzero(inside)
        there = (y[here] + dy) * width + x[here] + dx
        weights[here] += weight
        solved = unknown[there] >= 0
        known[here[~solved]] += weight * values[there[~solved]]
        rows.append(here[solved])
        columns.append(unknown[there[solved]])
        entries.append(np.full(int(solved.sum()), -weight))
    every = np.arange(len(pixels))
    system = csc_matrix(
        (
            np.concatenate([weights, *entries]),
            (np.concatenate([every, *rows]), np.concatenate([every, *columns])),
        )
    )
    # The system is symmetric and its diagonal dominates: no pivoting, an ordering to match.
    options = {"SymmetricMode": True}
    factors = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
    values[pixels] = factors.solve(known)
    return values.reshape(height, width).astype(np.float32)
