"""Every test of the database runs on SQLite and on a real PostgreSQL server."""

import itertools
import shutil

import pytest
from sqlalchemy import create_engine, text

from tests.reader_study.server import find_programs, running_server
from xraycore.reader_study import Answer, ReaderStudyRepository, ToRead, open_database

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgresql():
    """`postgresql()`: the URL of a new empty database of a server of our own."""
    programs = find_programs()
    if programs is None:
        pytest.skip("HALF OF THE REVIEW TESTS DO NOT RUN: apt-get install postgresql")
    with running_server(programs) as socket:
        server = create_engine(
            f"postgresql+psycopg://postgres@/postgres?host={socket}", isolation_level="AUTOCOMMIT"
        )

        def make() -> str:
            name = f"reviews{next(_NUMBERS)}"
            with server.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            return f"postgresql://postgres@/{name}?host={socket}"

        yield make
        server.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request, tmp_path):
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'reviews.sqlite3'}"
    return request.getfixturevalue("postgresql")()


@pytest.fixture
def engine(url, migrated):
    if url.startswith("sqlite"):
        shutil.copy(migrated, url.removeprefix("sqlite:///"))
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture
def reviews(engine):
    return ReaderStudyRepository(engine)


@pytest.fixture(scope="session")
def heatmaps():
    """Grad-CAM of six films, every second of which a VGG16 explains."""
    return [
        ToRead(f"{film:064x}", ("vgg16", "xception")[film % 2], "grad_cam", "Pneumonia")
        for film in range(6)
    ]


@pytest.fixture(scope="session")
def agrees():
    return Answer("agree", 4)
