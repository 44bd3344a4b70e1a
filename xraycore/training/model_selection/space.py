"""What a search may set, and within which limits."""

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from xraycore.errors import ArgumentError
from xraycore.training.augmentation import Augmentation
from xraycore.training.config import DOMAIN_RANDOM, STYLES
from xraycore.training.plan import Plan
from xraycore.training.settings import SETTINGS, Setting

# What is searched where nobody says what, and beyond these where lesions are drawn.
USUAL = ("lr", "weight-decay", "balance", "evidence", "augment")
OF_LESIONS = "lesion-evidence"
# Searched on a scale of factors; of the learning rate this many times the recipe's, up and down.
TIMES = 10.0
WEIGHT_DECAY = (1e-6, 1e-2)
_FACTORS = ("learning_rate", "weight_decay")
Range = FloatDistribution | IntDistribution | CategoricalDistribution
_WORDS: Mapping[str, Setting] = {setting.word: setting for setting in SETTINGS.values()}


def choose_ranges(plan: Plan, over: Sequence[str], *, lesions: bool) -> dict[str, Range]:
    """Name of a setting -> what it may be.

    Args:
        plan: What is trained; what it sets itself is not searched unless asked for.
        over: Each the word of a setting, as of an option, or WORD=LOW:HIGH; empty for `USUAL`.
        lesions: Whether lesions are drawn on the training films.

    Raises:
        ArgumentError: If there is no such setting, it has no such limits, or nothing is left.
    """
    asked = list(over)
    if not asked:
        usual = [*USUAL, *([OF_LESIONS] if lesions else [])]
        asked = [word for word in usual if _WORDS[word].name not in plan.changes]
    if not asked:
        raise ArgumentError(
            "nothing is left to search: set fewer options, or name some with --over."
        )
    space = {}
    for one in asked:
        word, _, limits = one.partition("=")
        if word not in _WORDS or _WORDS[word].name == "epochs":
            known = ", ".join(word for word in _WORDS if word != "epochs")
            raise ArgumentError(f"--over must be one of {known}. Received: {word!r}")
        space[_WORDS[word].name] = _range(_WORDS[word], limits, plan)
    return space


def read_changes(values: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's values as a plan's changes: with as many digits as a command line keeps."""
    return {
        name: float(f"{value:g}") if isinstance(value, float) else value
        for name, value in values.items()
    }


def starting_values(plan: Plan, space: Mapping[str, Range]) -> dict[str, Any]:
    """The plan's own settings; empty where one of them lies beyond what is searched."""
    recipe = plan.recipe()
    values: dict[str, Any] = {name: SETTINGS[name].of(recipe) for name in space}
    if "augmentation" in values:
        values["augmentation"] = str(recipe.augmentation)
    inside = all(
        values[name] in one.choices
        if isinstance(one, CategoricalDistribution)
        else one.low <= values[name] <= one.high
        for name, one in space.items()
    )
    return values if inside else {}


def _range(setting: Setting, limits: str, plan: Plan) -> Range:
    if setting.name == "augmentation" or setting.choices:
        if limits:
            raise ArgumentError(f"--over {setting.word} takes no limits. Received: {limits!r}")
        own = plan.recipe().augmentation
        every = [str(one) for one in (own, Augmentation.parse("none"), DOMAIN_RANDOM, STYLES)]
        return CategoricalDistribution(list(dict.fromkeys(setting.choices or every)))
    low, high = _limits(setting, limits, plan)
    if setting.type is int:
        return IntDistribution(round(low), round(high))
    return FloatDistribution(low, high, log=setting.name in _FACTORS)


def _limits(setting: Setting, text: str, plan: Plan) -> tuple[float, float]:
    if not text:
        if setting.name == "learning_rate":
            rate = plan.recipe().stages[-1].learning_rate
            return rate / TIMES, rate * TIMES
        return WEIGHT_DECAY if setting.name == "weight_decay" else (setting.low, setting.high)
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        low = high = float("nan")
    # Up to what a form offers, as far as it says so; a scale of factors has no nought.
    most = setting.high or float("inf")
    if not (setting.low <= low < high <= most and (low > 0 or setting.name not in _FACTORS)):
        raise ArgumentError(
            f"--over {setting.word} must be LOW:HIGH, such as {setting.word}=0.1:0.5, within what "
            f"the option takes. Received: {text!r}"
        )
    return low, high
