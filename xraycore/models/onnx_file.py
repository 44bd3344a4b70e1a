"""A classifier as an ONNX file for others' programs: logits, features, the head, and its card.

From `[logits, features, kernel]` every one-pass heatmap is a few lines of NumPy, in whatever the
file is run; `examples/heat_from_onnx.py` shows it.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xraycore.config import NOTICE, VERSION
from xraycore.models.classifier import Classifier
from xraycore.utils.files import replacing

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUTS = "grey", ("logits", "features", "kernel")
OPSET = 18
# What the file says of itself, as text by these keys.
CARD, CLASSES, LICENCE = "card", "classes", "notice"


def write_onnx(classifier: Classifier, file: Path) -> None:
    """Writes a classifier to an ONNX file, whole.

    Its input `grey` is float32 (n, s, s, 1) in [0, 1], cropped to the lungs by who runs it; its
    outputs are `logits` (n, k), `features` (n, h, w, c) and `kernel` (c, k), the linear head's.

    Args:
        classifier: Which.
        file: Where to.

    Raises:
        ModuleNotFoundError: Without the extra `onnx`.
        StorageError: If the disk is full.
    """
    import onnx

    model = _converted(classifier)
    described = {
        CARD: json.dumps(dict(classifier.card), ensure_ascii=False),
        CLASSES: json.dumps(classifier.classes, ensure_ascii=False),
        LICENCE: NOTICE,
    }
    onnx.helper.set_model_props(model, described)
    model.producer_name, model.producer_version = "xraycore", VERSION
    model.doc_string = f"{classifier.spec.title}. {NOTICE}"
    onnx.checker.check_model(model)
    with replacing(file) as part:
        part.write_bytes(model.SerializeToString())


def _converted(classifier: Classifier) -> "onnx.ModelProto":
    import onnx
    import tensorflow as tf
    from onnx import numpy_helper
    from tf2onnx import convert

    size = classifier.size

    @tf.function(input_signature=[tf.TensorSpec((None, size, size, 1), tf.float32, name=INPUT)])
    def run(grey: Any) -> dict[str, Any]:
        logits, features = classifier.network(grey, training=False)
        return {OUTPUTS[0]: tf.identity(logits), OUTPUTS[1]: tf.identity(features)}

    model, _ = convert.from_function(run, input_signature=run.input_signature, opset=OPSET)
    graph = model.graph
    kernel, _ = classifier.head
    graph.initializer.append(numpy_helper.from_array(kernel, "head"))
    graph.node.append(onnx.helper.make_node("Identity", ["head"], [OUTPUTS[2]]))
    graph.output.append(
        onnx.helper.make_tensor_value_info(OUTPUTS[2], onnx.TensorProto.FLOAT, kernel.shape)
    )
    return model
