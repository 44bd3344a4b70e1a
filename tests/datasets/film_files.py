"""Film-like pictures, each unlike the others, and files of them."""

import cv2
import numpy as np
from PIL import Image


def draw(seed, size=(160, 160)):
    """Uint8 (H, W): shades and detail of several sizes, drawn at random, dark to bright."""
    rng = np.random.default_rng(seed)
    layers = [cv2.GaussianBlur(rng.standard_normal((160, 160)), (0, 0), s) for s in (2, 6, 20)]
    picture = sum(layer / layer.std() for layer in layers)
    picture = (picture - picture.min()) / np.ptp(picture)
    return np.round(cv2.resize(picture, size[::-1]) * 200 + 20).astype(np.uint8)


def write(path, picture, **options):
    """Saves a uint8 picture in the format of the path's suffix; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **options)
    return path
