"""The process that owns TensorFlow: it loads networks, runs them, and answers the app's calls.

Streamlit clears Keras' state and collects garbage after each run of a page in whose process Keras
is imported: a network that another thread builds meanwhile would lose the names of its layers, and
all threads would stand still for half a second. So Keras is never imported there, but here.
"""

import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from typing import Self

import numpy as np

from xraycore.anatomy.segmenter import load_segmenter
from xraycore.errors import Cancelled, XrayCoreError
from xraycore.models.cards import card_sha256, read_card
from xraycore.models.classifier import Classifier, load_model
from xraycore.models.registry import get_spec
from xraycore.models.spec import ModelSpec
from xraycore.utils.checkpoints import Card
from xraycore.utils.lean_keras import import_keras
from xraycore.utils.progress import Progress


@dataclass(frozen=True)
class Network:
    """A trained model as the app knows it: by its card. What runs it is in the other process.

    Attributes:
        name: Of the model.
        card_sha256: Of its card, which is another once weights or calibration are.
    """

    name: str
    card_sha256: str

    @classmethod
    def of(cls, name: str) -> Self:
        """The model as it is now.

        Raises:
            WeightsError: If its card is missing or damaged.
        """
        return cls(name, card_sha256(name))

    @property
    def spec(self) -> ModelSpec:
        """Its registry entry."""
        return get_spec(self.name)

    @property
    def card(self) -> Card:
        """What it was trained on and how well it does."""
        return read_card(self.name)

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes."""
        return tuple(self.card["classes"])

    @property
    def view(self) -> str:
        """What it sees of a film: "lungs" or "film"."""
        return self.card.get("view", "film")

    @property
    def size(self) -> int:
        """Height and width of its input."""
        return self.card.get("input_size") or self.spec.input_size


_loaded: dict[str, tuple[str, Classifier]] = {}
# One after the other: two at once would both be there later than the first could be.
_loading = threading.Lock()


def _load(network: Network) -> Classifier:
    # Who asks for one that is there does not wait for another that is being loaded.
    if found := _known(network):
        return found
    with _loading:
        classifier = _known(network)
        if classifier is None:
            classifier = load_model(network.name)
            _loaded[network.name] = (network.card_sha256, classifier)
        return classifier


def _known(network: Network) -> Classifier | None:
    card, classifier = _loaded.get(network.name, ("", None))
    return classifier if card == network.card_sha256 else None


def make_ready(classifier: Classifier) -> None:
    """Runs a network that no film has been through yet: the first run takes as long as a dozen."""
    if not classifier.compiled.experimental_get_tracing_count():
        classifier.forward(np.zeros((1, classifier.size, classifier.size, 1), np.float32))


def perform(function: Callable, arguments: Sequence, settings: Mapping) -> object:
    """What the function returns, given the classifier itself for every `Network`."""
    loaded = (_load(one) if isinstance(one, Network) else one for one in arguments)
    return function(*loaded, **settings)


def _answer(connection: Connection, ready: threading.Event) -> None:
    """One call: its function and arguments in; how far it is, and then its outcome, out."""

    def report(progress: Progress) -> None:
        try:
            connection.send(("progress", progress))
        except OSError:  # Who asked has hung up: the work was stopped.
            raise Cancelled from None

    with connection, contextlib.suppress(OSError, EOFError):
        try:
            function, arguments, settings, reports = connection.recv()
            ready.wait()
            given = {"report": report} if reports else {}
            outcome = perform(function, arguments, settings | given)
            connection.send(("result", outcome))
        except (Cancelled, OSError, EOFError):
            raise
        except Exception as error:  # Whoever asked tells what is ours from what is a bug.
            # A trace is not sent along; the app's log is to have it.
            if not isinstance(error, XrayCoreError):
                error.add_note(traceback.format_exc())
            connection.send(("error", error))


def _get_ready(ready: threading.Event) -> None:
    try:
        import_keras()
        load_segmenter()
    except XrayCoreError:
        # Said to the first who asks for lungs.
        return
    finally:
        ready.set()


def _end_with_the_app() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Answers calls until standard input ends; its first 32 bytes are the key to call with."""
    key, ready = sys.stdin.buffer.read(32), threading.Event()
    with Listener(("127.0.0.1", 0), backlog=64, authkey=key) as listener:
        sys.stdout.write(f"{listener.address[1]}\n")
        sys.stdout.flush()
        # What TensorFlow prints goes to the log.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        threading.Thread(target=_end_with_the_app, daemon=True).start()
        threading.Thread(target=_get_ready, args=(ready,), daemon=True).start()
        while True:
            with contextlib.suppress(AuthenticationError, OSError, EOFError):
                connection = listener.accept()
                threading.Thread(target=_answer, args=(connection, ready), daemon=True).start()
