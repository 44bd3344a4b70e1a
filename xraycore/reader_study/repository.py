"""Studies, readers and what they said, in the database."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from xraycore.errors import ReaderStudyError
from xraycore.reader_study import tables
from xraycore.reader_study.chain import seal
from xraycore.reader_study.checks import check_question, check_seconds
from xraycore.reader_study.invitations import refuse_look_alikes
from xraycore.reader_study.names import tidy_name
from xraycore.reader_study.queries import (
    is_newest,
    read_boxes,
    read_review,
    select_items,
    select_reviews,
)
from xraycore.reader_study.records import (
    DONE,
    DRAFT,
    TO_READ,
    Answer,
    Author,
    HeatmapItem,
    Reader,
    Review,
    Study,
    ToRead,
    WorklistEntry,
    corners_of_all,
)
from xraycore.reader_study.store import Store, insert_row

MAX_SEED = 2**63 - 1
_GONE = "the database knows no reader {!r} or no such heatmap. Was it replaced? Reload the page"


class ReaderStudyRepository(Store):
    """The reading studies of a database, see `open_database`.

    Threads and processes may share it. What cannot be read or written raises `ReaderStudyError`.
    """

    def create_study(
        self,
        name: str,
        heatmaps: Sequence[ToRead],
        *,
        seed: int | None = None,
        blinded: bool = False,
        owner: str = "",
        question: str = "",
        finding: str = "",
    ) -> Study:
        """A new study of these heatmaps; one that is given twice is read once.

        Args:
            name: Of the study, another than those of all others.
            heatmaps: What to judge.
            seed: Of a random order, another for each reader; None for the order given.
            blinded: Whether readers must not see model, method and prediction.
            owner: Login of who leads it; "" where nobody signs in.
            question: What readers are asked, in a sentence.
            finding: What they are to mark.

        Raises:
            ReaderStudyError: If there is a study of that name, no heatmap, one heatmap by several
                generations of weights, or a seed below 0.
        """
        name = tidy_name(name, "a study")
        if not heatmaps:
            raise ReaderStudyError("a study needs at least one heatmap. Received: none")
        if seed is not None and not 0 <= seed <= MAX_SEED:
            raise ReaderStudyError(f"a seed must be 0 to 2^63 - 1. Received: {seed}")
        unique = dict.fromkeys(heatmaps)
        if len({replace(heatmap, weights="") for heatmap in unique}) < len(unique):
            raise ReaderStudyError(
                "a study asks of each network by one generation of its weights only"
            )
        created = datetime.now(UTC)
        question = check_question(question, "a question")
        finding = check_question(finding, "what is to be marked")
        row = {"name": name, "key": name.casefold(), "seed": seed, "blinded": blinded}
        row |= {"owner": owner, "question": question, "finding": finding}
        try:
            with self._write() as connection:
                study_id = insert_row(connection, tables.studies, created=created, **row)
                connection.execute(
                    insert(tables.items),
                    [
                        {"study_id": study_id, "position": position, **vars(heatmap)}
                        for position, heatmap in enumerate(unique)
                    ],
                )
        except IntegrityError:
            raise ReaderStudyError(
                f"there is a study named {name!r} already. Choose another"
            ) from None
        return Study(study_id, name, seed, blinded, created, owner, None, question, finding)

    def studies(self) -> list[Study]:
        """All studies, the newest first."""
        newest = tables.studies.c.id.desc()
        with self._read() as connection:
            rows = connection.execute(select(*tables.study_columns).order_by(newest))
            return [Study(*row) for row in rows]

    def add_reader(self, name: str) -> Reader:
        """The reader of this name, whatever its case; a new one where there is none.

        Raises:
            ReaderStudyError: If it is no name, or looks like that of another reader.
        """
        name = tidy_name(name, "a reader")
        known = select(tables.readers.c.id, tables.readers.c.name).where(
            tables.readers.c.key == name.casefold()
        )
        try:
            with self._write() as connection:
                found = connection.execute(known).first()
                if found is None:
                    refuse_look_alikes(connection, name)
                    row = {"name": name, "key": name.casefold()}
                    return Reader(insert_row(connection, tables.readers, **row), name)
        except IntegrityError:  # Another process has added the same name in between.
            with self._read() as connection:
                found = connection.execute(known).one()
        return Reader(*found)

    def readers(self) -> list[Reader]:
        """All readers by name."""
        table = tables.readers.c
        with self._read() as connection:
            rows = connection.execute(select(table.id, table.name).order_by(table.key))
            return [Reader(*row) for row in rows]

    def count_judged(self, reader: Reader) -> int:
        """How many heatmaps the reader has judged, of all studies together."""
        versions = tables.reviews.c
        query = select(func.count(versions.item_id.distinct()))
        with self._read() as connection:
            return connection.execute(
                query.where(versions.reader_id == reader.id, versions.final)
            ).scalar_one()

    def items(self, study: Study) -> list[HeatmapItem]:
        """All heatmaps of a study, in the order of its making."""
        with self._read() as connection:
            return select_items(connection, study)

    def worklist(self, reader: Reader, study: Study) -> list[WorklistEntry]:
        """All heatmaps of a study with what this reader said of them, in the reader's order."""
        newest = select_reviews(
            tables.items.c.study_id == study.id,
            tables.reviews.c.reader_id == reader.id,
            is_newest(),
        )
        with self._read() as connection:
            items = select_items(connection, study)
            said = {row.item_id: read_review(row) for row in connection.execute(newest)}
        if (seed := study.seed) is not None:
            items.sort(key=lambda item: _shuffle_key(seed, reader, item))
        return [
            WorklistEntry(number, item, _state(said.get(item.id)), said.get(item.id))
            for number, item in enumerate(items, start=1)
        ]

    def save_draft(
        self,
        reader: Reader,
        item: HeatmapItem,
        answer: Answer,
        *,
        seconds: float = 0.0,
        author: Author | None = None,
    ) -> Review:
        """Stores what a reader has entered so far, as a new version.

        A final review that there was still counts. Of the boxes before heat was seen, the first
        that are stored stay.

        Args:
            reader: Who.
            item: The heatmap.
            answer: What is entered, complete or not.
            seconds: Time spent since the last version.
            author: Who stores it.

        Raises:
            ReaderStudyError: If the study is finished.
        """
        return self._save(reader, item, answer, seconds, author or Author(), final=False)

    def save_review(
        self,
        reader: Reader,
        item: HeatmapItem,
        answer: Answer,
        *,
        seconds: float = 0.0,
        author: Author | None = None,
    ) -> Review:
        """Stores a final review, as a new version, which counts from now on.

        Of the boxes before heat was seen, the first that are stored stay.

        Args:
            reader: Who.
            item: The heatmap.
            answer: With a verdict and a grade.
            seconds: Time spent since the last version.
            author: Who stores it.

        Raises:
            ReaderStudyError: If verdict or grade is missing, or the study is finished.
        """
        for name in ("verdict", "grade"):
            if getattr(answer, name) is None:
                raise ReaderStudyError(f"a review needs a verdict and a grade. Received: no {name}")
        return self._save(reader, item, answer, seconds, author or Author(), final=True)

    def history(self, reader: Reader, item: HeatmapItem) -> list[Review]:
        """All versions of what a reader said of a heatmap, the first first."""
        versions = tables.reviews.c
        query = select_reviews(versions.reader_id == reader.id, versions.item_id == item.id)
        with self._read() as connection:
            return [
                read_review(row) for row in connection.execute(query.order_by(versions.version))
            ]

    def results(self, study: Study) -> list[Review]:
        """The reviews that count: of each reader and heatmap the newest final version."""
        query = select_reviews(tables.items.c.study_id == study.id, is_newest(final=True))
        order = (tables.items.c.position, tables.readers.c.key)
        with self._read() as connection:
            return [read_review(row) for row in connection.execute(query.order_by(*order))]

    def _save(
        self,
        reader: Reader,
        item: HeatmapItem,
        answer: Answer,
        seconds: float,
        author: Author,
        *,
        final: bool,
    ) -> Review:
        spent, saved = check_seconds(seconds), datetime.now(UTC)
        versions = tables.reviews.c
        # Saves of one study wait for each other here: no two get the same version, nor the same
        # place in the chain.
        lock = (
            select(tables.studies.c.id, tables.studies.c.finished)
            .where(
                tables.studies.c.id
                == select(tables.items.c.study_id)
                .where(tables.items.c.id == item.id)
                .scalar_subquery()
            )
            .with_for_update()
        )
        before = (
            select(versions.version, versions.seconds, versions.boxes_before_heat)
            .where(versions.reader_id == reader.id, versions.item_id == item.id)
            .order_by(versions.version.desc())
            .limit(1)
        )
        try:
            with self._write() as connection:
                study = connection.execute(lock).first()
                if study is None:
                    raise ReaderStudyError(_GONE.format(reader.name))
                if study.finished is not None:
                    raise ReaderStudyError("this study is finished, and its answers are locked")
                last = connection.execute(before).first()
                version = last.version + 1 if last else 1
                total = last.seconds + spent if last else spent
                if last and last.boxes_before_heat is not None:
                    # What was stored of that time first: nothing that comes later is from then.
                    answer = replace(answer, before_heat=read_boxes(last.boxes_before_heat))
                row = {
                    "reader_id": reader.id,
                    "item_id": item.id,
                    "version": version,
                    "final": final,
                    "verdict": answer.verdict,
                    "grade": answer.grade,
                    "boxes": corners_of_all(answer.boxes),
                    "no_finding": answer.no_finding,
                    "boxes_before_heat": corners_of_all(answer.before_heat),
                    "seconds": total,
                    "saved": saved,
                }
                sealed = seal(connection, study.id, row, author, answer.comment)
                connection.execute(insert(tables.reviews).values(sealed))
        except IntegrityError:
            raise ReaderStudyError(_GONE.format(reader.name)) from None
        return Review(reader, item, version, final, answer, total, saved, author)


def _state(review: Review | None) -> str:
    if review is None:
        return TO_READ
    return DONE if review.final else DRAFT


def _shuffle_key(seed: int, reader: Reader, item: HeatmapItem) -> bytes:
    """What a shuffled worklist is sorted by: the same for good, whatever NumPy's version."""
    return hashlib.sha256(f"{seed}/{reader.id}/{item.id}".encode()).digest()
