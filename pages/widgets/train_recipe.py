"""The Train page's next steps: the network, its starting weights, and the recipe."""

import re

import streamlit as st

from pages.widgets.frame import plain
from pages.widgets.train_data import Chosen
from pages.widgets.train_jobs import duration
from xraycore.models.spec import MODELS
from xraycore.paths import typed_path
from xraycore.report.entries import runs_folder
from xraycore.training.plan import Plan, expected_seconds, measured_speeds
from xraycore.training.recipe import DOMAIN_RANDOM
from xraycore.weightfiles import weights_folder

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
VIEWS = {"lungs": "Lungs only (lung-field crop)", "film": "Whole film"}
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
        format_func=lambda name: MODELS[name].title,
        key="network",
        bind="query-params",
    )
    left.caption(plain(MODELS[model].paper))
    offered = [one for one in STARTS if one != "imagenet" or MODELS[model].imagenet]
    start = right.segmented_control(
        "Starting weights",
        offered,
        default=offered[0],
        required=True,
        format_func=STARTS.get,
        key=f"start-{model}",
        persist_state="session",
        help="Random: it has learnt nothing yet. ImageNet: from a million photographs, downloaded "
        "by Keras at the start; such a network needs far fewer films (transfer learning). A file: "
        "weights of your own.",
    )
    if start != "file":
        return model, start
    file = st.text_input(
        "Weight file",
        key="weight-file",
        persist_state="session",
        placeholder="/path/to/name.weights.h5",
        help="Of a whole network of this kind with the same classes, or of its ImageNet layers "
        "without the top.",
    )
    file = file.strip().strip("\"'")
    if not file:
        st.info("Name the file to start from.", icon=":material/arrow_upward:")
        return None
    try:
        return model, str(typed_path(file))
    except ValueError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def starting_weights(plan: Plan) -> str:
    """What a plan's network starts from, in words for a sentence in Markdown."""
    named = {"none": "random weights", "imagenet": "ImageNet weights"}
    return named.get(plan.weights, f"the weights in {plain(plan.weights)}")


def choose_recipe(chosen: Chosen, model: str, weights: str) -> Plan | None:
    """The whole plan; None where a setting is out of its range."""
    films = len(chosen.manifest.split("train"))
    folders = [*weights_folder().glob("*/"), *sorted(runs_folder().glob("*/"))]
    speeds = measured_speeds(model, folders)

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
        captions=[cost(name) for name in RECIPES],
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
        plan = _changed(Plan(chosen.datasets, model, name, weights, chosen.films))
    try:
        plan.recipe()
    except ValueError as error:
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
    recipe, key = plan.recipe(), rate_key(plan)
    last = recipe.stages[-1]
    left, right = st.columns(2)
    of_last = f" of the stage “{last.name}”" if len(recipe.stages) > 1 else ""
    epochs = left.number_input(
        f"Epochs{of_last}",
        1,
        500,
        last.epochs,
        key=f"epochs-{key}",
        persist_state="session",
        help="Passes over the training films. A stage ends early where validation gets no better "
        f"for {recipe.patience} epochs.",
    )
    rate = right.text_input(
        f"Peak learning rate{of_last}",
        value=f"{last.learning_rate:g}",
        key=key,
        persist_state="session",
        help="Length of the steps. Too long and the loss runs away, too short and nothing is "
        "learnt; the finder measures a good one.",
    )
    view = left.segmented_control(
        "What the network sees (view)",
        list(VIEWS),
        default=recipe.view,
        required=True,
        format_func=VIEWS.get,
        key=f"view-{key}",
        persist_state="session",
        help="Cropped to the lungs, a network cannot learn from markers and borders.",
    )
    evidence = right.slider(
        "Weight of evidence outside the lungs (evidence loss)",
        0.0,
        2.0,
        recipe.evidence,
        0.1,
        key=f"evidence-{key}",
        persist_state="session",
        help="How much it is punished for seeing signs where no lung is. 0 switches it off.",
    )
    painted = right.slider(
        "Normal films with painted opacities",
        0,
        100,
        round(100 * recipe.painted),
        10,
        format="%d %%",
        key=f"painted-{key}",
        persist_state="session",
        help="So many are given soft opacities at random places of the lungs, must then be called "
        "ill, and for that only the painted places may speak: the network learns to look there.",
    )
    changes = st.segmented_control(
        "Random changes of the training films (augmentation)",
        list(CHANGES),
        default="recipe",
        required=True,
        format_func=CHANGES.get,
        key=f"changes-{key}",
        persist_state="session",
        help="Flips, shifts, turns, exposure and noise, drawn anew for every film and epoch. The "
        "Data page shows them on a film.",
    )
    own = STRONG
    if changes == "own":
        own = st.text_input("Own changes", value=STRONG, key=f"own-{key}", persist_state="session")
    wanted = {"recipe": None, "none": "none", "strong": STRONG, "own": own}[changes]
    return Plan(
        plan.datasets,
        plan.model,
        plan.preset,
        plan.weights,
        plan.films,
        epochs=int(epochs) if epochs != last.epochs else None,
        lr=_number(rate, last.learning_rate),
        augment=wanted,
        view=view if view != recipe.view else None,
        evidence=evidence if evidence != recipe.evidence else None,
        painted=painted / 100 if painted != round(100 * recipe.painted) else None,
    )


def _number(text: str, default: float) -> float | None:
    """A rate as it was typed; None where it is the recipe's; 0, which no recipe takes, if none."""
    if re.fullmatch(r"[0-9.,]+([eE][-+]?\d+)?", text.strip()):
        try:
            value = float(text.strip().replace(",", "."))
        except ValueError:
            value = 0.0
    else:
        value = 0.0
    return None if value == float(f"{default:g}") else value
