"""Films on which a network looks at the same place: clusters of heatmaps find its habits."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

# Clusters that are looked for; neighbours of a film in the graph of films.
MOST_CLUSTERS, NEIGHBOURS = 8, 10
# Of fewer films with heat there are no habits to find.
FEWEST = 20
# So many take a few seconds.
MOST_FILMS = 2000
# An eigenvalue below this is 0, one for each part that the graph falls into.
_TINY = 1e-3


@dataclass(frozen=True, eq=False)
class HeatCluster:
    """Films on which heat lies alike.

    Attributes:
        places: Their indices, (m,).
        mean: Float32 (h, w), their mean map, which sums to 1.
    """

    places: np.ndarray = field(repr=False)
    mean: np.ndarray = field(repr=False)


def cluster_heatmaps(heatmaps: np.ndarray, *, seed: int = 0) -> list[HeatCluster]:
    """Clusters of maps, the largest first; none of fewer than 20 films with heat.

    Spectral relevance analysis, SpRAy (Lapuschkin et al. 2019, doi:10.1038/s41467-019-08987-4):
    spectral clustering of small maps (Ng, Jordan & Weiss 2001), as many clusters as the largest
    relative gap between eigenvalues of the graph's Laplacian says. Of more than 2,000 films a draw
    by lot is clustered.

    Args:
        heatmaps: Float (n, h, w), not negative, raw or summing to 1; films without heat are left
            out.
        seed: Of the draw and of the clustering's start.
    """
    from scipy.linalg import eigh
    from scipy.sparse.csgraph import laplacian
    from sklearn.cluster import KMeans
    from sklearn.neighbors import kneighbors_graph

    sums = heatmaps.sum(axis=(1, 2))
    films = np.flatnonzero(sums > 0)
    if len(films) > MOST_FILMS:
        films = np.sort(np.random.default_rng(seed).choice(films, MOST_FILMS, replace=False))
    if len(films) < FEWEST:
        return []
    maps = heatmaps[films] / sums[films, None, None]
    flat = maps.reshape(len(films), -1)
    graph = kneighbors_graph(flat, min(NEIGHBOURS, len(films) - 1), include_self=True)
    affinity = 0.5 * (graph + graph.T)
    most = min(MOST_CLUSTERS, len(films) // 5)
    # Not scikit-learn's own spectral clustering: it warns of a graph that falls into parts, which
    # is what clusters that lie well apart make of it, and does not tell the eigenvalues.
    values, vectors = eigh(laplacian(affinity, normed=True).toarray(), subset_by_index=[0, most])
    # Between the last eigenvalue of the clusters and the next, as a share of that: those of a graph
    # grow by themselves. One cluster is no answer.
    gaps = np.diff(values) / (values[1:] + _TINY)
    count = 2 + int(gaps[1:].argmax())
    rows = vectors[:, :count]
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    labels = KMeans(count, n_init=10, random_state=seed).fit_predict(rows)
    found = [
        HeatCluster(films[labels == label], maps[labels == label].mean(axis=0))
        for label in np.unique(labels)
    ]
    return sorted(found, key=lambda one: -len(one.places))


def order_by_lungs(
    clusters: Sequence[HeatCluster], in_lungs: np.ndarray
) -> list[tuple[HeatCluster, float]]:
    """Clusters with the mean share (n,) of their films' heat in the lungs, the least first.

    NaN, and last, where no lungs were found on any of a cluster's films.
    """
    shares = []
    for one in clusters:
        known = in_lungs[one.places]
        known = known[~np.isnan(known)]
        shares.append((one, float(known.mean()) if len(known) else float("nan")))
    return sorted(shares, key=lambda pair: (np.isnan(pair[1]), pair[1]))
