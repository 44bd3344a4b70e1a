"""What a reader says of heatmaps: stored with every box, click and pause in typing."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import streamlit as st

from xraycore.imaging.box import Box
from xraycore.reader_study import (
    Answer,
    Author,
    HeatmapItem,
    Reader,
    ReaderStudyError,
    ReaderStudyRepository,
    Review,
    WorklistEntry,
)
from xraycore.reader_study.records import MAX_BOXES

# A reader who was away for longer was not reading all the while, in seconds.
LONGEST_PAUSE = 300
# A drag of less than this share of the film is a slip of the hand.
SMALLEST_BOX = 0.005
# Why there is no heat yet.
MARK_FIRST = "First draw a box or say “No finding”: heat draws the eye."
_SESSION = "reading-session"


@dataclass(eq=False)
class ReadingSession:
    """What is read in one session of a browser, which it lives as long as.

    Attributes:
        readings: By the ids of reader and heatmap.
        current: The heatmap that is looked at.
        since: When that began, or was stored last, in monotonic seconds.
        problem: Why the last change could not be stored.
    """

    readings: dict[tuple[int, int], "Reading"] = field(default_factory=dict)
    current: "Reading | None" = None
    since: float = 0.0
    problem: str | None = None

    def open(
        self,
        repository: ReaderStudyRepository,
        reader: Reader,
        entry: WorklistEntry,
        *,
        authorise: Callable[[], Author],
        before_heat: tuple[Box, ...] | None = None,
        offered: tuple[Box, ...] = (),
    ) -> "Reading":
        """A heatmap to read, as it is stored if another place stored more; starts the clock.

        Args:
            repository: Where it is stored.
            reader: Who reads.
            entry: Of the worklist.
            authorise: Gives who stores an answer, each time one is; raises a `ReaderStudyError` if
                who is there may not.
            before_heat: The reader's boxes on this film before any heat; None if he has seen none.
            offered: Boxes to begin with, where nothing is stored.
        """
        key = reader.id, entry.item.id
        reading = self.readings.get(key)
        if reading is None:
            answer = Answer(boxes=offered)
            reading = Reading(self, repository, reader, entry.item, answer, authorise)
            self.readings[key] = reading
            reading.fill_comment()
        reading.repository, reading.before_heat = repository, before_heat
        reading.authorise = authorise
        if entry.review and entry.review.version > reading.version:
            reading.take(entry.review)
            # Also what another tab or computer typed.
            reading.fill_comment()
        st.session_state.setdefault(reading.comment_key, reading.answer.comment)
        if self.current is not reading:
            self.current, self.since = reading, time.monotonic()
            reading.refused = None
        return reading

    def save(self, reading: "Reading", *, final: bool) -> None:
        """Stores what is said of a heatmap, and what could not be stored before of others.

        Raises:
            ReaderStudyError: If it cannot be stored; it is with the next change.
        """
        now = time.monotonic()
        spent = min(now - self.since, LONGEST_PAUSE) if self.current is reading else 0.0
        reading.waiting = True
        save = reading.repository.save_review if final else reading.repository.save_draft
        said = (reading.reader, reading.item, reading.answer)
        reading.take(save(*said, seconds=spent, author=reading.authorise()))
        self.current, self.since = reading, now
        for other in self.readings.values():
            if other.waiting:
                # Its time was not taken.
                draft = (other.reader, other.item, other.answer)
                who = other.authorise()
                other.take(other.repository.save_draft(*draft, seconds=0.0, author=who))
        self.problem = None


def reading_session() -> ReadingSession:
    """That of this browser."""
    return st.session_state.setdefault(_SESSION, ReadingSession())


@dataclass(eq=False)
class Reading:
    """One heatmap as it is read. Its methods are fit for callbacks: two quick clicks may both be
    answered by the page as it was before the first, and change the same reading.

    Attributes:
        session: That it belongs to.
        repository: Where it is stored.
        reader: Who reads.
        item: The heatmap.
        answer: As it stands, stored or not.
        authorise: Gives who stores it, each time it is.
        before_heat: The reader's boxes on this film before any heat; None if he has seen none.
        version: Of the newest that is known to be stored; 0 for none.
        waiting: Whether the answer could not be stored yet.
        refused: Why the last thing that was asked was not done.
        toggled: Whether heat was shown or hidden last; None until then.
    """

    session: ReadingSession
    repository: ReaderStudyRepository
    reader: Reader
    item: HeatmapItem
    answer: Answer
    authorise: Callable[[], Author]
    before_heat: tuple[Box, ...] | None = None
    version: int = 0
    waiting: bool = False
    refused: str | None = None
    toggled: bool | None = None

    @property
    def comment_key(self) -> str:
        """Of the comment's field."""
        return f"comment-{self.reader.id}-{self.item.id}"

    @property
    def marked(self) -> bool:
        """Whether the reader has a box, or has said that there is no finding."""
        return bool(self.answer.boxes) or self.answer.no_finding

    @property
    def heatmap_shown(self) -> bool:
        """Whether the heat is on the film."""
        return self._judged if self.toggled is None else self.toggled

    @property
    def heatmap_seen(self) -> bool:
        """Whether it has been, so that it can be judged."""
        return self.toggled is not None or self._judged or self.answer.before_heat is not None

    @property
    def _judged(self) -> bool:
        return self.answer.verdict is not None or self.answer.grade is not None

    def list_missing(self) -> list[str]:
        """What a review still needs, in words."""
        needs = {
            "a box or “No finding”": self.marked,
            "agree, disagree or unsure": self.answer.verdict is not None,
            "a grade": self.answer.grade is not None,
        }
        return [what for what, there in needs.items() if not there]

    def take(self, review: Review) -> None:
        """Takes what is stored for what is said."""
        self.version, self.answer, self.waiting = review.version, review.answer, False

    def fill_comment(self) -> None:
        """Puts the comment into its field."""
        st.session_state[self.comment_key] = self.answer.comment

    def change(self, **said: object) -> None:
        """Stores a draft with these changes.

        What the reader said meanwhile in another window stays.
        """
        self._refresh(keep_comment="comment" in said)
        self._save(**said)

    def draw(self, corners: tuple[float, ...]) -> None:
        """Adds a box (left, top, right, bottom), in shares of the film."""
        left, top, right, bottom = corners
        if min(right - left, bottom - top) < SMALLEST_BOX:
            return
        self._refresh()
        if len(self.answer.boxes) >= MAX_BOXES:
            self.refused = f"A film holds up to {MAX_BOXES} boxes; this one was not added."
            return
        box = Box(top=top, left=left, bottom=bottom, right=right)
        self._mark((*self.answer.boxes, box))

    def remove(self, box: Box) -> None:
        """Takes a box away."""
        self._refresh()
        self._mark(tuple(one for one in self.answer.boxes if one != box))

    def toggle_no_finding(self) -> None:
        """Says that there is none, and boxes go, or takes it back."""
        known, said = set(self.answer.boxes), not self.answer.no_finding
        self._refresh()
        if said and set(self.answer.boxes) - known:
            self.refused = (
                "A box was drawn in another window meanwhile. If there is no finding, say so again."
            )
            return
        self._mark(() if said else self.answer.boxes, no_finding=said)

    def toggle_heatmap(self) -> None:
        """Shows the heat, if the film is marked, or hides it.

        What was marked before is stored the first time: heat draws the eye, and later boxes may
        follow it.
        """
        if self.heatmap_shown:
            self.toggled = False
            return
        self._refresh()
        if not self.marked:
            self.refused = MARK_FIRST
            return
        if not self.heatmap_seen:
            boxes = self.answer.boxes if self.before_heat is None else self.before_heat
            self._save(before_heat=boxes)
        self.toggled = True

    def save_comment(self) -> None:
        """Stores what stands in the comment's field."""
        comment = st.session_state.get(self.comment_key) or ""
        if comment != self.answer.comment:
            self.change(comment=comment)

    def finish(self) -> bool:
        """Stores the review as final; whether that worked."""
        if self._refresh():
            self.refused = (
                "Not saved: this heatmap was judged in another window meanwhile. Look at what "
                "stands here now, then save."
            )
            return False
        comment = st.session_state.get(self.comment_key) or ""
        return self._save(comment=comment, final=True)

    def _mark(self, boxes: tuple[Box, ...], *, no_finding: bool = False) -> None:
        before = self.answer.before_heat
        if before is None and self.heatmap_seen:
            # Judged when this was not stored yet: no earlier boxes are known than those of now.
            before = self.answer.boxes
        self._save(boxes=boxes, no_finding=no_finding, before_heat=before)

    def _refresh(self, *, keep_comment: bool = False) -> bool:
        """Takes what another window stored meanwhile; whether there was such."""
        try:
            history = self.repository.history(self.reader, self.item)
        except ReaderStudyError:
            return False  # To store will fail as well, and say so.
        if not history or history[-1].version <= self.version:
            return False
        self.take(history[-1])
        if not keep_comment:
            self.fill_comment()
        return True

    def _save(self, *, final: bool = False, **said: object) -> bool:
        """Changes the answer and stores it, or keeps why it cannot be; whether that worked."""
        self.refused = None
        self.answer = replace(self.answer, **said)
        try:
            self.session.save(self, final=final)
        except ReaderStudyError as error:
            self.session.problem = str(error)
            return False
        return True
