from pathlib import PurePosixPath

import pytest

from xraycore.datasets.film_names import FilmName, nearest, read_film_name, relate


def named(path: str) -> FilmName | None:
    place = PurePosixPath(path)
    return read_film_name(place, place.parts[:-1])


@pytest.mark.parametrize(
    ("path", "study", "number", "lateral"),
    [
        ("train/patient00001/study2/view1_frontal.jpg", "study2", 2, False),
        ("train/patient00001/study2/view2_lateral.jpg", "study2", 2, True),
        # MIMIC's numbers of studies say nothing of time.
        ("p10/p10000032/s50414267/02aa804e-bde0afdd.jpg", "s50414267", None, False),
        ("images_001/00000013_005.png", "005", 5, False),
        ("sub-S03/ses-E07/mod-rx/sub-S03_ses-E07_run-1_vp-ll_dx.png", "ses-E07", None, True),
        ("sub-S03_ses-E07_vp-pa_dx.png", "ses-E07", None, False),
        ("train/PNEUMONIA/person1_bacteria_2.jpeg", "", None, False),
        # An L is a letter of the side that lies left.
        ("case7_L.png", "", None, False),
    ],
)
def test_what_names_of_public_sets_tell(path, study, number, lateral):
    found = named(path)
    assert (found.study, found.number, found.lateral) == (study, number, lateral)


@pytest.mark.parametrize(
    "path",
    ["film.png", "20536686640136348236148679891455886468_k6ga29.png", "scans/2024/a_001.png"],
)
def test_where_a_name_tells_no_patient_nothing_is_told(path):
    assert named(path) is None


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        ("patient1/study2/view1_frontal.jpg", "patient1/study2/view2_lateral.jpg", "lateral"),
        ("patient1/study2/view2_lateral.jpg", "patient1/study2/view1_frontal.jpg", "study"),
        ("patient1/study2/view1_frontal.jpg", "patient1/study1/view1_frontal.jpg", "earlier"),
        ("patient1/study9/view1_frontal.jpg", "patient1/study10/view1_frontal.jpg", "later"),
        ("patient1/study2/view1_frontal.jpg", "patient2/study1/view1_frontal.jpg", None),
        ("train/patient1/study1/a.jpg", "valid/patient1/study1/a.jpg", None),
        # NIH numbers patients once, whatever folder a film lies in.
        ("images_001/00000013_005.png", "images_002/00000013_006.png", "later"),
        ("00000013_005.png", "00000014_004.png", None),
        ("p10/p10000032/s5041426/a.jpg", "p10/p10000032/s6041426/b.jpg", "patient"),
        ("PNEUMONIA/person1_bacteria_1.jpeg", "PNEUMONIA/person1_bacteria_2.jpeg", "patient"),
        # chest_xray counts the persons of each of its parts anew, and those of each kind.
        ("train/PNEUMONIA/person1_virus_1.jpeg", "test/PNEUMONIA/person1_virus_2.jpeg", None),
        ("PNEUMONIA/person1_bacteria_1.jpeg", "PNEUMONIA/person1_virus_2.jpeg", None),
        ("NORMAL/IM-0115-0001.jpeg", "NORMAL/NORMAL2-IM-0115-0001.jpeg", None),
    ],
)
def test_what_one_film_is_to_another_by_their_names(one, other, relation):
    assert relate(named(one), named(other)) == relation


def test_of_several_the_film_of_the_nearest_study_and_of_the_same_view():
    study = "patient1/study{}/view{}_{}.jpg".format
    names = [
        *(study(1, 1, "frontal"), study(3, 1, "lateral"), study(3, 2, "frontal")),
        *(study(4, 2, "lateral"), study(6, 1, "frontal"), study(9, 1, "frontal")),
    ]
    found = nearest(named(study(4, 1, "frontal")), {name: named(name) for name in names})
    assert found == {"earlier": names[2], "lateral": names[3], "later": names[4]}
