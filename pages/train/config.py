"""The Train page's next steps: the network, its starting weights, and the recipe."""

import re
from contextlib import nullcontext
from dataclasses import replace
from itertools import cycle
from typing import Any

import streamlit as st

from pages.shared.layout import ask_path, plain
from pages.train.dataset import Chosen
from pages.train.process import duration
from xraycore.access.paths import named_path
from xraycore.config import runs_folder, weights_folder
from xraycore.errors import XrayCoreError
from xraycore.models.pretrained import imagenet_file
from xraycore.models.registry import MODELS, title_of
from xraycore.training.config import DOMAIN_RANDOM
from xraycore.training.plan import Plan, expected_seconds, measured_speeds
from xraycore.training.settings import SETTINGS, Setting

# In the order in which they are offered: title, and what it does.
RECIPES = {
    "quick": ("Quick try", "Small films, one stage: shows whether anything can be learnt at all"),
    "cpu": (
        "Two cores",
        "Small films first, then whole ones: made for an hour or two of a processor",
    ),
    "shipped": (
        "As the shipped models",
        "Strong random changes, so that hospitals cannot be told apart by exposure",
    ),
    "tune": (
        "Train on",
        "The last layers of a trained network, on whole films, for its heat to find lesions",
    ),
    "gpu": ("Graphics card", "All layers on whole films, many epochs: slow on a processor alone"),
}
STARTS = {
    "none": "Random",
    "imagenet": "ImageNet",
    "file": "A file",
}
FORM = "train-form"
CHANGES = {
    "recipe": "As the recipe",
    "none": "None",
    "strong": "Strong",
    "own": "Own",
}
STRONG = ",".join(f"{name}={value:g}" for name, value in vars(DOMAIN_RANDOM).items())


def choose_network() -> tuple[str, str] | None:
    """The network's name and its starting weights; None where the file is not named well."""
    left, right = st.columns(2)
    model = left.selectbox(
        "Network",
        list(MODELS),
        format_func=lambda name: title_of(name, MODELS[name].default_end),
        key="network",
        bind="query-params",
    )
    left.caption(plain(MODELS[model].paper))
    spec = MODELS[model]
    # Nothing is downloaded at a visitor's click.
    fetched = spec.imagenet is not None and imagenet_file(spec).is_file()
    offered = [one for one in STARTS if one != "imagenet" or fetched]
    start = right.segmented_control(
        "Starting weights",
        offered,
        default=offered[0],
        required=True,
        format_func=STARTS.get,
        key=f"start-{model}",
        persist_state="session",
        help="Random: it has learnt nothing yet. ImageNet: from a million photographs; such a "
        "network needs far fewer films (transfer learning). A file: weights of your own.",
    )
    if spec.imagenet and not fetched:
        right.caption(
            "ImageNet is offered once its weights are on this computer: on its command line, "
            f"`xraycore weights imagenet {spec.name}`."
        )
    if start != "file":
        return model, start
    file = ask_path(
        "Weight file",
        "weight-file",
        persist_state="session",
        placeholder="/path/to/name.weights.h5",
        help="Of a whole network of this kind with the same classes, or of its ImageNet layers "
        "without the top.",
    )
    if not file:
        st.info("Name the file to start from.", icon=":material/arrow_upward:")
        return None
    try:
        return model, str(named_path(file))
    except XrayCoreError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def starting_weights(plan: Plan) -> str:
    """What a plan's network starts from, in words for a sentence."""
    named = {"none": "random weights", "imagenet": "ImageNet weights"}
    return named.get(plan.weights, f"the weights in {plan.weights}")


def speeds_of(model: str) -> dict[int, float]:
    """What was measured of a network's training here, see `measured_speeds`."""
    folders = [*weights_folder().glob("*/"), *sorted(runs_folder().glob("*/"))]
    return measured_speeds(model, folders)


