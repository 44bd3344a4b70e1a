"""Making the indexes of trained models: all of them in one walk over the films."""

from collections.abc import Sequence

from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.datasets.manifest import Manifest
from xraycore.errors import ArgumentError
from xraycore.models.classifier import Classifier
from xraycore.retrieval.feature_store import FeatureStore
from xraycore.retrieval.features import gather_features
from xraycore.retrieval.index import SPLITS, FeatureIndex, fit_index
from xraycore.utils.progress import Progress, ProgressCallback, ignore, part_of


def build_indexes(
    models: Sequence[Classifier],
    manifest: Manifest,
    *,
    partial: bool = False,
    command: str | None = None,
    store: FeatureStore | None = None,
    report: ProgressCallback = ignore,
) -> dict[str, FeatureIndex]:
    """Model -> the index of its training and validation films; test films are not looked at.

    Args:
        models: Trained on these films.
        manifest: Their data sets, split as for their training.
        partial: Whether a part of what they were trained on will do.
        command: Command line to note down.
        store: Where what networks found lies, see `gather_features`.
        report: Called after every few films.

    Raises:
        ArgumentError: If a model was trained on other films, or none can be read.
    """
    digest = manifest.fingerprint()
    complete = {one.spec.name: _trained_on(one) == digest for one in models}
    others = [name for name, all_of_them in complete.items() if not all_of_them]
    if others and not partial:
        raise ArgumentError(
            f"expected the films that {', '.join(others)} learnt from, split the same way: a "
            f"manifest {_trained_on(models[list(complete).index(others[0])])[:12]}…. Received: "
            f"{digest[:12]}…. --partial makes an index of a part of them."
        )
    if partial:
        known = set.intersection(*(set(one.card.get("data", {})) for one in models))
        if unknown := {record.source for record in manifest.records} - known:
            raise ArgumentError(
                f"expected data sets that all of the models learnt from: {', '.join(sorted(known))}"
                f". Received: {', '.join(sorted(unknown))}"
            )
    records = [record for record in manifest.records if record.split in SPLITS]
    gathered = gather_features(models, records, store, part_of(report, 0, 1.05))
    found = {}
    for number, one in enumerate(models):
        report(Progress(0.95 + 0.05 * number / len(models), f"fitting {one.spec.title}"))
        note = {
            "model": one.spec.name,
            "weights_sha256": one.card["weights"]["sha256"],
            "lungs_sha256": segmenter_sha256(),
            "complete": complete[one.spec.name],
            "manifest_sha256": digest,
            "command": command,
        }
        found[one.spec.name] = fit_index(gathered[one.spec.name], note)
    return found


def _trained_on(model: Classifier) -> str:
    return model.card.get("training", {}).get("manifest_sha256", "unknown")
