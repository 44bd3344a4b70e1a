"""Who may answer a study, and what its lead does."""

import pytest
from sqlalchemy import text

from xraycore.reader_study import ReaderStudyError, StudyLead


@pytest.fixture
def lead(engine):
    return StudyLead(engine)


@pytest.fixture
def study(reviews, heatmaps):
    return reviews.create_study("Pilot", heatmaps[:1], blinded=True, owner="lead@example.org")


def test_a_study_has_an_owner(reviews, study):
    assert study.owner == "lead@example.org"
    assert reviews.studies() == [study]


def test_a_link_is_known_by_its_secret_alone(engine, lead, study):
    reader, token = lead.invite(study, "Heron", who="lead@example.org")
    # 128 bits, six to a letter.
    assert len(token) == 22
    assert lead.invited(study, token=token) == reader
    for other in ("", "x" * 22, token[:-1], token.swapcase()):
        assert lead.invited(study, token=other) is None
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT token_sha256 FROM xraycore_invitations")).all()
    assert token not in str(rows)
    # Of this study only.
    assert [one.reader for one in lead.invitations(study)] == [reader]


def test_a_new_link_ends_the_old_one(lead, study):
    reader, old = lead.invite(study, "Heron")
    again, new = lead.invite(study, "heron")
    assert (again, new == old) == (reader, False)
    assert lead.invited(study, token=old) is None
    assert lead.invited(study, token=new) == reader


def test_a_login_is_invited_before_he_came(lead, study, reviews, heatmaps):
    reader, token = lead.invite(study, "Heron", login="ada@example.org")
    assert token is None
    assert lead.invited(study, login="ada@example.org") == reader
    assert lead.invited(study, login="Ada@example.org") is None
    assert lead.invited(study) is None
    other = reviews.create_study("Other", heatmaps[:1])
    assert lead.invited(other, login="ada@example.org") is None


def test_no_reader_gets_two_names_nor_a_name_two_readers(lead, study):
    lead.invite(study, "Heron", login="ada@example.org")
    for name, login in (
        ("Heron", ""),
        ("Heron", "bob@example.org"),
        ("Crane", "ada@example.org"),
    ):
        with pytest.raises(ReaderStudyError, match="is another reader's already"):
            lead.invite(study, name, login=login)
    lead.invite(study, "Ada")
    with pytest.raises(ReaderStudyError, match="looks like"):
        lead.invite(study, "\u0410\u0501\u0430")
    assert len(lead.invitations(study)) == 2


def test_to_finish_is_an_act_that_is_kept(lead, study):
    reader, _ = lead.invite(study, "Heron", who="lead@example.org")
    lead.unblind(study, who="eve@example.org")
    done = lead.finish(study, who="lead@example.org")
    assert done.finished is not None
    # Once: the time of it stays.
    assert lead.finish(study, who="eve@example.org") == done
    assert [(event.kind, event.who) for event in lead.events(study)] == [
        (f"invited reader {reader.id}", "lead@example.org"),
        ("unblinded", "eve@example.org"),
        ("finished", "lead@example.org"),
    ]
    with pytest.raises(ReaderStudyError, match="finished: nobody else"):
        lead.invite(study, "Crane")


def test_a_study_that_is_gone(lead, study):
    with pytest.raises(ReaderStudyError, match="no such study"):
        lead.study(99)
