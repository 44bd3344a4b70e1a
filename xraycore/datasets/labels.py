"""Class names: the four of the shipped models, their aliases in public data sets, and the views."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xraycore.errors import ArgumentError

NORMAL, BACTERIAL, VIRAL, COVID = CHEST4 = (
    "Normal",
    "Bacterial pneumonia",
    "Viral pneumonia",
    "COVID-19",
)

# Of the 133-image teaching set. Elsewhere 1 may well be pneumonia.
CODES: Mapping[str, str] = {"0": COVID, "1": NORMAL, "2": VIRAL, "3": BACTERIAL}

# In any case and order of words, whatever stands between these: see `canonical_label`.
ALIASES: Mapping[str, str] = {
    "normal": NORMAL,
    "healthy": NORMAL,
    "no finding": NORMAL,
    "no findings": NORMAL,
    "bacteria": BACTERIAL,
    "bacterial": BACTERIAL,
    "bacterial pneumonia": BACTERIAL,
    "pneumonia bacteria": BACTERIAL,
    "virus": VIRAL,
    "viral": VIRAL,
    "viral pneumonia": VIRAL,
    "pneumonia virus": VIRAL,
    "covid": COVID,
    "covid19": COVID,
    "covid 19": COVID,
    "covid pneumonia": COVID,
    "covid19 pneumonia": COVID,
    "covid 19 pneumonia": COVID,
    "sars cov 2": COVID,
    "pneumonia": "Pneumonia",
    "pnemonia": "Pneumonia",  # So in CoronaHack's table.
    "neumonia": "Pneumonia",
    "lung opacity": "Pneumonia",
    "opacity": "Opacity",
}


def _words(name: str) -> str:
    """A name's words in alphabetical order, without case, accents' spelling or what parts them."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(sorted(re.findall(r"[^\W_]+", folded)))


_BY_WORDS = {_words(name): label for name, label in ALIASES.items()}

# A label that tells no more than a set of classes: which of them it is, nobody wrote down.
SETS: Mapping[str, tuple[str, ...]] = {
    "Pneumonia": (BACTERIAL, VIRAL),
    "Opacity": (BACTERIAL, VIRAL, COVID),
}


def _known_label(name: str) -> str | None:
    """The class of a name, of a numbered one (`0_normal`), or of one below pneumonia.

    Of `Pneumonia/Viral/COVID-19`, as Cohen et al. write (arXiv:2006.11988), the innermost known
    part counts; of `Normal/Abnormal` none.
    """
    parts = name.split("/")
    if len(parts) > 1 and _known_label(parts[0]) in SETS:
        return next(label for part in reversed(parts) if (label := _known_label(part)))
    return _BY_WORDS.get(_words(name)) or _BY_WORDS.get(_words(re.sub(r"^\s*\d+[\W_]+", "", name)))


def canonical_label(name: str) -> str:
    """The class that a folder or CSV label stands for; an unknown name is kept as it is.

    >>> [canonical_label(name) for name in ("Pneumonia-Bacterial", "healthy", "Oedema ")]
    ['Bacterial pneumonia', 'Normal', 'Oedema']
    """
    # Composed letters: macOS takes folders' names apart.
    return _known_label(name) or unicodedata.normalize("NFC", name.strip())


def is_known(name: str) -> bool:
    """Whether a name stands for a class, or a set of them, that models may know."""
    return _known_label(name) is not None


def canonical_labels(names: Iterable[str]) -> dict[str, str]:
    """Each label of one data set -> the class that it stands for, see `canonical_label`.

    `CODES` are read as such only where a data set's labels are these four and no others.
    """
    unique = set(names)
    coded = {name.strip() for name in unique} == set(CODES)
    return {name: CODES[name.strip()] if coded else canonical_label(name) for name in unique}


