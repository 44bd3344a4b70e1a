import numpy as np
import pytest

from xraycore.datasets.audit.shortcuts import measure_shortcuts


def features_of(rng, sizes, brightness):
    width = rng.normal(sizes, 20, len(sizes))
    noise = rng.normal(size=(len(sizes), 3))
    grey = rng.normal(brightness, 0.05, len(sizes))
    return np.column_stack([noise[:, 0], width, noise[:, 1], width, grey, noise[:, 2]])


@pytest.mark.parametrize("cause", ["size", "brightness", "nothing"])
def test_confounding_tells_its_cause(cause):
    rng = np.random.default_rng(0)
    second = np.repeat([0, 1], 60)
    sizes = 500 + (300 * second if cause == "size" else 0 * second)
    greys = 0.4 + (0.3 * second if cause == "brightness" else 0 * second)
    labels = np.where(second, "B", "A").tolist()
    groups = [str(number) for number in range(120)]
    found = measure_shortcuts(features_of(rng, sizes, greys), labels, groups)
    # A guesser's AUROC of 60 against 60: sqrt(121 / (12 * 60 * 60)) = 0.0529, times 1.96.
    assert found.chance_auroc_limit == pytest.approx(0.6037, abs=1e-4)
    assert found.chance_accuracy == 0.5
    assert (found.file_auroc > 0.95) == (cause == "size")
    assert (found.grey_auroc > 0.95) == (cause != "nothing")
    assert (found.file_balanced_accuracy > 0.9) == (cause == "size")
    if cause == "nothing":
        assert max(found.file_auroc, found.grey_auroc) < found.chance_auroc_limit
    assert found.medians["B"]["width"] - found.medians["A"]["width"] == pytest.approx(
        300 if cause == "size" else 0, abs=15
    )


def test_confounding_never_knows_the_patient():
    # Ten films of each patient have one size, so that films alone would give the class away.
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(24), 10)
    labels = np.where(patients % 2, "B", "A").tolist()
    sizes = rng.permutation(24)[patients] * 1000.0
    features = features_of(rng, sizes, np.full(240, 0.5))
    as_films = measure_shortcuts(features, labels, [str(film) for film in range(240)])
    as_patients = measure_shortcuts(features, labels, patients.astype(str).tolist())
    assert as_films.file_auroc > 0.95
    # 12 against 12 patients: sqrt(25 / (12 * 12 * 12)) = 0.1203, times 1.96.
    assert (
        as_patients.file_auroc < as_patients.chance_auroc_limit == pytest.approx(0.7357, abs=1e-4)
    )


def test_nine_patients_a_class_are_too_few():
    assert measure_shortcuts([[0.0] * 6] * 18, ["A"] * 9 + ["B"] * 9, list("abcdefghi" * 2)) is None


def test_labels_without_a_patient_are_refused():
    with pytest.raises(ValueError, match="zip"):
        measure_shortcuts([[0.0] * 6] * 2, ["A", "B"], ["one"])


def test_ten_patients_a_class_are_enough_and_a_class_with_fewer_is_left_out():
    rng = np.random.default_rng(0)
    labels = ["A"] * 20 + ["B"] * 20 + ["C"] * 20
    # Two films a patient: ten of A and of B, nine and a half of C.
    groups = [f"{label}{number // 2}" for number, label in enumerate(labels)]
    groups[-1] = groups[-2] = groups[-3]
    found = measure_shortcuts(rng.normal(size=(60, 6)), labels, groups)
    assert found.classes == ("A", "B")
    assert found.films == 40
    assert found.chance_accuracy == 0.5
    assert set(found.medians) == {"A", "B"}
    assert list(found.medians["A"]) == [
        *("file size", "width", "height", "aspect", "brightness", "contrast")
    ]
    # 10 against 10 patients: 1.96 sqrt(21 / (12 * 10 * 10)).
    assert found.chance_auroc_limit == pytest.approx(0.5 + 1.96 * (21 / 1200) ** 0.5)


def test_forests_and_folds_are_the_ones_that_limits_were_set_with(monkeypatch):
    import sklearn.ensemble
    import sklearn.model_selection

    forest, folds = sklearn.ensemble.RandomForestClassifier, sklearn.model_selection
    asked = []

    def grown(trees, **options):
        asked.append((trees, options))
        return forest(2, **options)

    split = folds.StratifiedGroupKFold
    monkeypatch.setattr(sklearn.ensemble, "RandomForestClassifier", grown)
    monkeypatch.setattr(
        folds, "StratifiedGroupKFold", lambda *a, **k: (asked.append((a, k)), split(*a, **k))[1]
    )
    rng = np.random.default_rng(0)
    labels, groups = ["A"] * 12 + ["B"] * 12, [str(n) for n in range(24)]
    measure_shortcuts(rng.normal(size=(24, 6)), labels, groups, seed=7)
    options = {"min_samples_leaf": 5, "class_weight": "balanced", "random_state": 7}
    of_features = [((5,), {"shuffle": True, "random_state": 7}), *[(100, options)] * 5]
    # Once for what the file tells, once with its greys.
    assert asked == of_features * 2
