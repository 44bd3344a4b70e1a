from collections import Counter

import pytest

from tests.datasets.film_files import draw, write
from xraycore.datasets import locator
from xraycore.datasets.locator import FilmLocator, draw_records, list_study_records, phantom_number
from xraycore.errors import Cancelled, DatasetError
from xraycore.imaging import read_radiograph


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """A public data set of two films in training, six of three patients to test."""
    root = tmp_path / "data"
    folder = root / "chest_xray"
    for number in range(2):
        write(folder / "train" / "NORMAL" / f"IM-{number}-0001.png", draw(number))
    for number in range(4):
        write(folder / "test" / "NORMAL" / f"IM-10{number // 2}-{number}.png", draw(10 + number))
    for number in range(2):
        write(folder / "test" / "PNEUMONIA" / f"person7_virus_{number}.png", draw(20 + number))
    monkeypatch.setenv("XRAYCORE_DATA", str(root))
    return folder


@pytest.fixture
def few_phantoms(monkeypatch):
    """Generated films that cost nothing: three small ones, and no samples."""
    monkeypatch.setattr(locator, "MOST_PHANTOMS", 3)
    monkeypatch.setattr(locator, "list_samples", list)
    made = Counter()

    def make(number):
        made[number] += 1
        return read_radiograph(_png(number), name="phantom.png")

    monkeypatch.setattr(locator, "phantom_number", make)
    return made


def _png(number):
    import cv2

    return cv2.imencode(".png", draw(number))[1].tobytes()


def test_films_are_drawn_of_test_patients_class_by_class(dataset):
    records = list_study_records(dataset)
    drawn = draw_records(records, 3, seed=1)
    assert {record.split for record in drawn} == {"test"}
    assert len({record.group for record in drawn}) == 3
    assert Counter(r.label for r in drawn) == {"Normal": 2, "Viral pneumonia": 1}
    assert {r.label for r in drawn[:2]} == {"Normal", "Viral pneumonia"}
    assert drawn == draw_records(records, 99, seed=1)
    assert len({draw_records(records, 1, seed=seed)[0] for seed in range(20)}) > 1
    with pytest.raises(DatasetError):
        list_study_records(dataset / "nowhere")


def test_a_film_is_found_again_by_its_hash(dataset, few_phantoms):
    file = dataset / "test" / "PNEUMONIA" / "person7_virus_0.png"
    of_file = read_radiograph(file).info.sha256
    of_phantom = read_radiograph(_png(1)).info.sha256
    public = FilmLocator()
    assert public.get(of_file) is None
    assert public.must_search([of_file])
    public.search([of_file, of_phantom])
    assert public.get(of_file)().info.sha256 == of_file
    assert public.get(of_phantom)().info.sha256 == of_phantom
    # The second phantom was the last that was wanted.
    assert few_phantoms == {0: 1, 1: 2}


def test_only_files_are_looked_through_where_no_film_can_be_a_generated_one(dataset, few_phantoms):
    file = dataset / "test" / "PNEUMONIA" / "person7_virus_0.png"
    digest, nowhere = read_radiograph(file).info.sha256, "0" * 64
    public = FilmLocator()
    public.search([digest, nowhere], generated=False)
    assert public.get_public(digest).path == file and public.get_public(digest).lesion is None
    assert public.get_public(nowhere) is None
    assert not few_phantoms
    assert not public.must_search([nowhere], generated=False)
    assert public.must_search([nowhere])


def test_a_drawn_lesion_comes_with_the_film(tmp_path, monkeypatch):
    root = tmp_path / "data" / "covid_qu" / "lesions_train"
    write(root / "images" / "a.png", draw(1))
    write(root / "infection_masks" / "a.png", draw(2))
    (root / "labels.csv").write_text("path,label\nimages/a.png,COVID-19\n")
    monkeypatch.setenv("XRAYCORE_DATA", str(tmp_path / "data"))
    digest = read_radiograph(root / "images" / "a.png").info.sha256
    public = FilmLocator()
    public.search([digest], generated=False)
    assert public.get_public(digest).lesion.mask == root / "infection_masks" / "a.png"


def test_a_film_is_found_again_by_its_name(dataset):
    public = FilmLocator()
    name = "person7_virus_0.png"
    assert public.path("chest_xray", name) == dataset / "test" / "PNEUMONIA" / name
    assert public.path("nih", name) is None
    assert public.path("chest_xray", "nowhere.png") is None


def test_of_two_films_of_one_name_none_is_the_one(dataset):
    write(dataset / "train" / "NORMAL" / "IM-100-0.png", draw(30))
    assert FilmLocator().path("chest_xray", "IM-100-0.png") is None


def test_what_is_nowhere_is_looked_for_once(dataset, few_phantoms):
    public = FilmLocator()
    public.search(["0" * 64])
    assert public.get("0" * 64) is None
    assert not public.must_search(["0" * 64])
    public.search(["1" * 64])
    assert few_phantoms == {0: 1, 1: 1, 2: 1}


def test_a_search_can_be_stopped_and_tried_again(dataset, few_phantoms):
    public = FilmLocator()

    def stop(now):
        if now.done > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        public.search(["0" * 64], stop)
    assert public.must_search(["0" * 64])


def test_a_film_that_was_added_needs_no_search(film):
    public = FilmLocator()
    public.add(film, lambda: film)
    assert not public.must_search([film.info.sha256])
    assert public.get(film.info.sha256)() is film


def test_generated_films_are_the_same_each_time():
    first = phantom_number(2)
    assert first.info.sha256 == phantom_number(2).info.sha256
    kinds = {phantom_number(number).info.name.split("-")[1] for number in range(3)}
    assert kinds == {"normal", "opacity"}


def test_which_generated_films_have_an_opacity_stays_as_it_is():
    """Stored studies name them by number: a coin that is the same each time."""
    kinds = [phantom_number(number).info.name.split("-")[1][0] for number in range(8)]
    assert "".join(kinds) == "oonoonon"
    assert [phantom_number(n).info.name.split("-")[2] for n in (0, 5)] == ["0.png", "5.png"]


def test_what_was_found_is_no_reason_to_stop_looking_for_others(dataset, few_phantoms):
    public = FilmLocator()
    public.search([read_radiograph(_png(0)).info.sha256])
    file = dataset / "train" / "NORMAL" / "IM-1-0001.png"
    of_file = read_radiograph(file).info.sha256
    assert public.must_search([of_file])
    public.search([of_file])
    assert public.get(of_file)().info.sha256 == of_file
    # All that lay before it has been read too; what comes after is still to be looked for.
    assert public.must_search([read_radiograph(_png(99)).info.sha256])