def parse_classes(text: str) -> dict[str, str]:
    """Maps each canonical label to the class it trains as, from `--classes`.

    A label that is not named is left out of the data set.

    >>> parse_classes("Normal; Pneumonia = bacteria | virus")
    {'Normal': 'Normal', 'Bacterial pneumonia': 'Pneumonia', 'Viral pneumonia': 'Pneumonia'}

    Raises:
        ArgumentError: If a class is empty or a label is named twice.
    """
    mapping: dict[str, str] = {}
    for part in text.split(";"):
        name, _, members = (piece.strip() for piece in part.partition("="))
        for member in members.split("|") if members else [name]:
            label = canonical_label(member)
            if not name or not label:
                raise ArgumentError(
                    "--classes expects 'CLASS; CLASS = LABEL | LABEL', every part named. "
                    f"Received: {text!r}"
                )
            if label in mapping:
                raise ArgumentError(
                    f"--classes names the label {label!r} twice. Received: {text!r}"
                )
            mapping[label] = canonical_label(name) if not members else name
    return mapping


def order_classes(labels: Iterable[str]) -> tuple[str, ...]:
    """Unique labels in a fixed order: the four known classes as in `CHEST4`, then by name."""
    rank = {label: index for index, label in enumerate(CHEST4)}
    return tuple(sorted(set(labels), key=lambda label: (rank.get(label, len(rank)), label)))


def class_names(labels: Iterable[str]) -> tuple[str, ...]:
    """The classes among labels: without those that stand for a set of the others."""
    unique = set(labels)
    return order_classes(
        label for label in unique if label not in SETS or not unique.issuperset(SETS[label])
    )


def members(label: str, classes: Sequence[str]) -> tuple[str, ...]:
    """The classes that a label allows: itself, or the set it stands for; none if it is neither."""
    if label in classes:
        return (label,)
    allowed = SETS.get(label, ())
    return allowed if set(allowed) <= set(classes) else ()


@dataclass(frozen=True)
class LabelScheme:
    """A coarser reading of the four classes: each of its classes sums some of theirs."""

    name: str
    title: str
    members: Mapping[str, tuple[str, ...]]

    @property
    def classes(self) -> tuple[str, ...]:
        """The view's class names, in order."""
        return tuple(self.members)

    def probabilities(self, values: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """Probabilities (n, view classes) from a model's (n, classes).

        A class that the view leaves out is conditioned away: the rest is scaled to sum to 1.

        Raises:
            ArgumentError: If the model lacks a class that the view needs.
        """
        missing = [m for group in self.members.values() for m in group if m not in classes]
        if missing:
            raise ArgumentError(
                f"The view {self.name!r} needs the classes {', '.join(missing)}, which this model "
                f"lacks. It has: {', '.join(classes)}"
            )
        columns = [
            values[:, [classes.index(member) for member in group]].sum(axis=1)
            for group in self.members.values()
        ]
        summed = np.stack(columns, axis=1)
        total = summed.sum(axis=1, keepdims=True)
        return np.divide(
            summed, total, out=np.full_like(summed, 1 / summed.shape[1]), where=total > 0
        )

    def label(self, label: str) -> str | None:
        """The view's class of one of the four labels, or None where the view leaves it out."""
        for name, group in self.members.items():
            if label in group or label == name or set(SETS.get(label, (None,))) <= set(group):
                return name
        return None


LABEL_SCHEMES: Mapping[str, LabelScheme] = {
    view.name: view
    for view in (
        LabelScheme("chest4", "Four classes", {label: (label,) for label in CHEST4}),
        LabelScheme(
            "pneumonia",
            "Normal / Pneumonia",
            {NORMAL: (NORMAL,), "Pneumonia": (BACTERIAL, VIRAL, COVID)},
        ),
        LabelScheme(
            "covid3",
            "COVID-19 / Normal / Viral",
            {COVID: (COVID,), NORMAL: (NORMAL,), VIRAL: (VIRAL,)},
        ),
    )
}


def get_label_scheme(name: str) -> LabelScheme:
    """The view of that name.

    Raises:
        ArgumentError: If there is none.
    """
    if name not in LABEL_SCHEMES:
        raise ArgumentError(f"view must be one of {', '.join(LABEL_SCHEMES)}. Received: {name!r}")
    return LABEL_SCHEMES[name]
