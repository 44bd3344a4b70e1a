"""What is asked of the tables, and their rows as records."""

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from xraycore.imaging.box import Box
from xraycore.reader_study import tables
from xraycore.reader_study.records import Answer, Author, HeatmapItem, Reader, Review, Study

# What an item is read from.
_ITEM = (
    tables.items.c.id.label("item_id"),
    *(tables.items.c.sha256, tables.items.c.model, tables.items.c.method),
    *(tables.items.c.target, tables.items.c.weights),
)


def select_items(connection: Connection, study: Study) -> list[HeatmapItem]:
    """All heatmaps of a study, in the order of its making."""
    of_study = select(*_ITEM).where(tables.items.c.study_id == study.id)
    return [
        HeatmapItem(*row) for row in connection.execute(of_study.order_by(tables.items.c.position))
    ]


def select_reviews(*where: ColumnElement[bool]) -> Select:
    """The versions for which all of this is true; `read_review` reads a row."""
    readers, reviews = tables.readers.c, tables.reviews.c
    return (
        select(
            *(reviews.reader_id, readers.name, *_ITEM),
            *(reviews.version, reviews.final, reviews.verdict, reviews.grade, reviews.comment),
            *(reviews.boxes, reviews.no_finding, reviews.boxes_before_heat),
            *(reviews.seconds, reviews.saved, reviews.author, reviews.session),
        )
        .join_from(tables.reviews, tables.items)
        .join(tables.readers)
        .where(*where)
    )


def is_newest(*, final: bool = False) -> ColumnElement[bool]:
    """Whether no later version of the row, or no later final one, exists."""
    this, other = tables.reviews.c, tables.reviews.alias()
    newest = select(func.max(other.c.version)).where(
        other.c.item_id == this.item_id, other.c.reader_id == this.reader_id
    )
    if final:
        newest = newest.where(other.c.final)
    return this.version == newest.scalar_subquery()


def read_review(row: Row) -> Review:
    """A row of `select_reviews`."""
    boxes, before = read_boxes(row.boxes), read_boxes(row.boxes_before_heat)
    return Review(
        Reader(row.reader_id, row.name),
        HeatmapItem(row.item_id, row.sha256, row.model, row.method, row.target, row.weights),
        row.version,
        row.final,
        Answer(row.verdict, row.grade, row.comment, boxes or (), row.no_finding, before),
        row.seconds,
        row.saved,
        Author(row.author, row.session),
    )


def read_boxes(stored: list[list[float]] | None) -> list[Box] | None:
    """Boxes as they are stored, see `records.corners_of_all`; None for None."""
    if stored is None:
        return None
    return [Box(left=x0, top=y0, right=x1, bottom=y1) for x0, y0, x1, y1 in stored]
