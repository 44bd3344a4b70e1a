"""Pictures that are no frontal chest X-ray: what packages ship, what is drawn, what is turned."""

from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pydicom
import skimage.data
import sklearn.datasets
from PIL import Image, ImageDraw, ImageFont

from xraycore.datasets.synthetic.phantom import make_phantom

PHOTOGRAPHS = [
    "astronaut",
    "brick",
    "camera",
    "cell",
    "chelsea",
    "coffee",
    "coins",
    "colorwheel",
    "grass",
    "gravel",
    "horse",
    "hubble_deep_field",
    "immunohistochemistry",
    "logo",
    "microaneurysms",
    "moon",
    "page",
    "retina",
    "rocket",
    "text",
    "shepp_logan_phantom",
]
# CT, MR, ultrasound, nuclear medicine, dose and segmentation, as pydicom tests itself with.
SLICES = [
    "CT_small",
    "MR_small",
    "examples_rgb_color",
    "examples_ybr_color",
    "examples_palette",
    "693_J2KI",
    "JPEG2000",
    "JPGExtended",
    "rtdose_1frame",
    "liver_1frame",
    "examples_overlay",
]
SENTENCES = [
    "The",
    "lungs",
    "are",
    "clear.",
    "Heart",
    "size",
    "is",
    "within",
    "normal",
    "limits.",
    "No",
    "pleural",
    "effusion",
    "or",
    "pneumothorax.",
    "Impression:",
    "no",
    "acute",
    "disease",
    "of",
    "the",
    "chest.",
]


def not_radiographs():
    """Name -> float32 (H, W) in [0, 1]."""
    pictures = {**photographs(), **slices(), **drawings(), **pages(), **limbs()}
    chest = make_phantom(3, size=512).pixels
    pictures |= {f"chest {name}": changed for name, changed in spoilt(chest).items()}
    return {name: grey(picture) for name, picture in pictures.items()}


def grey(picture):
    """One channel, stretched to [0, 1]; the first of several frames."""
    values = np.asarray(picture, np.float32)
    values = values[0] if values.ndim == 4 else values
    values = values[..., :3].mean(axis=-1) if values.ndim == 3 else values
    return (values - values.min()) / max(float(np.ptp(values)), 1e-6)


def photographs():
    found = {name: getattr(skimage.data, name)() for name in PHOTOGRAPHS}
    for index, face in enumerate(skimage.data.lfw_subset()[:60:20]):
        found[f"face {index}"] = cv2.resize(face.astype(np.float32), (256, 256))
    for name in ("china.jpg", "flower.jpg"):
        found[name] = sklearn.datasets.load_sample_image(name)
    for index in (0, 7):
        digit = sklearn.datasets.load_digits().images[index].astype(np.float32)
        found[f"digit {index}"] = cv2.resize(digit, (256, 256))
    folder = Path(matplotlib.get_data_path()) / "sample_data"
    found["portrait"] = Image.open(folder / "grace_hopper.jpg")
    found["map"] = np.load(folder / "topobathy.npz")["topo"]
    return found


def slices():
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    return {name: pydicom.dcmread(folder / f"{name}.dcm").pixel_array for name in SLICES}


def drawings():
    random = np.random.default_rng(0)
    down, across = np.mgrid[:256, :256] / 256
    return {
        "blank": np.full((256, 256), 0.5),
        "ramp": across,
        "glow": -np.hypot(across - 0.5, down - 0.5),
        "noise": random.random((256, 256)),
        "chessboard": ((across * 8).astype(int) + (down * 8).astype(int)) % 2,
        "clouds": cv2.GaussianBlur(random.standard_normal((256, 256)), (0, 0), 20),
    }


def pages():
    """Text of several sizes, black on white and white on black."""
    found = {}
    for index, (size, ink, paper) in enumerate(
        [(14, 0, 255), (22, 0, 255), (36, 0, 255), (18, 255, 0), (60, 0, 255)]
    ):
        page = Image.new("L", (600, 800), paper)
        draw, font = ImageDraw.Draw(page), ImageFont.load_default(size)
        random = np.random.default_rng(index)
        for line in range(40, 760, int(1.5 * size)):
            words = " ".join(random.choice(SENTENCES, 60))[: 900 // size]
            draw.text((40, line), words, fill=ink, font=font)
        found[f"text page {index}"] = page
    return found


def limbs():
    """Shafts of bone, dense at their edges, in a cylinder of soft tissue."""
    down, across = np.mgrid[:256, :256] / 256 - 0.5

    def limb(angle, *bones):
        turn = np.deg2rad(angle)
        place = across * np.cos(turn) + down * np.sin(turn)

        def tube(centre, radius):
            return np.sqrt(np.clip(1 - ((place - centre) / radius) ** 2, 0, None))

        film = 0.35 * tube(0, 0.22)
        for centre, radius in bones:
            film += 0.45 * tube(centre, radius) - 0.2 * tube(centre, 0.6 * radius)
        grain = np.random.default_rng(angle % 360).normal(0, 0.02, film.shape)
        return cv2.GaussianBlur(film, (0, 0), 1) + grain

    finger = limb(0, (0, 0.05))
    return {
        "thigh": limb(5, (0, 0.06)),
        "forearm": limb(-20, (-0.08, 0.05), (0.08, 0.05)),
        "fingers": sum(np.roll(finger, shift, axis=1) for shift in (-90, -30, 30, 90)),
    }


def spoilt(chest):
    """A frontal chest film as no network was shown one: turned, negative, or but a part of it."""
    height, width = chest.shape
    centre = cv2.getRotationMatrix2D((width / 2, height / 2), 45, 1)
    return {
        "lying left": np.rot90(chest),
        "lying right": np.rot90(chest, 3),
        "upside down": np.rot90(chest, 2),
        "tilted": cv2.warpAffine(np.ascontiguousarray(chest), centre, (width, height)),
        "negative": 1 - chest,
        "corner": chest[: height // 3, : width // 3],
        "belly": chest[height * 3 // 4 :],
        "halves swapped": np.roll(chest, height // 2, axis=0),
    }