def choose_recipe(chosen: Chosen, model: str, weights: str) -> Plan | None:
    """The whole plan; None where a setting is out of its range."""
    films = len(chosen.manifest.split("train"))
    speeds = speeds_of(model)

    def cost(name: str) -> str:
        recipe = Plan(chosen.datasets, model, name, weights).recipe()
        seconds = expected_seconds(recipe, films, speeds)
        epochs = sum(stage.epochs for stage in recipe.stages)
        sizes = " → ".join(f"{stage.size} px" for stage in recipe.stages)
        time = "time not measured" if seconds is None else f"about {duration(seconds)}"
        return f"{RECIPES[name][1]}. {epochs} epochs, {sizes}, {time}."

    name = st.radio(
        "Recipe",
        list(RECIPES),
        format_func=lambda name: RECIPES[name][0],
        captions=[plain(cost(name)) for name in RECIPES],
        key="recipe",
        bind="query-params",
    )
    st.caption(
        "Times follow from training speeds of this network, measured in runs of yours or else "
        "on the two cores that trained the shipped models; reading and judging films come on top."
        if speeds
        else "No speed of this network was measured yet: the first epoch will tell."
    )
    with st.expander("Change the recipe", icon=":material/tune:"):
        plan = _changed(
            Plan(*(chosen.datasets, model, name, weights, chosen.films), labels=chosen.labels)
        )
    try:
        plan.recipe()
    except XrayCoreError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    return plan


def rate_key(plan: Plan) -> str:
    """Key of the field that holds the learning rate of a plan."""
    form = st.session_state.get(FORM, 0)
    return f"rate-{form}-{plan.model}-{plan.preset}-{plan.weights != 'none'}"


def clear_form() -> None:
    """Gives the fields of a new training what their recipe says, the next time they are shown."""
    st.session_state[FORM] = st.session_state.get(FORM, 0) + 1


def _changed(plan: Plan) -> Plan:
    """The plan with what is set otherwise than its recipe has it."""
    recipe, key, changes = plan.recipe(), rate_key(plan), {}
    columns = cycle(st.columns(2))
    for setting in SETTINGS.values():
        with next(columns) if setting.name != "augmentation" else nullcontext():
            of = f" of the stage “{recipe.stages[-1].name}”" if len(recipe.stages) > 1 else ""
            options = {
                "label": setting.title + (of if setting.of_stage else ""),
                "key": key if setting.name == "learning_rate" else f"{setting.name}-{key}",
                "help": setting.explanation.format(patience=recipe.patience),
                "persist_state": "session",
            }
            before = setting.of(recipe)
            value = _field(setting, before, options)
        if value is not None and value != before:
            changes[setting.name] = value
    return replace(plan, changes=changes)


def _field(setting: Setting, before: Any, options: dict[str, str]) -> object:
    """The field of a setting; what it holds, or None where the recipe has its way."""
    if setting.name == "augmentation":
        return _choose_augmentation(options)
    if setting.choices:
        return st.segmented_control(
            options=list(setting.choices),
            default=before,
            required=True,
            format_func=setting.choices.get,
            **options,
        )
    if setting.type is int:
        return int(
            st.number_input(min_value=setting.low, max_value=setting.high, value=before, **options)
        )
    if setting.step:
        return st.slider(
            min_value=float(setting.low),
            max_value=setting.high,
            value=before,
            step=setting.step,
            format="percent" if setting.share else "%.1f",
            **options,
        )
    return _number(st.text_input(value=f"{before:g}", **options), before)


def _choose_augmentation(options: dict[str, str]) -> str | None:
    changes = st.segmented_control(
        options=list(CHANGES),
        default="recipe",
        required=True,
        format_func=CHANGES.get,
        **options,
    )
    own = STRONG
    if changes == "own":
        own = st.text_input(
            "Own changes", value=STRONG, key=f"own-{options['key']}", persist_state="session"
        )
    return {"recipe": None, "none": "none", "strong": STRONG, "own": own}[changes]


def _number(text: str, before: float) -> float:
    """A rate as it was typed, the recipe's as that is shown; 0, which no recipe takes, if none."""
    if not re.fullmatch(r"[0-9.,]+([eE][-+]?\d+)?", text.strip()):
        return 0.0
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return 0.0
    return before if value == float(f"{before:g}") else value
