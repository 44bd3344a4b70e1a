"""Heatmap reading studies: who judged which heatmap how, kept in a database.

Example::

    from xraycore.reader_study import Answer, ReaderStudyRepository, ToRead, open_database

    reviews = ReaderStudyRepository(open_database())
    study = reviews.create_study("Pilot", [ToRead.of(xray, heat)], seed=1, blinded=True)
    reader = reviews.add_reader("Dr Ada")
    for entry in reviews.worklist(reader, study):
        reviews.save_review(reader, entry.item, Answer("agree", grade=4), seconds=12)
"""

from xraycore.errors import ReaderStudyError
from xraycore.reader_study.chain import check_answers
from xraycore.reader_study.database import open_database
from xraycore.reader_study.invitations import StudyLead
from xraycore.reader_study.records import (
    Answer,
    Author,
    HeatmapItem,
    Reader,
    Review,
    Study,
    ToRead,
    WorklistEntry,
)
from xraycore.reader_study.repository import ReaderStudyRepository

__all__ = [
    "Answer",
    "Author",
    "WorklistEntry",
    "HeatmapItem",
    "Reader",
    "Review",
    "ReaderStudyError",
    "ReaderStudyRepository",
    "Study",
    "StudyLead",
    "ToRead",
    "check_answers",
    "open_database",
]
