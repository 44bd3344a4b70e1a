"""What a reader says of one heatmap: stored with every box, click and pause in typing."""

import time
from dataclasses import dataclass, replace

import streamlit as st

from xraycore.imaging.box import Box
from xraycore.reader_study import (
    Answer,
    HeatmapItem,
    Reader,
    ReaderStudyError,
    ReaderStudyRepository,
    WorklistEntry,
)
from xraycore.reader_study.records import MAX_BOXES

# A reader who was away for longer was not reading all the while, in seconds.
LONGEST_PAUSE = 300
# A drag of less than this share of the film is a slip of the hand.
SMALLEST_BOX = 0.005
# Why there is no heat yet.
MARK_FIRST = "First draw a box or say “No finding”: heat draws the eye."
# State of the session: what is known of each heatmap, since when the reader looks at which, why
# something could not be stored, what of earlier heatmaps waits to be, and what was refused.
_KNOWN, _CLOCK, _PROBLEM, _SEEN = "review-known", "review-clock", "review-problem", "review-seen"
_WAITING, _REFUSED = "review-waiting", "review-refused"


@dataclass(frozen=True)
class ReadingSession:
    """A reader before one heatmap. What is said is looked up when it is needed, never kept here:
    two quick clicks may both be answered by the page as it was before the first.

    Attributes:
        reviews: Where it is stored.
        reader: Who reads.
        item: The heatmap.
        plain: The reader's boxes on this film before any heat; None if he has seen none on it.
    """

    reviews: ReaderStudyRepository
    reader: Reader
    item: HeatmapItem
    plain: tuple[Box, ...] | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Of the session."""
        return self.reader.id, self.item.id

    @property
    def answer(self) -> Answer:
        """As it stands, stored or not."""
        return _known()[self.key][1]

    def open(self, entry: WorklistEntry, offered: tuple[Box, ...]) -> None:
        """Takes what is stored, if another place stored more, and starts the clock.

        Args:
            entry: Of the worklist.
            offered: Boxes to begin with, where nothing is stored.
        """
        version = entry.review.version if entry.review else 0
        if self.key not in _known() or version > _known()[self.key][0]:
            answer = entry.review.answer if entry.review else Answer(boxes=offered)
            _known()[self.key] = (version, answer)
            # Also what another tab or computer typed.
            st.session_state[self.comment_key] = answer.comment
        st.session_state.setdefault(self.comment_key, self.answer.comment)
        if st.session_state.get(_CLOCK, (None,))[0] != self.key:
            st.session_state[_CLOCK] = (self.key, time.monotonic())
            # Of the heatmap before.
            st.session_state.pop(_REFUSED, None)

    @property
    def refused(self) -> str | None:
        """Why the last thing that was asked of this heatmap was not done."""
        of, text = st.session_state.get(_REFUSED, (None, None))
        return text if of == self.key else None

    @property
    def comment_key(self) -> str:
        """Of the comment's field."""
        return f"comment-{self.reader.id}-{self.item.id}"

    def change(self, **said: object) -> None:
        """Stores a draft with these changes; fit for a callback.

        What the reader said meanwhile in another window stays.
        """
        self._look_again(**said)
        self._store(**said)

    def draw(self, drawn: tuple[float, ...]) -> None:
        """Adds a box (left, top, right, bottom), in shares of the film."""
        left, top, right, bottom = drawn
        if min(right - left, bottom - top) < SMALLEST_BOX:
            return
        self._look_again()
        if len(self.answer.boxes) >= MAX_BOXES:
            self._refuse(f"A film holds up to {MAX_BOXES} boxes; this one was not added.")
            return
        box = Box(top=top, left=left, bottom=bottom, right=right)
        self._mark((*self.answer.boxes, box))

    def remove(self, box: Box) -> None:
        """Takes a box away."""
        self._look_again()
        self._mark(tuple(one for one in self.answer.boxes if one != box))

    def say_no_finding(self) -> None:
        """Says that there is none, and boxes go, or takes it back."""
        shown, said = self.answer.boxes, not self.answer.no_finding
        self._look_again()
        if said and set(self.answer.boxes) - set(shown):
            self._refuse(
                "A box was drawn in another window meanwhile. If there is no finding, say so again."
            )
            return
        self._mark(() if said else self.answer.boxes, no_finding=said)

    def type_comment(self) -> None:
        """Stores what stands in the comment's field."""
        comment = st.session_state.get(self.comment_key) or ""
        if comment != self.answer.comment:
            self.change(comment=comment)

    def finish(self) -> bool:
        """Stores the review as final; whether that worked."""
        if self._look_again():
            self._refuse(
                "Not saved: this heatmap was judged in another window meanwhile. Look at what "
                "stands here now, then save."
            )
            return False
        try:
            comment = st.session_state.get(self.comment_key) or ""
            self._keep(replace(self.answer, comment=comment), final=True)
        except ReaderStudyError as error:
            st.session_state[_PROBLEM] = str(error)
            return False
        return True

    def missing(self) -> list[str]:
        """What a review still needs, in words."""
        answer = self.answer
        needs = {
            "a box or “No finding”": self.marked,
            "agree, disagree or unsure": answer.verdict is not None,
            "a grade": answer.grade is not None,
        }
        return [what for what, there in needs.items() if not there]

    @property
    def marked(self) -> bool:
        """Whether the reader has a box, or has said that there is no finding."""
        return bool(self.answer.boxes) or self.answer.no_finding

    @property
    def heat_shown(self) -> bool:
        """Whether the heat is on the film."""
        return _seen().get(self.key, self._judged)

    @property
    def heat_seen(self) -> bool:
        """Whether it has been, so that it can be judged."""
        return self.key in _seen() or self._judged or self.answer.before_heat is not None

    def toggle_heat(self) -> None:
        """Shows the heat, if the film is marked, or hides it; fit for a callback.

        What was marked before is stored the first time: heat draws the eye, and later boxes may
        follow it.
        """
        if self.heat_shown:
            _seen()[self.key] = False
            return
        self._look_again()
        if not self.marked:
            self._refuse(MARK_FIRST)
            return
        if not self.heat_seen:
            self._store(before_heat=self.answer.boxes if self.plain is None else self.plain)
        _seen()[self.key] = True

    @property
    def _judged(self) -> bool:
        return self.answer.verdict is not None or self.answer.grade is not None

    def _mark(self, boxes: tuple[Box, ...], *, no_finding: bool = False) -> None:
        before = self.answer.before_heat
        if before is None and self.heat_seen:
            # Judged when this was not stored yet: no earlier boxes are known than those of now.
            before = self.answer.boxes
        self._store(boxes=boxes, no_finding=no_finding, before_heat=before)

    def _refuse(self, why: str) -> None:
        st.session_state[_REFUSED] = (self.key, why)

    def _look_again(self, **said: object) -> bool:
        """Takes what another window stored meanwhile; whether there was such."""
        try:
            history = self.reviews.history(self.reader, self.item)
        except ReaderStudyError:
            return False  # To store will fail as well, and say so.
        if not history or history[-1].version <= _known()[self.key][0]:
            return False
        newest = history[-1]
        _known()[self.key] = (newest.version, newest.answer)
        if "comment" not in said:
            st.session_state[self.comment_key] = newest.answer.comment
        return True

    def _store(self, **said: object) -> None:
        """Stores a draft with these changes of what is known."""
        try:
            self._keep(replace(self.answer, **said), final=False)
        except ReaderStudyError as error:
            st.session_state[_PROBLEM] = str(error)

    def _keep(self, answer: Answer, *, final: bool) -> None:
        st.session_state.pop(_REFUSED, None)
        # First for the session: what cannot be stored now is stored with the next change.
        _known()[self.key] = (_known()[self.key][0], answer)
        since = st.session_state.get(_CLOCK, (None,))
        now = time.monotonic()
        spent = min(now - since[1], LONGEST_PAUSE) if since[0] == self.key else 0.0
        waiting: dict[tuple[int, int], ReadingSession] = st.session_state.setdefault(_WAITING, {})
        waiting[self.key] = self
        save = self.reviews.save_review if final else self.reviews.save_draft
        saved = save(self.reader, self.item, answer, seconds=spent)
        _known()[self.key] = (saved.version, saved.answer)
        st.session_state[_CLOCK] = (self.key, now)
        del waiting[self.key]
        # What could not be stored of other heatmaps; its time was not taken.
        for desk in list(waiting.values()):
            saved = self.reviews.save_draft(desk.reader, desk.item, desk.answer, seconds=0.0)
            _known()[desk.key] = (saved.version, saved.answer)
            del waiting[desk.key]
        st.session_state.pop(_PROBLEM, None)


def problem() -> str | None:
    """Why the last change could not be stored."""
    return st.session_state.get(_PROBLEM)


def _known() -> dict[tuple[int, int], tuple[int, Answer]]:
    return st.session_state.setdefault(_KNOWN, {})


def _seen() -> dict[tuple[int, int], bool]:
    return st.session_state.setdefault(_SEEN, {})
