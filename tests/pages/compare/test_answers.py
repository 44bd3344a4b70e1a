"""What networks answer together."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from pages.compare import answers
from pages.compare.answers import join_answers
from xraycore.anatomy.lung_field import NO_LUNGS
from xraycore.imaging.film_warnings import FilmWarning


@dataclass(eq=False)
class Said:
    """What a network says, as far as answers are joined."""

    word: str | None
    model: str = "vgg16"
    warnings: tuple = field(default=())


@pytest.fixture(autouse=True)
def stated(monkeypatch):
    def state(said, card, site):
        opacity = SimpleNamespace(answer=said.word)
        return SimpleNamespace(model=said.model, opacity=opacity) if said.word else None

    monkeypatch.setattr(answers, "state_answer", state)
    monkeypatch.setattr(answers, "read_card", lambda name: {})


@pytest.mark.parametrize(
    ("words", "answer", "said", "tone"),
    [
        (["opacity"] * 4 + ["none"], "opacity", "Opacity · 4 of 5", "opacity"),
        (["none"] * 3, "none", "No opacity · 3 of 3", "none"),
        (["none"], "none", "No opacity", "none"),
        (["opacity", "none"], "cannot tell", "Cannot tell · they differ", "unsure"),
        (["cannot tell"] * 2 + ["none"], "cannot tell", "Cannot tell · 2 of 3", "unsure"),
        ([None, None], None, "No answer", "silent"),
    ],
)
def test_more_than_half_must_say_so(words, answer, said, tone):
    joint = join_answers([Said(word) for word in words])
    assert (joint.answer, joint.summary, joint.tone) == (answer, said, tone)


def test_out_of_scope_nobody_answers_whatever_they_say():
    joint = join_answers([Said("opacity"), Said("opacity", warnings=(NO_LUNGS,))])
    assert joint.answer is None
    assert joint.heading == "No answer"
    assert joint.summary == "No answer: no lungs were found on it"
    lateral = FilmWarning("lateral", "A lateral view.")
    assert not join_answers([], [lateral]).scope.inside


def test_another_models_answer_is_not_taken_for_the_first_ones():
    first = Said("opacity")
    assert join_answers([first]).summary == "Opacity"
    assert join_answers([first, Said("none")]).answer == "cannot tell"
