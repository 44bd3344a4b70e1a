import numpy as np
import pytest

from xraycore.datasets.labels import (
    BACTERIAL,
    CHEST4,
    COVID,
    NORMAL,
    VIRAL,
    canonical_label,
    canonical_labels,
    class_names,
    get_label_scheme,
    members,
    order_classes,
    parse_classes,
)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("BACTERIA", BACTERIAL),
        (" Virus ", VIRAL),
        ("Covid", COVID),
        ("COVID-19", COVID),
        ("Healthy", NORMAL),
        ("PNEUMONIA", "Pneumonia"),
        (" Tuberculosis ", "Tuberculosis"),
    ],
)
def test_folder_names_map_to_classes(name, label):
    assert canonical_label(name) == label


def test_numbers_are_classes_only_where_they_are_the_codes_of_the_teaching_set():
    codes = {"0": COVID, "1 ": NORMAL, "2": VIRAL, "3": BACTERIAL}
    assert canonical_labels(codes) == codes
    for others in ("01", "0124", "01234"):
        assert canonical_labels(others) == {name: name for name in others}
    assert canonical_labels(["0", "covid"]) == {"0": "0", "covid": COVID}


def test_classes_merge_and_rename_labels():
    assert parse_classes("Normal; Pneumonia = bacteria | virus") == {
        NORMAL: NORMAL,
        BACTERIAL: "Pneumonia",
        VIRAL: "Pneumonia",
    }
    assert parse_classes("covid; Healthy") == {COVID: COVID, NORMAL: NORMAL}


@pytest.mark.parametrize("text", ["", "Normal;", "= bacteria", "A = bacteria | ", "Normal;;Covid"])
def test_classes_with_an_empty_part_are_refused(text):
    with pytest.raises(ValueError, match="every part named"):
        parse_classes(text)


def test_label_named_twice_is_refused_under_any_alias():
    with pytest.raises(ValueError, match="'Normal' twice"):
        parse_classes("Normal; Well = healthy")


def test_known_classes_come_first_in_their_own_order():
    found = order_classes(["Zoster", COVID, "Asthma", VIRAL, NORMAL, COVID])
    assert found == (NORMAL, VIRAL, COVID, "Asthma", "Zoster")


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        # A set of two other labels is no class of its own.
        (["Pneumonia", VIRAL, NORMAL, BACTERIAL], (NORMAL, BACTERIAL, VIRAL)),
        # Where one of the two is missing it is not told apart from the other.
        (["Pneumonia", VIRAL, NORMAL], (NORMAL, VIRAL, "Pneumonia")),
        (["Pneumonia", NORMAL], (NORMAL, "Pneumonia")),
        ([], ()),
    ],
)
def test_classes_are_the_labels_that_stand_for_no_set_of_the_others(labels, classes):
    assert class_names(labels) == classes


def test_members_by_hand():
    assert members(VIRAL, CHEST4) == (VIRAL,)
    assert members("Pneumonia", CHEST4) == (BACTERIAL, VIRAL)
    # A class first, whatever set it could stand for.
    assert members("Pneumonia", (NORMAL, "Pneumonia")) == ("Pneumonia",)
    # Neither a class nor a set of classes that are all there.
    assert members("Pneumonia", (NORMAL, VIRAL)) == ()
    assert members("Fracture", CHEST4) == ()


def test_pneumonia_view_sums_by_hand():
    view = get_label_scheme("pneumonia")
    found = view.probabilities(np.array([[0.4, 0.3, 0.2, 0.1], [1.0, 0.0, 0.0, 0.0]]), CHEST4)
    assert view.classes == (NORMAL, "Pneumonia")
    np.testing.assert_allclose(found, [[0.4, 0.6], [1.0, 0.0]])


def test_view_finds_classes_by_name_not_by_place():
    values = np.array([[0.1, 0.2, 0.3, 0.4]])
    found = get_label_scheme("pneumonia").probabilities(values, (COVID, VIRAL, BACTERIAL, NORMAL))
    np.testing.assert_allclose(found, [[0.4, 0.6]])


def test_covid3_view_conditions_bacterial_away():
    # Without the 0.5 of bacterial: COVID 0.1, normal 0.2 and viral 0.2 of 0.5.
    found = get_label_scheme("covid3").probabilities(np.array([[0.2, 0.5, 0.2, 0.1]]), CHEST4)
    np.testing.assert_allclose(found, [[0.2, 0.4, 0.4]])


def test_view_of_nothing_left_is_even():
    found = get_label_scheme("covid3").probabilities(np.array([[0.0, 1.0, 0.0, 0.0]]), CHEST4)
    np.testing.assert_allclose(found, [[1 / 3] * 3])


def test_view_names_the_class_a_model_lacks():
    with pytest.raises(ValueError, match="'covid3' needs the classes COVID-19, which") as error:
        get_label_scheme("covid3").probabilities(np.ones((1, 2)) / 2, (NORMAL, VIRAL))
    assert str(error.value).endswith("It has: Normal, Viral pneumonia")


def test_view_labels():
    assert get_label_scheme("pneumonia").label(COVID) == "Pneumonia"
    assert get_label_scheme("pneumonia").label("Pneumonia") == "Pneumonia"
    assert get_label_scheme("covid3").label(BACTERIAL) is None
    assert get_label_scheme("covid3").label(VIRAL) == VIRAL


def test_unknown_view_lists_those_there_are():
    with pytest.raises(ValueError, match="one of chest4, pneumonia, covid3. Received: 'lungs'"):
        get_label_scheme("lungs")


def test_a_set_is_allowed_where_all_its_members_are_classes():
    both = ("Bacterial pneumonia", "Viral pneumonia")
    assert members("Pneumonia", both) == both
    assert members("Pneumonia", (*both, "Normal")) == both
    assert members("Pneumonia", both[:1]) == ()
    assert members("Pneumonia", ("Pneumonia", *both)) == ("Pneumonia",)
