"""What a network could have found on a generated film, without a network."""

import shutil
import subprocess
from types import SimpleNamespace

import numpy as np

from tests.pacs.orthanc import as_file, make_film
from xraycore.anatomy.lung_field import LungField
from xraycore.attribution.heatmap import Heatmap
from xraycore.datasets.labels import CHEST4
from xraycore.imaging import read_radiograph
from xraycore.imaging.box import Box
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.models.classifier import Prediction
from xraycore.report.dicom import FilmFinding, read_source

WEIGHTS, CARD = "a" * 64, "b" * 64
# At the operating point of this card 0.9 is an opacity; of the kinds viral is the likeliest.
LOGITS = np.log(np.array([0.1, 0.18, 0.63, 0.09], np.float32))
CARD_ENTRIES = {
    "weights": {"sha256": WEIGHTS},
    "levels": {
        "opacity": {
            "operating_point": {"threshold": 0.4, "title": "Chosen abroad"},
            "trust": {
                "opacity": {"value": 0.8, "low": 0.7, "high": 0.9, "n": 100},
                "hospitals": 2,
            },
        }
    },
}


def make_finding(film=None, *, lungs=True, logits=LOGITS, warnings=(), **more):
    """A finding on a film of 96 px: lungs in two columns, all heat in one cell of 4 x 4."""
    data = as_file(film or make_film(seed=1))
    radiograph = read_radiograph(data)
    mask = np.zeros((128, 128), bool)
    if lungs:
        mask[32:96, 16:48] = mask[32:96, 80:112] = True
    heat = np.zeros((4, 4), np.float32)
    heat[1, 1] = 1.0
    prediction = Prediction(
        "basic_cnn",
        CHEST4,
        logits,
        np.zeros((1, 1, 1), np.float32),
        np.zeros((1, 1, 1), np.float32),
        Box(),
        LungField(mask, Box()),
        warnings=(FilmWarning("age", "Not of the age that it knows."), *warnings),
        weights_sha256=WEIGHTS,
        card_sha256=CARD,
    )
    return FilmFinding(
        read_source(data),
        radiograph,
        SimpleNamespace(card=CARD_ENTRIES, view="lungs", size=224),
        prediction,
        Heatmap(heat, "Viral pneumonia", "against_normal", "basic_cnn", Box(), scale=1.0),
        **more,
    )


def faults_of(data: bytes, file) -> list[str]:
    """What dciodvfy calls an error of an object."""
    file.write_bytes(data)
    said = subprocess.run(
        [shutil.which("dciodvfy"), "-new", str(file)], capture_output=True, text=True, check=False
    )
    return [line for line in said.stderr.splitlines() if line.startswith("Error")]
