"""From a DICOM file to what a model finds on its film."""

from typing import TYPE_CHECKING

from xraycore.attribution.heatmap import explain
from xraycore.datasets.labels import NORMAL
from xraycore.imaging.radiograph import read_radiograph
from xraycore.models.sites import SiteProfile
from xraycore.report.dicom.finding import HEAT_THRESHOLD, FilmFinding
from xraycore.report.dicom.source import read_source

if TYPE_CHECKING:
    from xraycore.models.classifier import Classifier

METHOD = "against_normal"


def score_film(
    model: "Classifier",
    data: bytes,
    name: str = "<bytes>",
    *,
    method: str = METHOD,
    site: SiteProfile | None = None,
    threshold: float = HEAT_THRESHOLD,
) -> FilmFinding:
    """What a model finds on the film of a DICOM file.

    Args:
        model: The classifier.
        data: The file's bytes.
        name: What messages call it.
        method: Of the heatmap; of a model that knows no normal films Grad-CAM in place of maps
            against Normal.
        site: Profile to answer by.
        threshold: Share of full heat from which on it is segmented.

    Raises:
        RadiographError: If it is no DICOM file of one film.
        ArgumentError: If there is no such method, or the threshold is not in (0, 1].
    """
    source = read_source(data, name)
    radiograph = read_radiograph(data, name=name)
    prediction = model.predict(radiograph)
    chosen = "grad_cam" if method == METHOD and NORMAL not in model.classes else method
    heatmap = explain(model, prediction, chosen)
    return FilmFinding(source, radiograph, model, prediction, heatmap, site, threshold)
