"""Keras without what it only offers to others: a quarter of the processor time of its import."""

import sys
import threading
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

# Keras imports these where they are installed: for models in pipelines of scikit-learn, pictures of
# layers, and films in data frames. No command and no page has Keras do any of it.
UNUSED = ("matplotlib", "pandas", "sklearn")


class _Hidden(MetaPathFinder):
    """Has one thread find none of the modules; others, which may need them, find them as ever."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        if name in UNUSED and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is not looked for by Keras here.", name=name)
        return None


def import_keras() -> None:
    """Imports Keras and TensorFlow if they are not yet, without scikit-learn and other extras.

    For processes of our own: in this one Keras has no wrappers for scikit-learn from then on. What
    else needs these modules imports them as ever.
    """
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        # It imports TensorFlow itself, where that is its backend.
        import keras  # noqa: F401
    finally:
        sys.meta_path.remove(hidden)
