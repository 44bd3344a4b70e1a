"""One film's report: what each model says, where it looks, and where all of it comes from; in one
HTML file without anything outside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics.agreement import map_agreement
from xraycore.attribution.plausibility import check_plausibility, describe_heatmap
from xraycore.attribution.registry import get_method
from xraycore.config import NOTICE, VERSION
from xraycore.evaluation.ensemble import describe_agreement, mean_probabilities
from xraycore.imaging.encode import data_url, encode_jpeg
from xraycore.imaging.overlay import overlay, to_uint8
from xraycore.imaging.radiograph import Radiograph
from xraycore.imaging.resample import fit_within
from xraycore.models.answer import Answer, find_scope, state_answer
from xraycore.models.cards import stored_title
from xraycore.models.classifier import Prediction
from xraycore.models.levels import CANNOT_TELL
from xraycore.models.sites import SiteProfile
from xraycore.report.annotations import Annotation, place_annotations
from xraycore.report.provenance import DescribedModel, now, provenance
from xraycore.report.rendering import load_template
from xraycore.utils.text import percent

# Longest side of a picture in the report, in pixels, and the quality of its JPEG.
_LONGEST, _QUALITY = 640, 88
# What networks of pneumonias are silent about, beside every answer.
CANNOT_KNOW = (
    "They know pneumonia and nothing else: a nodule, an effusion, air beside the lung, a large "
    "heart or a broken rib goes unnoticed, or is called one of what they know."
)

_CROPS = {"lungs": "the lung field", "film": "the whole film"}


@dataclass(frozen=True, eq=False)
class ModelResult:
    """What one model says of the film, and where it looks.

    Attributes:
        model: Which model.
        prediction: What it says.
        heat: The map that is shown.
        notes: More sentences to print, such as its track record.
        site: Site profile that the film is answered by; None for none.
    """

    model: DescribedModel
    prediction: Prediction
    heatmap: Heatmap
    notes: tuple[str, ...] = ()
    site: SiteProfile | None = None

    @property
    def answer(self) -> Answer | None:
        """What it answers on two levels; None of a model that knows no normal films."""
        return state_answer(self.prediction, self.model.card, self.site)

    @property
    def title(self) -> str:
        """The model's name to show."""
        return stored_title(self.prediction.model)


def write_report(
    radiograph: Radiograph,
    results: Sequence[ModelResult],
    *,
    annotations: Sequence[Annotation] = (),
    opacity: float = 0.6,
    color_map: str = "inferno",
    contour: float | None = None,
) -> str:
    """The report as HTML, with its pictures inside.

    Of a film without an answer it says so first, and folds away what the models say.

    Args:
        xray: The film.
        results: One a model.
        annotations: What a reader drew on the film.
        opacity: Cover at full heat, in [0, 1].
        color_map: One of `COLOR_MAPS`.
        contour: Draw a line at this share of full heat instead of colours.

    Raises:
        ArgumentError: If there is no result.
    """
    style = {"opacity": opacity, "color_map": color_map, "contour": contour}
    predictions = [one.prediction for one in results]
    titles = {one.prediction.model: one.title for one in results}
    warnings = list(dict.fromkeys(text for one in predictions for text in one.warnings))
    scope = find_scope(warnings)
    sentences = [describe_agreement(predictions, titles)] if scope.inside else []
    heatmaps = {one.title: one.heatmap for one in results}
    if scope.inside and len(heatmaps) > 1 and all(one.values.any() for one in heatmaps.values()):
        sentences.append(map_agreement(heatmaps, radiograph).reading)
    mean = mean_probabilities(predictions)
    info, film = radiograph.info, to_uint8(fit_within(radiograph.pixels, _LONGEST))
    facts = (f"{info.width} × {info.height} px", f"{info.bit_depth} bit")
    return load_template("film.html").render(
        info=info,
        facts=filter(None, (info.format, *facts, info.modality, info.view_position)),
        time=now(),
        version=VERSION,
        notice=NOTICE,
        film=data_url(encode_jpeg(film, _QUALITY)),
        width=film.shape[1],
        height=film.shape[0],
        annotations=place_annotations(annotations, info, film.shape[1], film.shape[0]),
        sentences=sentences,
        refusal=scope.text,
        mean=mean,
        mean_label=max(mean, key=mean.__getitem__) if mean else "",
        warnings=warnings,
        cannot_know=CANNOT_KNOW,
        results=[_section(one, radiograph, style) for one in results],
    )


def _section(
    result: ModelResult, radiograph: Radiograph, style: Mapping[str, Any]
) -> dict[str, Any]:
    """What the template shows of a model."""
    heatmap, prediction = result.heatmap, result.prediction
    method, box = get_method(heatmap.method), heatmap.box
    drawn = overlay(radiograph, heatmap, **style, longest=_LONGEST)
    facts = provenance(result.model, radiograph, prediction, heatmap)
    rows = f"rows {100 * box.top:.1f} to {100 * box.bottom:.1f} %"
    columns = f"columns {100 * box.left:.1f} to {100 * box.right:.1f} %"
    temperature, bias = facts["calibration"]["temperature"], facts["calibration"]["bias"]
    added = ", ".join(f"{value:+.3f}" for value in bias)
    full = "the map's own maximum" if heatmap.scale is None else f"{heatmap.scale:.4g}"
    return {
        "title": result.title,
        "picture": data_url(encode_jpeg(drawn, _QUALITY)),
        "caption": _caption(result, style["contour"]),
        "label": prediction.label,
        "levels": _levels(result.answer),
        "probabilities": prediction.probabilities,
        "notes": result.notes,
        "warnings": check_plausibility(heatmap, radiograph, prediction.lungs),
        "origin": {
            "weights sha256": facts["weights_sha256"],
            "card sha256": facts["card_sha256"] or "no card",
            "sees": f"{_CROPS[facts['view']]} at {facts['input_size']} px, box {rows}, {columns}",
            "calibration": f"temperature {temperature:.3f}" + (f", bias {added}" if added else ""),
            "method": f"{method.title} ({method.paper}), full heat at {full}",
        },
    }


def _levels(answer: Answer | None) -> dict[str, Any] | None:
    """The answer in a heading, and sentences on where it comes from and how far it holds."""
    if answer is None:
        return None
    first, second = answer.opacity, answer.kind
    sentences = [answer.scope.text] if not answer.scope.inside else []
    if answer.scope.inside:
        sentences.append(
            f"Called an opacity from {percent(first.point.threshold, 1)} on: {first.point.title}."
        )
        if first.answer == CANNOT_TELL:
            sentences.append(
                f"At an error rate of {percent(first.error_rate or 0)} the film is not told from "
                "both kinds of films, with an opacity and without, or is like neither."
            )
    trusts = (first.trust, second.trust if second else None)
    sentences += [trust.text for trust in trusts if trust]
    if second:
        sentences.append(second.rests_on)
    return {"heading": answer.reading, "sentences": sentences}


def _caption(result: ModelResult, contour: float | None) -> str:
    heatmap, lungs = result.heatmap, result.prediction.lungs
    text = f"{get_method(heatmap.method).title}. {describe_heatmap(heatmap, lungs)}"
    return text if contour is None else f"{text} The line: {percent(contour)} of full heat."
