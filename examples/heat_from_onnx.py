"""Heat from an exported network without xraycore: ONNX Runtime and ten lines of NumPy.

    xraycore weights onnx vgg16 --out vgg16.onnx
    python examples/heat_from_onnx.py vgg16.onnx film.png

The film is squashed to the network's input as it is; xraycore itself crops it to the lungs first.
For education and research, never for diagnosis.
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image


def heatmap_of(file: str, film: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """Logit of each class, and Grad-CAM of the greatest, (h, w), of a film (s, s) in [0, 1]."""
    session = onnxruntime.InferenceSession(file)
    classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
    grey = film[None, ..., None].astype(np.float32)
    logits, features, kernel = session.run(["logits", "features", "kernel"], {"grey": grey})
    target = logits[0].argmax()
    heat = np.maximum(features[0] @ kernel[:, target], 0) / features[0, ..., 0].size
    return dict(zip(classes, map(float, logits[0]), strict=True)), heat


if __name__ == "__main__":
    file, picture = sys.argv[1:]
    size = onnxruntime.InferenceSession(file).get_inputs()[0].shape[1]
    film = np.asarray(Image.open(picture).convert("L").resize((size, size))) / 255
    logits, heat = heatmap_of(file, film)
    print(logits)
    print(np.round(heat, 3))
