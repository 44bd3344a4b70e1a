"""What a network runs in: TensorFlow, or OpenVINO once it has given the same on generated films."""

import importlib.metadata
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xraycore.config import cache_folder
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.errors import ArgumentError, WeightsError
from xraycore.imaging.resample import resize
from xraycore.models.classifier import BATCH, Classifier, load_model
from xraycore.models.onnx_file import INPUT, OUTPUTS, write_onnx
from xraycore.utils.files import make_private_folder, replacing, write_json
from xraycore.utils.stored import Stored, Text, read_stored

if TYPE_CHECKING:
    import openvino

TENSORFLOW, OPENVINO = "tensorflow", "openvino"
RUNTIMES = (TENSORFLOW, OPENVINO)
# How far logits and features may be from TensorFlow's, as a share of the largest of these.
MOST_APART = 1e-2
# Generated films that both are asked of, half of them with an opacity.
PHANTOMS = 2 * BATCH
# The quicker one first, where the processor has it.
_PRECISIONS = ("bf16", "f32")


@dataclass(frozen=True)
class Parity:
    """How far one runtime's forward passes are from TensorFlow's.

    Attributes:
        logits: Greatest difference of a logit, as a share of the largest logit.
        features: The same of the features.
        answers: Share of films whose most probable class is the same.
        films: Of how many generated films.
    """

    logits: float
    features: float
    answers: float
    films: int

    @property
    def holds(self) -> bool:
        """Whether the runtime may be used in TensorFlow's place."""
        return max(self.logits, self.features) <= MOST_APART and self.answers == 1.0

    def __str__(self) -> str:
        return (
            f"logits {self.logits:.2g} and features {self.features:.2g} of the largest apart, "
            f"{self.answers:.0%} of {self.films} answers the same"
        )


class StoredParity(Stored):
    """What is kept of a comparison."""

    logits: float
    features: float
    answers: float
    films: int
    precision: Text


Forward = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class OpenVINOClassifier(Classifier):
    """A classifier whose forward passes run in OpenVINO; all else is the one that it is made of."""

    def __init__(self, origin: Classifier, forward: Forward, parity: Parity, precision: str):
        self.__dict__.update(origin.__dict__)
        self._forward, self.parity, self.precision = forward, parity, precision

    def forward(self, grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (n, k) and features (n, h, w, c) of network inputs (n, s, s, 1) in [0, 1]."""
        return self._forward(np.asarray(grey, np.float32))


def load_model_in(name: str, runtime: str = TENSORFLOW) -> Classifier:
    """The trained classifier of that name, its forward passes in a runtime of `RUNTIMES`.

    OpenVINO's network is converted once and kept in the cache by the sha256 of its weights; before
    its first use it has to give what TensorFlow gives on generated films.

    Raises:
        ArgumentError: If there is no such model or runtime.
        WeightsError: If it has no weights, they are not what its card says, or OpenVINO gives
            something else; the message says how far they are apart.
    """
    if runtime not in RUNTIMES:
        raise ArgumentError(f"runtime must be one of {', '.join(RUNTIMES)}. Received: {runtime!r}")
    classifier = load_model(name)
    return classifier if runtime == TENSORFLOW else in_openvino(classifier)


def in_openvino(classifier: Classifier) -> OpenVINOClassifier:
    """The classifier in OpenVINO, see `load_model_in`."""
    folder = _folder(classifier)
    file = folder / "network.onnx"
    if not file.is_file():
        make_private_folder(folder)
        write_onnx(classifier, file)
    comparison = folder / "parity.json"
    tried = []
    for precision in _allowed(comparison):
        forward = _compiled(file, precision)
        parity = _known(comparison, precision) or compare(classifier, forward)
        if parity.holds:
            write_json(comparison, {**asdict(parity), "precision": precision})
            return OpenVINOClassifier(classifier, forward, parity, precision)
        tried.append(f"{precision}: {parity}")
    raise WeightsError(
        f"{classifier.spec.name} in OpenVINO: expected what TensorFlow gives, to "
        f"{MOST_APART:g} of the largest value and with the same answers. Received: "
        f"{'; '.join(tried)}"
    )


def export_onnx(classifier: Classifier, file: Path) -> Parity:
    """Writes a classifier as `write_onnx` does, if it gives what TensorFlow gives; says how near.

    Raises:
        WeightsError: If it does not; nothing is written.
    """
    import onnxruntime

    def run(part: Path) -> Forward:
        session = onnxruntime.InferenceSession(part, providers=["CPUExecutionProvider"])
        return lambda grey: tuple(session.run(list(OUTPUTS[:2]), {INPUT: grey}))

    with replacing(file) as part:
        write_onnx(classifier, part)
        parity = compare(classifier, run(part))
        if not parity.holds:
            raise WeightsError(
                f"{classifier.spec.name} as ONNX: expected what TensorFlow gives, to "
                f"{MOST_APART:g} of the largest value and with the same answers. Received: {parity}"
            )
    return parity


def compare(classifier: Classifier, forward: Forward) -> Parity:
    """How far forward passes are from the classifier's own, on generated films."""
    films = phantom_inputs(classifier.size)
    logits, features = classifier.forward(films)
    other_logits, other_features = forward(films)
    same = classifier.probabilities_of(logits).argmax(axis=1) == (
        classifier.probabilities_of(other_logits).argmax(axis=1)
    )
    return Parity(
        _apart(logits, other_logits), _apart(features, other_features), same.mean(), len(films)
    )


@cache
def phantom_inputs(size: int) -> np.ndarray:
    """Generated films as a network sees them, float32 (`PHANTOMS`, size, size, 1) in [0, 1]."""
    films = (make_phantom(n, opacity=bool(n % 2), size=256).pixels for n in range(PHANTOMS))
    inputs = np.stack([resize(film, (size, size)) for film in films])[..., None]
    inputs.setflags(write=False)
    return inputs


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max() / max(1e-12, float(np.abs(one).max())))


