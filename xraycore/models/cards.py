"""The shipped classifiers: `weights/<model>/` with weights and the model's card."""

from xraycore.config import weights_folder
from xraycore.errors import WeightsError
from xraycore.models.registry import MODELS, get_spec
from xraycore.utils.checkpoints import Card, load_card
from xraycore.utils.files import sha256

_REQUIRED = ("model", "classes", "weights", "heat_scale", "training", "scores", "limits")


def list_trained() -> list[str]:
    """Names of the models that have trained weights, in the registry's order."""
    return [name for name in MODELS if (weights_folder() / name / "card.json").is_file()]


def card_sha256(name: str) -> str:
    """sha256 of a model's card: another one once weights, calibration or thresholds are.

    Raises:
        WeightsError: If the model has none.
        ArgumentError: If there is no such model.
    """
    read_card(name)
    return sha256(weights_folder() / name / "card.json")


def read_card(name: str) -> Card:
    """The model's card: what it was trained on, how, how well it does and what it cannot do.

    Raises:
        WeightsError: If the model has none, or it lacks an entry.
        ArgumentError: If there is no such model.
    """
    get_spec(name)
    try:
        return load_card(weights_folder() / name, _REQUIRED)
    except WeightsError as error:
        raise WeightsError(
            f"{error} Trained models: {', '.join(list_trained()) or 'none'}"
        ) from None
