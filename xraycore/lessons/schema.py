"""What a lesson's `lesson.toml` may say: a table a step, each of one kind."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from xraycore.datasets.synthetic.opacities import OPACITIES
from xraycore.datasets.synthetic.plants import PLANTS
from xraycore.errors import ArgumentError
from xraycore.models.registry import get_spec
from xraycore.utils.stored import FileName, Name, Share, Text

FILE = "lesson.toml"
MOST_STEPS = 60


class _Table(BaseModel):
    """A table of the file; an entry that it does not know is a slip of the pen, and said."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def _one_of(*names: str) -> BeforeValidator:
    def check(value: object) -> object:
        if value not in names:
            raise ValueError(f"expected one of {', '.join(names)}")
        return value

    return BeforeValidator(check)


def _network(value: object) -> object:
    try:
        return get_spec(str(value)).name
    except ArgumentError as error:
        raise ValueError(str(error)) from None


Network = Annotated[str, BeforeValidator(_network)]
# Left, top, right and bottom in shares of the film's width and height.
Corners = Annotated[list[Share], Field(min_length=4, max_length=4)]
# A folder below the data folder: no way leads out of it.
Below = Annotated[str, Field(pattern=r"^[_A-Za-z0-9][_A-Za-z0-9. /-]{0,200}$")]


class FilmTable(_Table):
    """A film: generated, a file beside the lesson, or one of the data folder.

    Attributes:
        phantom: Seed of a generated chest.
        opacity: Kind of the opacity that is painted into it.
        plant: What has nothing to do with lungs and is planted into it.
        file: A file in the lesson's folder.
        data: A folder below the data folder, of which one film is taken.
        number: Which, by name, from 1.
        finding: Whether there is something on a film that is not generated.
        boxes: Where.
        masks: A folder below the data folder with a mask of the film's name.
    """

    phantom: Annotated[int, Field(ge=0, le=4_999_999)] | None = None
    opacity: Annotated[str, _one_of(*OPACITIES)] | None = None
    plant: Annotated[str, _one_of(*PLANTS)] | None = None
    file: FileName | None = None
    data: Below | None = None
    number: Annotated[int, Field(ge=1, le=100_000)] = 1
    finding: bool | None = None
    boxes: Annotated[list[Corners], Field(max_length=20)] = []
    masks: Below | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [one for one in ("phantom", "file", "data") if getattr(self, one) is not None]
        if len(given) != 1:
            raise ValueError("expected one of phantom, file and data")
        if self.phantom is None:
            if self.finding is None:
                raise ValueError("expected finding = true or false: what is known of this film")
            if self.opacity or self.plant:
                raise ValueError("opacity and plant are of generated films (phantom)")
        elif self.finding is not None or self.boxes or self.masks:
            raise ValueError("of a generated film (phantom) the truth is known by itself")
        if (self.boxes or self.masks) and not self.finding:
            raise ValueError("boxes and masks are of a film with finding = true")
        for left, top, right, bottom in self.boxes:
            if left >= right or top >= bottom:
                raise ValueError("a box is [left, top, right, bottom], left before right")
        if self.data and ".." in self.data:
            raise ValueError("expected a folder below the data folder")
        if self.masks and (".." in self.masks or not self.data):
            raise ValueError("masks are a folder below the data folder, of a film of data")
        return self


class Step(_Table):
    """What all steps have.

    Attributes:
        title: Heads the step.
        text: Said before the student acts.
        after: Said once he has.
    """

    kind: str
    title: Name
    text: Text = ""
    after: Text = ""


class TextStep(Step):
    """Something to read; nothing is asked."""

    kind: Literal["text"]


class OnFilm(Step):
    """A step on a film.

    Attributes:
        film: Which.
        real: In its place where the data folder has it.
    """

    film: FilmTable
    real: FilmTable | None = None


class ReadStep(OnFilm):
    """The student reads a film before any network is shown.

    Attributes:
        models: Networks whose answers are shown afterwards; all trained ones where none is named.
    """

    kind: Literal["read"]
    models: list[Network] = []


class WithNetwork(OnFilm):
    """A step on what a network says of a film; the best trained one where none is named."""

    model: Network | None = None


class BetStep(WithNetwork):
    """The student bets whether a network is right.

    Attributes:
        heat: Whether its heat is shown before the bet, or only after.
    """

    kind: Literal["bet"]
    heat: Annotated[str, _one_of("before", "after")] = "before"


class NoiseStep(WithNetwork):
    """Two maps, one of the trained network and one of random weights: which is which?

    Attributes:
        method: Of the maps.
    """

    kind: Literal["noise"]
    method: Name = "grad_cam"


class InsertStep(WithNetwork):
    """The student says what an opacity will do, paints it where he wants, and sees it.

    Attributes:
        opacity: Kind of it.
        radius: As a share of the lung's width.
        strength: From the least dense of its kind, 0, to the densest, 1.
    """

    kind: Literal["insert"]
    opacity: Annotated[str, _one_of(*OPACITIES)] = "focal"
    radius: Annotated[float, Field(ge=0.1, le=0.5)] = 0.3
    strength: Share = 0.8


class ThresholdStep(Step):
    """The student sets a threshold on films of home, and sees what it does at another hospital.

    Attributes:
        model: Whose answers; the best trained one where none is named.
        home: Source of films in its stored predictions.
        elsewhere: Another.
        sensitivity: That is asked for at home.
    """

    kind: Literal["threshold"]
    model: Network | None = None
    home: Name = "chest_xray"
    elsewhere: Name = "nih"
    sensitivity: Annotated[float, Field(gt=0.5, le=1)] = 0.95


class ChoiceStep(Step):
    """A question with several answers, one of them right.

    Attributes:
        film: Shown beside it, if any.
        options: The answers.
        answer: Number of the right one, from 1.
    """

    kind: Literal["choice"]
    film: FilmTable | None = None
    options: Annotated[list[Name], Field(min_length=2, max_length=8)]
    answer: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.answer > len(self.options):
            raise ValueError(f"expected answer = 1 to {len(self.options)}, one of the options")
        return self


AnyStep = Annotated[
    TextStep | ReadStep | BetStep | NoiseStep | InsertStep | ThresholdStep | ChoiceStep,
    Field(discriminator="kind"),
]


class LessonTable(_Table):
    """A whole lesson.

    Attributes:
        title: Of the lesson.
        summary: What it is about, in a sentence.
        minutes: How long it takes, about.
        limit_minutes: After so many minutes no answer counts; None for no limit.
        shuffle_seed: Of a random order of the steps that ask something, another for each student;
            None for the order of the file.
        introduction: A text file in the folder, shown first.
        conclusion: Another, shown at the end.
        steps: In their order.
    """

    title: Name
    summary: Text = ""
    minutes: Annotated[int, Field(ge=1, le=240)] = 10
    limit_minutes: Annotated[float, Field(gt=0, le=1440)] | None = None
    shuffle_seed: Annotated[int, Field(ge=0, le=2**31)] | None = None
    introduction: FileName | None = None
    conclusion: FileName | None = None
    steps: Annotated[list[AnyStep], Field(min_length=1, max_length=MOST_STEPS)]
