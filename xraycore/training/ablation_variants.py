"""The lines of the ablation tables: what each changes, and which films it is trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from xraycore.datasets.labels import LABEL_SCHEMES, NORMAL, members
from xraycore.datasets.manifest import Manifest
from xraycore.training.config import DOMAIN_RANDOM, STYLES


@dataclass(frozen=True)
class Variant:
    """One line of the ablation table.

    Attributes:
        name: What it adds; with a plus, to the line above.
        changes: What `TrainingConfig` has otherwise than the table's own recipe.
        sets: Whether films whose label is a set of classes are trained on.
        mirrored: Whether the network of the line above is asked of mirror images too (see
            `predict`), instead of a training.
        without: Sources whose films are not trained on; None for all that were added.
        drawn: Share of the drawn lesions that are known; the other films with one are as if nobody
            had drawn there.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    sets: bool = True
    mirrored: bool = False
    without: tuple[str, ...] | None = ()
    drawn: float = 1.0


_OFF = {"lung_loss_weight": 0.0}
SHORTCUTS = (
    Variant("whole film", {**_OFF, "view": "film"}, sets=False),
    Variant("+ lung-field crop", _OFF, sets=False),
    Variant("+ loss on evidence outside the lungs", sets=False),
    Variant("+ labels that are sets"),
    # Painted opacities are lesions, of the weight that they had as lungs.
    Variant(
        "+ opacities painted into normal films",
        {"lesion_loss_weight": 1.0, "synthetic_opacity_rate": 0.5},
    ),
    Variant("with set labels, not painted; weights averaged over steps", {"ema_momentum": 0.99}),
    Variant("+ mirror images asked too", {"ema_momentum": 0.99}, mirrored=True),
)

_BEFORE = {"lesion_loss_weight": 0.0, "against": "others", "phantoms": 0}
_PLAIN = {"phantoms": 0}
# What is added to the preset "tune", and what it has itself, the line "+ generated films".
LESIONS = (
    Variant("as before: evidence in the lungs", _BEFORE, without=None),
    Variant("+ evidence on the drawn lesion", {**_BEFORE, "lesion_loss_weight": 6.0}, without=None),
    Variant("+ evidence against Normal", _PLAIN, without=None),
    Variant("+ more hospitals", _PLAIN),
    Variant("+ generated films"),
    Variant("with these, a third of the weight on lesions", {"lesion_loss_weight": 2.0}),
    Variant("with these, twice the weight on lesions", {"lesion_loss_weight": 12.0}),
    Variant("with these, half of the drawings", drawn=0.5),
    Variant("with these, a tenth of the drawings", drawn=0.1),
    Variant("with these, normal films pay for evidence of disease", {"normal_loss_weight": 0.3}),
    Variant("with these, squared logits cost", {"decoupling": 0.01}),
    Variant("with these, no label smoothing", {"label_smoothing": 0.0}),
    Variant("with these, weights averaged over steps", {"ema_momentum": 0.99}),
    Variant("with these, grey curve and sharpness as they are", {"augmentation": DOMAIN_RANDOM}),
    Variant("with these, three times the noise", {"augmentation": replace(STYLES, noise=0.09)}),
    Variant("with these, opacities painted into normal films", {"synthetic_opacity_rate": 0.3}),
)
TABLES: Mapping[str, tuple[Variant, ...]] = {"shortcuts": SHORTCUTS, "lesions": LESIONS}


def films_of(manifest: Manifest, variant: Variant, added: Sequence[str]) -> Manifest:
    """The films of a variant: validation is the same for all."""
    classes = manifest.classes
    without = added if variant.without is None else variant.without

    def is_trained_on(label: str, source: str) -> bool:
        return source not in without and (variant.sets or len(members(label, classes)) == 1)

    records = [
        record
        for record in manifest.records
        if record.split != "train" or is_trained_on(record.label, record.source)
    ]
    drawn = [r for r in records if r.split == "train" and r.lesion is not None]
    # Evenly, so that every source keeps its share.
    unknown = {
        id(record)
        for number, record in enumerate(drawn)
        if int((number + 1) * variant.drawn) == int(number * variant.drawn)
    }
    return Manifest(tuple(replace(r, lesion=None) if id(r) in unknown else r for r in records))


def left_out_films(manifest: Manifest, variant: Variant) -> list[Manifest]:
    """The validation films of each source that a variant names, where some of them are abnormal."""
    scheme = LABEL_SCHEMES["pneumonia"]
    found = [
        tuple(record for record in manifest.split("val") if record.source == source)
        for source in variant.without or ()
    ]
    abnormal = [
        any(scheme.label(r.label) not in (NORMAL, None) for r in records) for records in found
    ]
    return [Manifest(records) for records, has in zip(found, abnormal, strict=True) if has]
