"""What networks compute in."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Networks built inside compute in that precision; afterwards Keras' policy is as before.

    Args:
        precision: A dtype policy of Keras, such as "float32" or "mixed_bfloat16".
    """
    import keras

    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)
