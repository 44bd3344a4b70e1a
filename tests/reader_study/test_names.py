import pytest

from xraycore.errors import ReaderStudyError
from xraycore.reader_study.invitations import refuse_look_alikes
from xraycore.reader_study.names import look_alike, tidy_name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ａｄａ", "Ada"),
        ("Jo\u0308rg", "Jörg"),
        ("A\u200bd\u2060a\ufeff", "Ada"),
        ("Ada\u3164", "Ada"),
        ("Ada\ufe0f\u00ad", "Ada"),
        ("\u202eadA", "adA"),
        ("Ada\u00a0\u2003Lovelace\n", "Ada Lovelace"),
        ("山田たろう", "山田たろう"),
        ("Пётр", "Пётр"),
        ("李 Li", "李 Li"),
        ("O'Neill-Smith (2)", "O'Neill-Smith (2)"),
    ],
)
def test_a_name_has_one_form_and_nothing_unseen(typed, kept):
    assert tidy_name(typed, "a reader") == kept


@pytest.mark.parametrize("name", ["\u0410da", "Ad\u0430", "\u0391da", "p\u03b1ul"])
def test_a_letter_that_passes_for_a_latin_one_is_refused(name):
    with pytest.raises(ReaderStudyError, match="letters of one script"):
        tidy_name(name, "a reader")


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u3164\u00ad", "x" * 81])
def test_what_is_no_name(name):
    with pytest.raises(ReaderStudyError, match="1 to 80"):
        tidy_name(name, "a reader")


def test_names_that_look_the_same():
    assert look_alike("\u0410\u0501\u0430") == look_alike("ADA") == "ada"
    assert look_alike("Ada") != look_alike("Ida")


def test_no_two_readers_look_the_same(reviews):
    ada = reviews.add_reader("Ada")
    assert reviews.add_reader("A\u200bDA") == ada
    with pytest.raises(ReaderStudyError, match="looks like that of another reader"):
        reviews.add_reader("\u0410\u0501\u0430")
    assert reviews.readers() == [ada]


def test_a_name_that_another_process_has_just_added_is_no_look_alike(reviews, engine):
    """It was not there when it was looked for: the database says whose it is."""
    reviews.add_reader("Ada")
    with engine.connect() as connection:
        refuse_look_alikes(connection, "ada")
        with pytest.raises(ReaderStudyError, match="looks like"):
            refuse_look_alikes(connection, "\u0410da")
