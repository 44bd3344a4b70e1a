"""Shortcut probes: does a network need the lungs, and does it tell hospitals from one another?"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xraycore.anatomy.crop import crop_inputs
from xraycore.datasets.labels import LABEL_SCHEMES, NORMAL
from xraycore.datasets.manifest import Record
from xraycore.imaging import RadiographError, read_radiograph
from xraycore.metrics.classification import auroc_score
from xraycore.metrics.intervals import Score
from xraycore.models.classifier import BATCH, Classifier
from xraycore.utils.progress import Progress, ProgressCallback, ignore

# What is left of a network's input, given the share of each pixel that lies in the lungs.
ALTERATIONS: Mapping[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "whole": ("the film as it is", np.ones_like),
    "lungs_blacked_out": ("the lungs blacked out", lambda lungs: (lungs < 0.5).astype("f4")),
    "outside_blacked_out": (
        "all but the lungs blacked out",
        lambda lungs: (lungs >= 0.5).astype("f4"),
    ),
}
MIN_FILMS, MIN_GROUPS = 40, 10
# Of each source and label, drawn by lot: every film is three passes, and the answer is a rough one.
MOST_FILMS = 150
FOLDS = 5


def probe(
    classifier: Classifier,
    records: Sequence[Record],
    report: ProgressCallback = ignore,
) -> dict:
    """Scores of a network on altered films, and whether its features tell their source.

    Args:
        classifier: A network that knows a normal class.
        records: Films of several classes, and best of several sources of one class.
        report: Called after every batch.

    Returns:
        `auc`: source -> alteration -> AUROC of any pneumonia against normal, with its interval;
        at most 150 films of each source and label, without those that have no plausible lungs, as
        nothing can be blacked out there. `source`: class -> how well a
        logistic regression on the pooled features names its films' source.
    """
    kept, pooled, probabilities = _run(classifier, _some(records), report)
    sources = sorted({record.source for record in kept})
    found = {
        source: _altered_scores(
            kept, np.array([r.source == source for r in kept]), probabilities, classifier.classes
        )
        for source in sources
    }
    return {
        "auc": {source: scores for source, scores in found.items() if scores},
        "source": source_probe(kept, pooled),
    }


def _some(records: Sequence[Record]) -> list[Record]:
    """At most `MOST_FILMS` of each source and label, in the order that they came in."""
    left: Counter[tuple[str, str]] = Counter()
    chosen = []
    for place in np.random.default_rng(0).permutation(len(records)):
        record = records[place]
        left[record.source, record.label] += 1
        if left[record.source, record.label] <= MOST_FILMS:
            chosen.append(place)
    return [records[place] for place in sorted(chosen)]


def _altered_scores(
    records: Sequence[Record],
    chosen: np.ndarray,
    probabilities: Mapping[str, np.ndarray],
    classes: Sequence[str],
) -> dict[str, Score | None] | None:
    """Alteration -> AUROC on the chosen films; None where they are all normal, or none is."""
    labels = [LABEL_SCHEMES["pneumonia"].label(record.label) for record in records]
    chosen = chosen & np.array([label is not None for label in labels])
    sick = np.array([label != NORMAL for label in labels])[chosen]
    if sick.all() or not sick.any():
        return None
    groups = [record.group for record in _of(records, chosen)]
    normal = list(classes).index(NORMAL)
    return {
        name: auroc_score(sick, 1.0 - values[chosen, normal], groups)
        for name, values in probabilities.items()
    }


def source_probe(records: Sequence[Record], features: np.ndarray) -> dict[str, dict]:
    """How well the source of films is told from features (n, c), within each class.

    Cross-validated over patients, so that a patient's films are not on both sides. 0.5 is chance;
    1 says that the features know the hospital. Labels with fewer than 40 films of two sources are
    left out, and those of fewer than ten patients: folds are of patients.
    """
    found = {}
    for label in sorted({record.label for record in records}):
        chosen = np.array([record.label == label for record in records])
        counts = Counter(record.source for record in records if record.label == label)
        patients = Counter(
            source for source, _ in {(r.source, r.group) for r in records if r.label == label}
        )
        sources = sorted(
            source
            for source, films in counts.items()
            if films >= MIN_FILMS and patients[source] >= MIN_GROUPS
        )
        chosen &= np.array([record.source in sources for record in records])
        if len(sources) < 2:
            continue
        y_true = np.array([sources.index(r.source) for r in _of(records, chosen)])
        groups = np.array([r.group for r in _of(records, chosen)])
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, C=0.01))
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
        guessed = cross_val_predict(
            model, features[chosen], y_true, groups=groups, cv=folds, method="predict_proba"
        )
        score = guessed[:, 1] if len(sources) == 2 else guessed
        auc = roc_auc_score(y_true, score, multi_class="ovr")
        found[label] = {
            "sources": sources,
            "films": int(chosen.sum()),
            "auroc": round(float(auc), 4),
        }
    return found


def _of(records: Sequence[Record], chosen: np.ndarray) -> list[Record]:
    return [record for record, keep in zip(records, chosen, strict=True) if keep]


def _run(
    classifier: Classifier, records: Sequence[Record], report: ProgressCallback
) -> tuple[list[Record], np.ndarray, dict[str, np.ndarray]]:
    """The films with lungs, their pooled features (n, c), and probabilities by alteration."""
    size = classifier.size
    kept, pooled = [], []
    logits: dict[str, list[np.ndarray]] = {name: [] for name in ALTERATIONS}
    for start in range(0, len(records), BATCH):
        films, read = [], []
        for record in records[start : start + BATCH]:
            try:
                films.append(read_radiograph(record.path))
                read.append(record)
            except RadiographError:
                continue
        inputs, masks = [], []
        for record, part in zip(read, crop_inputs(films, classifier.view, size), strict=True):
            if part.lungs.found:
                kept.append(record)
                inputs.append(part.grey)
                masks.append(part.lungs_on((size, size))[..., None])
        if inputs:
            whole, lungs = np.stack(inputs), np.stack(masks)
            for name, (_, left) in ALTERATIONS.items():
                found, features = classifier.forward(whole * left(lungs))
                logits[name].append(found)
                if name == "whole":
                    pooled.append(features.mean(axis=(1, 2)))
        report(Progress(min(1.0, (start + BATCH) / len(records))))
    if not kept:
        return [], np.zeros((0, 0)), {}
    return (
        kept,
        np.concatenate(pooled),
        {
            name: classifier.probabilities_of(np.concatenate(values))
            for name, values in logits.items()
        },
    )
