"""Films that are said to be of other hospitals, less those that are in the data sets already.

Public sets take films from one another and from the same articles: 33 of the 280 films of Cohen's
collection in `external/` stand in the COVID-19 Radiography Database, encoded anew.
"""

import logging
from collections.abc import Sequence

from xraycore.datasets.audit.duplicates import near_copies
from xraycore.datasets.index import ImageIndex, measure_images
from xraycore.datasets.manifest import Manifest
from xraycore.errors import DatasetError
from xraycore.utils.progress import ProgressCallback, ignore, part_of

logger = logging.getLogger(__name__)


def drop_overlap(
    external: Sequence[Manifest],
    known: Manifest,
    *,
    store: ImageIndex | None = None,
    report: ProgressCallback = ignore,
) -> list[Manifest]:
    """Leaves out films that are copies of a known film, and all other films of their patients.

    Args:
        external: Data sets that are to be strange to a network.
        known: What it was trained and tested on.
        store: Where what earlier readings measured lies; the answer is the same without.
        report: Called after each file.

    Returns:
        The external data sets, in their order. What cannot be read stays, for whoever says so.

    Raises:
        DatasetError: If nothing is left of one.
    """
    if not external:
        return []
    records = [record for one in (known, *external) for record in one.records]
    looking = part_of(report, activity="looking for copies of films")
    pairs, _ = measure_images(records, store, looking)
    ours = {record.path for record in known.records}
    is_ours = [record.path in ours for record, _ in pairs]
    groups = {
        pairs[copy.first if is_ours[copy.second] else copy.second][0].group
        for copy in near_copies([facts.fingerprint for _, facts in pairs])
        if is_ours[copy.first] != is_ours[copy.second]
    }
    strange = []
    for one in external:
        kept = tuple(r for r in one.records if r.path not in ours and r.group not in groups)
        if not kept:
            raise DatasetError(
                f"{one.records[0].source}: expected films that are not in the other data sets. "
                f"All {len(one.records)} are, or are of patients who are"
            )
        if left := len(one.records) - len(kept):
            logger.warning(
                "%s: %d of %d films are copies of films of the other data sets, or of the same "
                "patients, and were left out.",
                one.records[0].source,
                left,
                len(one.records),
            )
        strange.append(Manifest(kept))
    return strange
