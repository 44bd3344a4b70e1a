"""What a network in training is judged by, against numbers worked out by hand."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from xraycore.datasets.labels import BACTERIAL, CHEST4, COVID, NORMAL, VIRAL
from xraycore.datasets.manifest import Record
from xraycore.models.architectures import HEAD
from xraycore.training.batches import ImageArray
from xraycore.training.config import Stage, TrainingConfig
from xraycore.training.learner import Learner
from xraycore.training.validation import (
    ValidationPredictions,
    external_scores,
    internal_scores,
    predict,
    selection_score,
)


def records(*labels, source="home"):
    return tuple(Record(f"{i}.png", k, "val", str(i), source) for i, k in enumerate(labels))


def verdicts(probabilities, allowed, inside=None, given=None):
    allowed = np.array(allowed, np.float32)
    inside = np.zeros(len(allowed)) if inside is None else np.array(inside)
    given = given or records(*["A"] * len(allowed))
    return ValidationPredictions(np.log(np.array(probabilities)), allowed, inside, given)


def test_internal_scores_by_hand():
    found = internal_scores(
        verdicts(
            [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]],
            [[1, 0], [1, 0], [1, 0], [0, 1]],
            [0.4, 0.6, 0.0, 1.0],
        )
    )
    assert found["val_loss"] == pytest.approx(-np.log([0.9, 0.2, 0.6, 0.5]).mean())
    # The fourth is a tie, which goes to the first class; of three pairs one is in the wrong order.
    assert found["val_accuracy"] == 0.5
    assert found["val_auc"] == pytest.approx(2 / 3)
    assert found["val_inside"] == pytest.approx(0.5)


def test_internal_scores_of_a_set_by_hand():
    single = [[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.4, 0.3, 0.3], [0.1, 0.3, 0.6]]
    truth = [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
    sets, allowed = [[0.1, 0.3, 0.6], [0.8, 0.1, 0.1]], [[0, 1, 1], [0, 1, 1]]
    found = internal_scores(verdicts(single + sets, truth + allowed))
    # A set has the summed probability of its classes, and is right with either of them.
    assert found["val_loss"] == pytest.approx(-np.log([0.7, 0.5, 0.3, 0.6, 0.9, 0.2]).mean())
    assert found["val_accuracy"] == pytest.approx(4 / 6)
    # Of films with one class only. Class 0: 0.7 beats 0.2, 0.4, 0.1. Class 1: 0.5 beats 0.2 and
    # 0.3, while 0.3 beats 0.2 and ties with 0.3: 3.5 of 4. Class 2: 0.6 beats all.
    assert found["val_auc"] == pytest.approx((1 + 3.5 / 4 + 1) / 3)


def test_a_class_without_films_has_no_auroc():
    # Only the first two classes occur; the third would have none to compare.
    found = internal_scores(verdicts([[0.5, 0.4, 0.1], [0.6, 0.3, 0.1]], [[1, 0, 0], [0, 1, 0]]))
    assert found["val_auc"] == pytest.approx(0.0)
    alone = internal_scores(verdicts([[0.5, 0.5]], [[1, 0]]))
    assert np.isnan(alone["val_auc"])


def test_a_certain_mistake_costs_what_can_be_told_apart():
    with np.errstate(divide="ignore"):
        found = internal_scores(verdicts([[0.0, 1.0]], [[1, 0]]))
    assert found["val_loss"] == pytest.approx(12 * np.log(10))


def abroad(source, *films):
    """Verdicts on films (label, probability of normal) of one source; the rest is COVID-19."""
    labels, normal = zip(*films, strict=True)
    probabilities = [[p, 1e-3, 1e-3, 1 - p - 2e-3] for p in normal]
    return verdicts(probabilities, np.ones((len(labels), 4)), given=records(*labels, source=source))


def test_external_scores_by_hand():
    one = abroad("one", (NORMAL, 0.9), (NORMAL, 0.5), (COVID, 0.6), (VIRAL, 0.2))
    # "Pneumonia" is a label of the view; what it leaves out counts on neither side.
    two = abroad("two", ("Pneumonia", 0.7), (BACTERIAL, 0.3), ("Fracture", 0.99), (NORMAL, 0.4))
    found = external_scores([one, two], CHEST4)
    # Normals of both sources: 0.9, 0.5, 0.4. Below them are: of 0.6 one, of 0.2 all three.
    assert found["auc_one"] == pytest.approx((1 + 3) / 6)
    # Of 0.7 one, of 0.3 all three.
    assert found["auc_two"] == pytest.approx((1 + 3) / 6)
    assert list(found) == ["auc_one", "auc_two"]
    # A source without normals borrows those of the other.
    without = abroad("three", (COVID, 0.45), (COVID, 0.1))
    found = external_scores([one, without], CHEST4)
    # Normals 0.9, 0.5: above both of the second source's, above 0.6 once and above 0.2 twice.
    assert found == pytest.approx({"auc_one": 3 / 4, "auc_three": 1.0})


def test_external_scores_find_normal_by_name():
    one = abroad("one", (NORMAL, 0.9), (COVID, 0.1))
    turned = ValidationPredictions(
        one.log_p[:, ::-1], one.allowed, one.fraction_in_lungs, one.records
    )
    assert external_scores([turned], CHEST4[::-1]) == {"auc_one": 1.0}


def test_external_films_that_decide_nothing_are_refused():
    assert external_scores([], CHEST4) == {}
    ill = abroad("one", (COVID, 0.5))
    well = abroad("two", (NORMAL, 0.5))
    for given in ([ill], [well], [ill, well]):
        with pytest.raises(ValueError, match="needs normal films and others"):
            external_scores(given, CHEST4)
    both = abroad("one", (COVID, 0.5), (NORMAL, 0.5))
    with pytest.raises(ValueError, match="of different sources. Received: one, one"):
        external_scores([both, ill], CHEST4)
    with pytest.raises(ValueError, match="needs the class Normal"):
        external_scores([well], ("Opacity", "Effusion"))


def test_choice_by_hand():
    home = {"val_loss": 0.4, "val_auc": 0.9}
    assert selection_score(home, {}) == -0.4
    # Films with drawn lesions, but of ill people only: no AUROC abroad.
    assert selection_score(home, {"heat_one": 0.5}) == pytest.approx((0.9 + 0.5) / 2)
    assert selection_score(home, {"auc_one": 0.6, "auc_two": 0.8}) == pytest.approx((0.9 + 0.7) / 2)


def test_choice_counts_heat_where_lesions_are_drawn():
    home = {"val_loss": 0.4, "val_auc": 0.9, "heat_val": 0.1}
    abroad = {"auc_one": 0.6, "auc_two": 0.8, "heat_one": 0.3, "heat_two": 0.5, "hit_one": 0.0}
    assert selection_score(home, abroad) == pytest.approx(((0.9 + 0.7) / 2 + 0.4) / 2)


def test_heat_is_the_mean_over_the_films_with_a_lesion():
    one = abroad("one", (NORMAL, 0.9), (COVID, 0.6), (COVID, 0.2))
    share, hit = np.array([np.nan, 0.2, 0.6]), np.array([np.nan, 1.0, 0.5])
    drawn = replace(one, on_lesion=share, hit=hit)
    found = external_scores([drawn, abroad("two", (COVID, 0.5))], CHEST4)
    assert found["heat_one"] == pytest.approx(0.4)
    assert found["hit_one"] == pytest.approx(0.75)
    assert set(found) == {"auc_one", "auc_two", "heat_one", "hit_one"}
    assert internal_scores(drawn)["hit_val"] == pytest.approx(0.75)
    assert "hit_val" not in internal_scores(one)


@pytest.fixture
def learner():
    """Features (grey, 1 - grey), a head of four times the unit matrix."""
    grey = keras.Input((2, 2, 1))
    features = keras.layers.Conv2D(2, 1, name="features")(grey)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    logits = keras.layers.Dense(2, name=HEAD)(pooled)
    network = keras.Model(grey, [logits, features])
    network.get_layer("features").set_weights([np.array([[[[1.0, -1.0]]]]), np.array([0.0, 1.0])])
    network.get_layer(HEAD).set_weights([4 * np.eye(2), np.zeros(2)])
    return Learner(network, TrainingConfig((Stage("all", 1, 32, 1e-3),), batch_size=2))


@pytest.fixture
def films():
    """Three films of 2 x 2 pixels; the lungs are their left half, on the last there are none."""
    pixels = 255 * np.array([[[1, 1], [1, 0]], [[0, 0], [0, 0]], [[1, 0], [1, 0]]], np.uint8)
    lungs = np.zeros((3, 56, 56), np.uint8)
    lungs[:2, :, :28] = 255
    return ImageArray(pixels, lungs, records("A", "Pneumonia", "B"))


def test_predictions_by_hand(learner, films):
    found = predict(learner, films, ("A", "B"))
    # Means 3/4, 0 and 1/2 of grey: logits 4 x (mean, 1 - mean).
    expected = np.log([[1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))]])
    np.testing.assert_allclose(found.log_p[:1], expected, rtol=1e-6)
    np.testing.assert_allclose(found.log_p[1], [-4 - np.log1p(np.exp(-4)), -np.log1p(np.exp(-4))])
    assert found.log_p.dtype == np.float64
    assert found.records == films.records
    # The second film's label is neither of the classes and no set of them.
    np.testing.assert_array_equal(found.allowed, [[1, 0], [0, 0], [0, 1]])
    # A cell of the left half is lung to 6/7, one of the right to 1/7 (test_view). The first film's
    # evidence is relu(4 g - 2) for class 0: 2, 2, 2, 0; the second's for class 1: 2 everywhere.
    inside = [(2 * 6 + 2 * 1 + 2 * 6) / 7 / 6, 0.5, 0.0]
    np.testing.assert_allclose(found.fraction_in_lungs, inside, atol=1e-6)


def test_heat_on_a_lesion_by_hand(learner, films):
    """Of class 0, taken for Normal, the evidence against it is relu(2 - 4 g)."""
    lesions = np.zeros((3, 56, 56), np.uint8)
    lesions[1] = lesions[2, :, :28] = 255
    drawn = replace(films, lesions=lesions)
    found = predict(learner, drawn, (NORMAL, "B"))
    # The first has no lesion; the second's is everywhere, as is its heat. The third's is the left
    # half, its heat in the right columns, of which the lesion covers 1/7.
    np.testing.assert_allclose(found.on_lesion, [np.nan, 1, 1 / 7], atol=1e-6)
    np.testing.assert_allclose(found.hit, [np.nan, 1, 1 / 7], atol=1e-6)
    assert predict(learner, films, (NORMAL, "B")).on_lesion is None
    # Without Normal, the evidence for what is predicted: on the third film a tie, so the first
    # class, whose evidence lies in the left columns, of which the lesion covers 6/7.
    found = predict(learner, drawn, ("A", "B"))
    np.testing.assert_allclose(found.on_lesion, [np.nan, 1, 6 / 7], atol=1e-6)


def test_judging_depends_on_no_batch(learner, films):
    one, all_at_once = (
        predict(Learner(learner, replace(learner.recipe, batch_size=size)), films, ("A", "B"))
        for size in (1, 8)
    )
    np.testing.assert_allclose(one.log_p, all_at_once.log_p, atol=1e-6)
    np.testing.assert_allclose(one.fraction_in_lungs, all_at_once.fraction_in_lungs, atol=1e-6)


def test_mirror_images_count_half(learner, films):
    grey = keras.Input((2, 2, 1))
    features = keras.layers.Conv2D(2, 1, name="features")(grey)
    lopsided = keras.layers.DepthwiseConv2D(2, use_bias=False, name="lopsided")(features)
    logits = keras.layers.Dense(2, name=HEAD)(keras.layers.Flatten()(lopsided))
    network = keras.Model(grey, [logits, features])
    for name in ("features", HEAD):
        network.get_layer(name).set_weights(learner.get_layer(name).get_weights())
    columns = np.array([[0.4, 0.1], [0.4, 0.1]])
    network.get_layer("lopsided").set_weights([np.stack([columns, columns], -1)[..., None]])
    model = Learner(network, learner.recipe)

    plain, both = (predict(model, films, ("A", "B"), mirrored=m) for m in (False, True))
    # The first film has 0.9 of grey, its mirror image 0.6; of its other channel 0.1 and 0.4.
    p, turned = 1 / (1 + np.exp(-3.2)), 1 / (1 + np.exp(-0.8))
    assert np.exp(plain.log_p[0, 0]) == pytest.approx(p)
    np.testing.assert_allclose(
        np.exp(both.log_p[0]), [(p + turned) / 2, 1 - (p + turned) / 2], rtol=1e-6
    )
    np.testing.assert_array_equal(both.fraction_in_lungs, plain.fraction_in_lungs)


def test_a_network_that_diverged_is_told(learner, films):
    learner.head.set_weights([np.full((2, 2), np.nan), np.zeros(2)])
    with pytest.raises(ValueError, match="no longer finite"):
        predict(learner, films, ("A", "B"))
