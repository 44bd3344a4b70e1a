"""The classifiers of the weight store: `weights/<model>/` with weights and the model's card.

Class names belong to weights: of shipped ones `shipped.json` says to which, others hold it
themselves, as our export wrote it. A card that names others is refused.
"""

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from xraycore.config import weights_folder
from xraycore.errors import WeightsError
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.models.card_schema import Classes, ModelCard
from xraycore.models.registry import MODELS, get_spec, title_of
from xraycore.models.spec import FULL
from xraycore.utils.checkpoints import Card, load_card, read_attribute, write_attribute
from xraycore.utils.files import sha256
from xraycore.utils.stored import Name, Stored

# sha256 of weights -> what they answer, and the sha256 of every card that was shipped with them.
# `python -m tools.pin_models` adds what lies under weights/.
SHIPPED_MODELS = Path(__file__).with_name("shipped.json")
# Of the entry in a weight file.
ATTRIBUTE = "xraycore"

OWN = (
    "{title} did not come with xraycore: somebody trained it elsewhere, and nobody else checked "
    "what its card says of it."
)
CHANGED = (
    "The card of {title} is not one that came with xraycore: its calibration, thresholds or scores "
    "were changed since."
)


class WhatWeightsAnswer(Stored):
    """What belongs to weights, and is no choice of who writes a card."""

    model: Name
    end: Name
    classes: Classes
    view: Name
    input_size: int


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
        WeightsError: If the model has none, one that is not as expected, or one that says
            something else of the weights than they say themselves.
        ArgumentError: If there is no such model.
    """
    get_spec(name)
    folder = weights_folder() / name
    try:
        card = load_card(folder, ModelCard)
    except WeightsError as error:
        raise WeightsError(
            f"{error} Trained models: {', '.join(list_trained()) or 'none'}"
        ) from None
    _check_answers(folder, name, card)
    return card


def model_files(name: str) -> dict[str, Path]:
    """What another computer needs to run a model; see `xraycore.anatomy.segmenter.segmenter_files`.

    Raises:
        WeightsError: If it has no card, or that is damaged.
    """
    folder = weights_folder() / name
    files = ("card.json", read_card(name)["weights"]["file"])
    return {f"weights/{name}/{file}": folder / file for file in files}


def stored_title(name: str) -> str:
    """Title of a network as its stored weights end it, such as "ResNet50, four stages".

    The registry's where there are none, or their card cannot be read.
    """
    file = weights_folder() / name / "card.json"
    try:
        state = file.stat()
    except OSError:
        return get_spec(name).title
    return _title(name, file, (state.st_mtime_ns, state.st_size, state.st_ino))


@lru_cache(maxsize=64)
def _title(name: str, file: Path, state: tuple[int, ...]) -> str:
    try:
        return title_of(name, read_card(name).get("end", FULL))
    except WeightsError:
        return get_spec(name).title


def what_is_answered(card: Mapping[str, Any]) -> dict[str, Any]:
    """What belongs to the weights of a card: network, classes in their order, and what it sees."""
    return {
        "model": card["model"],
        # Cards from before there were ends to choose from are of whole networks.
        "end": card.get("end", FULL),
        "classes": list(card["classes"]),
        "view": card.get("view", "film"),
        "input_size": card.get("input_size") or get_spec(card["model"]).input_size,
    }


def bind_weights(file: Path, card: Mapping[str, Any]) -> None:
    """Writes into a weight file what it answers, so that no card can say otherwise."""
    write_attribute(file, ATTRIBUTE, what_is_answered(card))


def warn_of_origin(name: str, card: Card, digest: str) -> tuple[FilmWarning, ...]:
    """A warning where a network, or its card with this sha256, is not as it came with xraycore."""
    title = stored_title(name)
    shipped = shipped_models().get(card["weights"]["sha256"])
    if shipped is None:
        return (FilmWarning("own-model", OWN.format(title=title)),)
    if digest not in shipped["cards"]:
        return (FilmWarning("own-model", CHANGED.format(title=title)),)
    return ()


@cache
def shipped_models() -> Mapping[str, Mapping[str, Any]]:
    """sha256 of weights -> what they answer, and `cards`, the sha256 of each card of theirs."""
    return json.loads(SHIPPED_MODELS.read_text())


def _check_answers(folder: Path, name: str, card: Card) -> None:
    if card["model"] != name:
        raise WeightsError(
            f"{folder / 'card.json'}: expected the card of {name}. Received: that of "
            f"{card['model']!r}"
        )
    held: Mapping[str, Any] | None = shipped_models().get(card["weights"]["sha256"])
    if held is None:
        file = folder / card["weights"]["file"]
        try:
            state = file.stat()
        except OSError:
            return  # Said where they are loaded.
        held = _held_by(file, (state.st_mtime_ns, state.st_size, state.st_ino))
    said = what_is_answered(card)
    for key in WhatWeightsAnswer.model_fields:
        if held is not None and held[key] != said[key]:
            raise WeightsError(
                f"{folder / 'card.json'}: expected {key} {held[key]!r}, as the weights were "
                f"trained. Received: {said[key]!r}"
            )


@lru_cache(maxsize=32)
def _held_by(file: Path, state: tuple[int, ...]) -> Mapping[str, Any] | None:
    """What a weight file says of itself; None where it is from before files said so."""
    return read_attribute(file, ATTRIBUTE, WhatWeightsAnswer)
