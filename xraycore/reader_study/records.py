"""What a reading study is made of."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from xraycore.attribution.heatmap import Heatmap
from xraycore.errors import ReaderStudyError
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph
from xraycore.reader_study.checks import check_name, check_one_of, check_sha256, strip_unstorable

VERDICTS = ("agree", "disagree", "unsure")
GRADES = (1, 2, 3, 4, 5)
MAX_COMMENT = 2000
MAX_BOXES = 50
# What a worklist says of a heatmap.
TO_READ, DRAFT, DONE = "to read", "draft", "done"


@dataclass(frozen=True)
class ToRead:
    """A heatmap that a study shall ask about: `sha256` of the film's file, and what made it.

    `weights` is the sha256 of the model's weights, empty where it is not known: another generation
    of weights draws another heatmap.

    Raises:
        ReaderStudyError: If `sha256` is none (a path, say), or another value is empty or too long.
    """

    sha256: str
    model: str
    method: str
    target: str
    weights: str = ""

    def __post_init__(self) -> None:
        check_sha256("a film is", self.sha256)
        if self.weights:
            check_sha256("a network's weights are", self.weights)
        for value in (self.model, self.method, self.target):
            check_name(value, "a model, method or class")

    @classmethod
    def of(cls, radiograph: Radiograph, heatmap: Heatmap, weights: str = "") -> Self:
        """This heatmap of this film."""
        return cls(radiograph.info.sha256, heatmap.model, heatmap.method, heatmap.target, weights)


@dataclass(frozen=True)
class Reader:
    """A person who reviews."""

    id: int
    name: str


@dataclass(frozen=True)
class Study:
    """A list of heatmaps to judge.

    Attributes:
        id: Of the database.
        name: Unique, whatever its case.
        seed: Of the random order, another for each reader; None for the order of its making.
        blinded: Whether readers must not see which model and method made a heatmap, nor what the
            model says.
        created: When, with its time zone.
        owner: Login of who leads it; "" where nobody signs in.
        finished: When the lead ended it, with its time zone; None while it is read. No answer is
            taken from then on, and a blinded one's results are open.
        question: What its readers are asked, in a sentence; "" for the general question.
        finding: What they are to mark; "" for any.
    """

    id: int
    name: str
    seed: int | None
    blinded: bool
    created: datetime
    owner: str = ""
    finished: datetime | None = None
    question: str = ""
    finding: str = ""


@dataclass(frozen=True)
class Author:
    """Who stores an answer: his login, "" without a sign-in, and a name of his browser's session.

    The session is a random text: what is kept of an answer's author can be erased, and a digest of
    it then tells nothing.
    """

    login: str = ""
    session: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass(frozen=True)
class Invitation:
    """A reader of a study: by his login, or where that is "" by a link, and since when."""

    reader: Reader
    login: str
    made: datetime


@dataclass(frozen=True)
class Event:
    """What was done to a study, by whose login, and when."""

    kind: str
    who: str
    at: datetime


@dataclass(frozen=True)
class HeatmapItem:
    """A heatmap of a study; see `ToRead`."""

    id: int
    sha256: str
    model: str
    method: str
    target: str
    weights: str = ""


@dataclass(frozen=True)
class Answer:
    """What a reader says of a heatmap; a draft may leave out anything.

    Attributes:
        verdict: One of `VERDICTS`: does the finding lie where the heatmap says?
        grade: Of the heatmap, 1 (useless) to 5 (as an expert would draw it).
        comment: At most `MAX_COMMENT` characters.
        boxes: Where the finding is.
        no_finding: Whether the reader says that there is none; without boxes only.
        before_heat: The boxes as they were before the reader saw any heat on this film; None
            before then, or where that is not known.

    Raises:
        ReaderStudyError: If a value is not one of these.
    """

    verdict: str | None = None
    grade: int | None = None
    comment: str = ""
    boxes: Sequence[Box] = ()
    no_finding: bool = False
    before_heat: Sequence[Box] | None = None

    def __post_init__(self) -> None:
        check_one_of("verdict", self.verdict, VERDICTS)
        check_one_of("grade", self.grade, GRADES)
        if len(self.comment) > MAX_COMMENT:
            raise ReaderStudyError(
                f"a comment holds up to {MAX_COMMENT} characters. Received: {len(self.comment)}"
            )
        for boxes in (self.boxes, self.before_heat or ()):
            if len(boxes) > MAX_BOXES:
                raise ReaderStudyError(
                    f"a film holds up to {MAX_BOXES} boxes. Received: {len(boxes)}"
                )
        if self.no_finding and self.boxes:
            raise ReaderStudyError(
                f"a film without a finding has no boxes. Received: {len(self.boxes)} boxes"
            )
        object.__setattr__(self, "comment", strip_unstorable(self.comment))
        object.__setattr__(self, "boxes", tuple(self.boxes))
        if self.before_heat is not None:
            object.__setattr__(self, "before_heat", tuple(self.before_heat))

    @property
    def marked_after_heat(self) -> bool | None:
        """Whether boxes were changed once heat was seen; None where that is not known."""
        return None if self.before_heat is None else set(self.boxes) != set(self.before_heat)

    @property
    def first_boxes(self) -> tuple[Box, ...]:
        """What heat is compared with; boxes that heat has not drawn, as far as that is known."""
        return tuple(self.boxes if self.before_heat is None else self.before_heat)


@dataclass(frozen=True)
class Review:
    """One version of what a reader says of a heatmap.

    Attributes:
        reader: Who.
        item: Of which heatmap.
        version: 1 for the first that was stored.
        final: False for a draft, which no result counts.
        answer: What is said.
        seconds: Time spent on the heatmap so far, all versions together.
        saved: When, with its time zone.
        author: Who stored it, and from which session; of old ones that is not known.
    """

    reader: Reader
    item: HeatmapItem
    version: int
    final: bool
    answer: Answer
    seconds: float
    saved: datetime
    author: Author = Author("", "")


@dataclass(frozen=True)
class WorklistEntry:
    """A line of a reader's worklist.

    Attributes:
        number: Its place in this reader's order, from 1.
        item: The heatmap.
        state: `TO_READ`; `DRAFT`, also where a final review is being changed; or `DONE`.
        review: The newest version; None where there is none.
    """

    number: int
    item: HeatmapItem
    state: str
    review: Review | None


def finished_readers(reviews: Sequence[Review], items: Collection[HeatmapItem]) -> set[int]:
    """Ids of the readers who have judged all of these heatmaps."""
    wanted = {item.id for item in items}
    judged: dict[int, set[int]] = {}
    for review in reviews:
        judged.setdefault(review.reader.id, set()).add(review.item.id)
    return {reader for reader, done in judged.items() if wanted and wanted <= done}


def corners(box: Box) -> list[float]:
    """The box as x0, y0, x1, y1 in shares of the film's width and height."""
    return [float(edge) for edge in (box.left, box.top, box.right, box.bottom)]


def corners_of_all(boxes: Sequence[Box] | None) -> list[list[float]] | None:
    """Those of each box; None for None."""
    return None if boxes is None else [corners(box) for box in boxes]
