"""From what a data set says of a film to the one label that it is used with, by stated rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from xraycore.datasets.labels import (
    BACTERIAL,
    COVID,
    NORMAL,
    SETS,
    VIRAL,
    canonical_label,
    is_known,
)
from xraycore.datasets.reasons import NO_LABEL, NOT_ASKED, SEVERAL, UNCERTAIN
from xraycore.errors import ArgumentError

# What a policy may be; the first is what it is unless another is asked for.
POLICIES: Mapping[str, tuple[str, ...]] = {
    "uncertain": ("leave-out", "positive", "negative"),
    "blank": ("negative", "leave-out"),
    "several": ("known", "first", "leave-out"),
    "views": ("frontal", "all"),
}
POLICY_HELP = "; ".join(f"{name}={'|'.join(words)}" for name, words in POLICIES.items())
# The most telling first: of two of them a film has neither alone.
_KINDS = (COVID, BACTERIAL, VIRAL)
# No finding of the lung or the heart, and no label where there is another.
_BESIDE = ("Support Devices",)
_BLANK = {
    "",
    "nan",
    "none",
    "null",
    "na",
    "n/a",
    "<na>",
    "nat",
    "-",
    "?",
    "unlabeled",
    "unlabelled",
}
# Reports that say nothing of a film by itself (PadChest), and labels that were not given yet.
_SAYS_NOTHING = {"unchanged", "exclude", "suboptimal study", "unknown", "todo", "tbd"}
# As pandas writes what is or is not there, and as people do.
_SIGNS = {"true": 1, "yes": 1, "positive": 1, "false": 0, "no": 0, "negative": 0, "uncertain": -1}


@dataclass(frozen=True)
class LabelPolicy:
    """How labels are read that are no plain name of a class, see docs/files.md.

    Attributes:
        uncertain: What -1 of a finding is: a film is left out, positive or negative (Irvin et al.
            2019, arXiv:1901.07031, call them U-Ignore, U-Ones and U-Zeros).
        blank: What an empty cell of a finding is: not mentioned and so negative, or left out.
        several: Which of several findings is the label: of a known class before the first that is
            named, the first, or none, so that the film is left out.
        views: "frontal" leaves out films that a table calls lateral.
    """

    uncertain: str = "leave-out"
    blank: str = "negative"
    several: str = "known"
    views: str = "frontal"

    def __post_init__(self) -> None:
        for name, words in POLICIES.items():
            if getattr(self, name) not in words:
                raise ArgumentError(
                    f"{name} must be one of {', '.join(words)}. Received: {getattr(self, name)!r}"
                )

    @classmethod
    def parse(cls, text: str | None) -> "LabelPolicy":
        """The policy of an option `--labels`.

        >>> LabelPolicy.parse("uncertain=positive; several=first").several
        'first'

        Raises:
            ArgumentError: If it is none.
        """
        given = {}
        for part in filter(None, (part.strip() for part in (text or "").split(";"))):
            name, _, word = (piece.strip().lower() for piece in part.partition("="))
            if name not in POLICIES or name in given:
                raise ArgumentError(f"--labels expects '{POLICY_HELP}'. Received: {text!r}")
            given[name] = word
        return cls(**given)

    def describe(self) -> str:
        """As `parse` takes it: what is not as it is by default."""
        changed = [f.name for f in fields(self) if getattr(self, f.name) != f.default]
        return "; ".join(f"{name}={getattr(self, name)}" for name in changed)

    def positive(self, findings: Mapping[str, str]) -> tuple[list[str], bool]:
        """The findings that are positive among name -> "1", "0", "-1" or "", and any doubt.

        Returns:
            Names, and whether one is uncertain that is neither positive nor negative then.
        """
        values = {name: sign(value) for name, value in findings.items()}
        wanted = {1, -1} if self.uncertain == "positive" else {1}
        doubt = self.uncertain == "leave-out" and -1 in values.values()
        return [name for name, value in values.items() if value in wanted], doubt


BY_DEFAULT = LabelPolicy()


@dataclass(frozen=True)
class Labelling:
    """A policy, and the classes that were asked for: canonical label -> class; None for all."""

    policy: LabelPolicy = BY_DEFAULT
    classes: Mapping[str, str] | None = None

    def choose(self, findings: Sequence[str], doubt: bool = False) -> tuple[str, str]:
        """The label of a film, or "" and the reason why it has none.

        Normal beside a finding counts for nothing.

        Args:
            findings: What is said of it, as canonical labels.
            doubt: Whether a finding is uncertain.
        """
        labels = _distinct_labels(findings)
        if not labels:
            return "", UNCERTAIN if doubt else NO_LABEL
        if self.policy.several == "leave-out" and len(labels) > 1:
            return "", SEVERAL
        if self.classes is None:
            chosen = self._one_of(labels)
            return (chosen, "") if chosen else ("", SEVERAL)
        asked = [label for label in labels if label in self.classes]
        if not asked:
            return "", NOT_ASKED
        classes = {self.classes[label] for label in asked}
        if len(classes) == 1:
            return classes.pop(), ""
        if self.policy.several == "first":
            return self.classes[asked[0]], ""
        chosen = _known(asked)
        return (self.classes[chosen], "") if chosen in self.classes else ("", SEVERAL)

    def _one_of(self, labels: Sequence[str]) -> str:
        if len(labels) == 1 or self.policy.several == "first":
            return labels[0]
        if not {*_KINDS, *SETS}.isdisjoint(labels):
            return _known(labels)
        return labels[0]


def _distinct_labels(findings: Sequence[str]) -> list[str]:
    """The labels among findings, each once, without what counts for nothing beside others."""
    labels = [one for one in dict.fromkeys(findings) if one and one.lower() not in _SAYS_NOTHING]
    for weak in (_BESIDE, (NORMAL,)):
        strong = [label for label in labels if label not in weak]
        labels = strong or labels
    return labels


def _known(labels: Sequence[str]) -> str:
    """The most telling of the known classes; "" for none, or two that exclude each other."""
    kinds = [kind for kind in _KINDS if kind in labels]
    if set(kinds) == {BACTERIAL, VIRAL}:
        return "Pneumonia"
    if kinds:
        return kinds[0] if len(kinds) == 1 else ""
    return next((name for name in SETS if name in labels), "")


def is_blank(text: str) -> bool:
    """Whether a cell says nothing, as people and programs write it."""
    return text.strip().lower() in _BLANK


def sign(text: str) -> int | None:
    """1, 0 or -1 of a cell of a finding, which may say `True` or `no`; None of an empty one.

    Raises:
        ValueError: If it is something else.
    """
    if is_blank(text):
        return None
    if (word := text.strip().lower()) in _SIGNS:
        return _SIGNS[word]
    value = float(text.replace(",", "."))
    if value not in (1, 0, -1):
        raise ValueError(f"expected 1, 0, -1 or nothing. Received: {text!r}")
    return int(value)


def is_finding(values: Iterable[str]) -> bool:
    """Whether a column tells of one finding by 1, 0, -1 and empty cells."""
    try:
        signs = {sign(value) for value in values}
    except ValueError:
        return False
    return not signs <= {None}


def split_labels(text: str) -> list[str]:
    """The findings of a cell: `Effusion|Mass`, `Effusion; Mass`, `COVID, Opacity`, `['mass']`.

    >>> split_labels("['pneumonia', 'pleural effusion']"), split_labels("Pneumonia|nan")
    (['Pneumonia', 'pleural effusion'], ['Pneumonia'])
    """
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        parts = [part.strip().strip("'\"").strip() for part in text[1:-1].split(",")]
    else:
        parts = [part.strip() for part in text.replace(";", "|").split("|")]
        # A comma may be part of a name: `Pneumonia, viral`, `COVID-19, film read as clear`.
        inner = [part.strip() for part in text.split(",")]
        if len(parts) == 1 and not is_known(text) and all(map(is_known, inner)):
            parts = inner
    return [canonical_label(part) for part in parts if not is_blank(part)]
