"""Reading, lungs and networks overlap, and change nothing of what is said."""

import numpy as np

from tests.scoring import fake
from xraycore.errors import RadiographError
from xraycore.imaging import read_radiograph
from xraycore.models.classifier import predict_each
from xraycore.scoring.pipeline import FilmScorer


def test_films_get_the_answers_that_each_gets_alone(tmp_path):
    files = fake.write_films(tmp_path, 21)
    files[4].write_bytes(b"no film")
    models = [fake.FakeClassifier("basic_cnn"), fake.FakeClassifier("vgg16")]
    networks, lungs = fake.without_networks()
    with networks, lungs, FilmScorer(models, read_radiograph, processes=2) as scorer:
        found = list(scorer.score(files))
        again = list(scorer.score(files[:3]))
    assert [film.source for film in found] == files
    assert isinstance(found[4].error, RadiographError) and not found[4].predictions
    for film in (*found[:4], *found[5:]):
        radiograph = read_radiograph(film.source)
        with lungs:
            alone = [one for (one,) in predict_each_fake(models, radiograph)]
        assert film.info == radiograph.info
        for one, other in zip(film.predictions, alone, strict=True):
            assert one.model == other.model
            np.testing.assert_allclose(one.logits, other.logits, rtol=1e-5)
            assert one.warnings == other.warnings
    assert [film.predictions[0].label for film in again] == [
        film.predictions[0].label for film in found[:3]
    ]


def predict_each_fake(models, radiograph):
    from unittest import mock

    from xraycore.models import classifier

    with mock.patch.object(classifier, "segment_lungs", fake.fake_lungs):
        yield from predict_each(models, [radiograph])


def test_a_fault_of_a_network_is_raised_where_the_answers_are_taken(tmp_path):
    class Broken(fake.FakeClassifier):
        def forward(self, grey):
            raise ZeroDivisionError("in the network")

    files = fake.write_films(tmp_path, 2)
    networks, lungs = fake.without_networks()
    with networks, lungs, FilmScorer([Broken()], read_radiograph, processes=1) as scorer:
        try:
            list(scorer.score(files))
        except ZeroDivisionError as error:
            assert str(error) == "in the network"
        else:
            raise AssertionError("expected the fault")
