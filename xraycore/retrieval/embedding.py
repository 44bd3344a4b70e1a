"""A data set as a network sees it, in the plane: films that it takes for alike lie near."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xraycore.datasets.manifest import Record
from xraycore.models.classifier import Classifier
from xraycore.retrieval.features import FilmFeatures, keep_features
from xraycore.utils.progress import ProgressCallback, ignore

# Of the features, what t-SNE is given (van der Maaten & Hinton 2008).
NUMBERS = 50
PERPLEXITY = 30
# Of fewer films there is no neighbourhood to keep.
FEWEST = 4


def principal_scores(features: FilmFeatures) -> FilmFeatures:
    """The features with at most 50 principal components in place of the pooled ones, (n, d).

    Of features at length 1, as `FeatureIndex` compares them.
    """
    lengths = np.linalg.norm(features.pooled, axis=1, keepdims=True)
    unit = features.pooled / np.where(lengths > 0, lengths, 1)
    centred = (unit - unit.mean(axis=0)).astype(np.float64)
    count = min(NUMBERS, *centred.shape)
    if centred.shape[0] < centred.shape[1]:
        values, left = np.linalg.eigh(centred @ centred.T)
        scores = left[:, ::-1][:, :count] * np.sqrt(np.maximum(values[::-1][:count], 0))
    else:
        _, found = np.linalg.eigh(centred.T @ centred)
        scores = centred @ found[:, ::-1][:, :count]
    # Either sign is right; always the same is better.
    largest = scores[np.abs(scores).argmax(axis=0), np.arange(count)]
    return replace(features, pooled=(scores * np.where(largest < 0, -1, 1)).astype(np.float32))


def embed(scores: np.ndarray) -> np.ndarray:
    """Places (n, 2) in the plane of films with these scores (n, d), by t-SNE; the same each time.

    Neighbourhoods mean something, distances between groups and axes do not. Of fewer than four
    films the first two scores.
    """
    films = len(scores)
    if films < FEWEST:
        padded = np.zeros((films, 2), np.float32)
        padded[:, : min(2, scores.shape[1])] = scores[:, :2]
        return padded
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (films - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="random", random_state=0)
    if scores.shape[1] >= 2 and np.ptp(scores[:, 0]) > 0:
        # From the components: groups lie where they lie in all of the data (Kobak & Berens 2019,
        # doi:10.1038/s41467-019-13056-x).
        start = scores[:, :2] / scores[:, 0].std() * 1e-4
        tsne = TSNE(perplexity=perplexity, init=start.astype(np.float32), random_state=0)
    return tsne.fit_transform(scores.astype(np.float32)).astype(np.float32)


def map_features(
    model: Classifier, records: Sequence[Record], report: ProgressCallback = ignore
) -> FilmFeatures:
    """What a network finds on films, with the scores that `embed` takes in place of features.

    Kept, see `keep_features`.

    Raises:
        ArgumentError: If none of the films can be read.
    """
    return principal_scores(keep_features(model, records, report))
