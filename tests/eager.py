"""Training in tests without tracing a graph, which takes longer than their few films do."""

import pytest

EAGER = [
    pytest.mark.usefixtures("eager"),
    # What TensorFlow and Keras say to that.
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.filterwarnings("ignore:The structure of `inputs`"),
]