def _folder(classifier: Classifier) -> Path:
    digest = classifier.card["weights"]["sha256"]
    versions = "-".join(importlib.metadata.version(name) for name in ("openvino", "tf2onnx"))
    name = f"{classifier.spec.name}-{classifier.size}-{digest[:16]}-{versions}"
    return cache_folder() / OPENVINO / name


def _allowed(file: Path) -> list[str]:
    """Precisions to try: only the one that was found to hold, where one was."""
    import openvino

    known = _stored(file)
    if known and known["precision"] in _PRECISIONS:
        return [known["precision"]]
    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [one for one in _PRECISIONS if one != "bf16" or "BF16" in able]


def _stored(file: Path) -> dict[str, Any] | None:
    try:
        return read_stored(file, StoredParity, WeightsError)
    except FileNotFoundError:
        return None


def _known(file: Path, precision: str) -> Parity | None:
    found = _stored(file)
    if not found or found["precision"] != precision:
        return None
    parity = Parity(*(found[name] for name in ("logits", "features", "answers", "films")))
    return parity if parity.films == PHANTOMS else None


def _compiled(file: Path, precision: str) -> Forward:
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}

    @cache
    def of_size(films: int) -> "openvino.CompiledModel":
        # Of one shape: each new one would be compiled while somebody waits.
        network = core.read_model(file)
        _keep_outputs(network)
        network.reshape({INPUT: [films, *list(network.input(INPUT).partial_shape)[1:]]})
        return core.compile_model(network, "CPU", settings)

    def run(grey: np.ndarray) -> list[np.ndarray]:
        network = of_size(1 if len(grey) == 1 else BATCH)
        (films, *shape) = network.input(INPUT).shape
        padded = np.zeros((films, *shape), np.float32)
        padded[: len(grey)] = grey
        found = network({INPUT: padded})
        return [np.asarray(found[name], np.float32)[: len(grey)] for name in OUTPUTS[:2]]

    def forward(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = [run(grey[start : start + BATCH]) for start in range(0, len(grey), BATCH)]
        logits, features = (np.concatenate(each) for each in zip(*parts, strict=True))
        return logits, features

    return forward


def _keep_outputs(network: "openvino.Model") -> None:
    """Without the head's kernel, which the classifier has and no pass need copy."""
    for output in list(network.outputs):
        if OUTPUTS[2] in output.get_names():
            network.remove_result(output.get_node())
