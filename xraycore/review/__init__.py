"""Heatmap reading studies: who judged which heatmap how, kept in a database.

from xraycore.review import Answer, Reviews, ToRead, open_database

reviews = Reviews(open_database())
study = reviews.create_study("Pilot", [ToRead.of(xray, heat)], seed=1, blinded=True)
reader = reviews.add_reader("Dr Ada")
for entry in reviews.worklist(reader, study):
    reviews.save_review(reader, entry.item, Answer("agree", grade=4), seconds=12)
"""

from xraycore.errors import ReaderStudyError
from xraycore.review.database import open_database
from xraycore.review.records import Answer, Entry, Item, Reader, Review, Study, ToRead
from xraycore.review.reviews import Reviews

__all__ = [
    "Answer",
    "Entry",
    "Item",
    "Reader",
    "Review",
    "ReaderStudyError",
    "Reviews",
    "Study",
    "ToRead",
    "open_database",
]
