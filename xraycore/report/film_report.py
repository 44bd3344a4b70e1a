"""One film's report: what each model says, where it looks, and where all of it comes from; in one
HTML file without anything outside it."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics.agreement import map_agreement
from xraycore.attribution.plausibility import check_plausibility
from xraycore.attribution.registry import get_method
from xraycore.config import NOTICE, VERSION
from xraycore.evaluation.ensemble import describe_agreement
from xraycore.imaging.encode import data_url, encode_jpeg
from xraycore.imaging.overlay import overlay, to_uint8
from xraycore.imaging.radiograph import Radiograph
from xraycore.imaging.resample import fit_within
from xraycore.models.classifier import Classifier, Prediction
from xraycore.models.registry import MODELS
from xraycore.report.provenance import now, provenance
from xraycore.utils.text import percent

# Longest side of a picture in the report, in pixels, and the quality of its JPEG.
_LONGEST, _QUALITY = 640, 88

_STYLE = """
body { font: 15px/1.5 "Source Sans 3", "Segoe UI", sans-serif; color: #1b2227; margin: 2rem auto;
  max-width: 68rem; padding: 0 1.5rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.15rem; margin: 0 0 .4rem }
.notice { background: #fdf0dc; border-left: 4px solid #d98c21; padding: .5rem .9rem;
  margin: 1rem 0 }
.muted { color: #5c6870 } .warning { color: #8a4b00 }
section { display: grid; grid-template-columns: minmax(14rem, 22rem) 1fr; gap: 1.5rem;
  border-top: 1px solid #d5dbdf; padding: 1.2rem 0; break-inside: avoid }
img { width: 100%; background: #000; display: block }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 }
td, th { text-align: left; padding: .2rem .6rem .2rem 0; vertical-align: top; font-weight: 400 }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; width: 4.5rem }
.bar { background: #e6eaed; height: .7rem; margin-top: .45rem } .bar i { display: block;
  height: 100%; background: #2b8a97 }
table.answers td:first-child { width: 11rem }
code { font-size: .8rem; overflow-wrap: anywhere } tr.said td { font-weight: 600 }
@media print { body { margin: 0; max-width: none; font-size: 12px } }
"""


@dataclass(frozen=True, eq=False)
class ModelResult:
    """What one model says of the film, and where it looks.

    Attributes:
        model: Which model.
        prediction: What it says.
        heat: The map that is shown.
        notes: More sentences to print, such as its track record.
    """

    model: Classifier
    prediction: Prediction
    heat: Heatmap
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The model's name to show."""
        return MODELS[self.prediction.model].title


def write_report(
    xray: Radiograph,
    findings: Sequence[ModelResult],
    *,
    opacity: float = 0.6,
    color_map: str = "inferno",
    contour: float | None = None,
) -> str:
    """The report as HTML, with its pictures inside.

    Args:
        xray: The film.
        findings: One a model.
        opacity: Cover at full heat, in [0, 1].
        color_map: One of `COLOR_MAPS`.
        contour: Draw a line at this share of full heat instead of colours.

    Raises:
        ArgumentError: If there is no finding.
    """
    style = {"opacity": opacity, "color_map": color_map, "contour": contour}
    predictions = [one.prediction for one in findings]
    titles = {one.prediction.model: one.title for one in findings}
    sentences = [describe_agreement(predictions, titles)]
    heats = {one.title: one.heat for one in findings}
    if len(heats) > 1 and all(one.values.any() for one in heats.values()):
        sentences.append(map_agreement(heats, xray).reading)
    info = xray.info
    facts = [info.format, f"{info.width} × {info.height} px", f"{info.bit_depth} bit"]
    facts += [fact for fact in (info.modality, info.view_position) if fact]
    warnings = dict.fromkeys(text for one in predictions for text in one.warnings)
    name = html.escape(info.name)
    plain = to_uint8(fit_within(xray.pixels, _LONGEST))
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}: xraycore</title>',
        f"<style>{_STYLE}</style><h1>{name}</h1>",
        f'<div class="muted">{html.escape(" · ".join(facts))} · {now()} · xraycore {VERSION}</div>',
        f'<div class="muted">File sha256 <code>{info.sha256}</code></div>',
        f'<div class="notice"><b>{NOTICE}</b></div>',
        f"<section><div>{_picture(plain, 'The film')}</div><div>",
        *(f"<p>{html.escape(text)}</p>" for text in sentences),
        *(f'<p class="warning">Warning: {html.escape(text)}</p>' for text in warnings),
        "</div></section>",
        *(_section(xray, one, style) for one in findings),
        "</html>",
    ]
    return "\n".join(parts)


def _section(xray: Radiograph, finding: ModelResult, style: Mapping[str, Any]) -> str:
    heat, seen = finding.heat, finding.prediction
    drawn = overlay(xray, heat, **style, longest=_LONGEST)
    method = get_method(heat.method)
    caption = f"{method.title}: evidence for {heat.target}."
    if style["contour"] is not None:
        caption += f" The line: {percent(style['contour'])} of full heat."
    if not heat.values.any():
        caption += " No heat: no place speaks for it."
    elif seen.lungs.found:
        share = seen.lungs.share_inside(heat.values, heat.box)
        caption += f" In the lungs or at their rim lies {percent(share)} of it."
    rows = [
        f"<tr{' class=said' if label == seen.label else ''}><td>{html.escape(label)}</td>"
        f'<td><div class="bar"><i style="width:{100 * p:.1f}%"></i></div></td>'
        f'<td class="n">{percent(p, 1)}</td></tr>'
        for label, p in seen.probabilities.items()
    ]
    texts = [
        *(f"<p>{html.escape(text)}</p>" for text in finding.notes),
        *(
            f'<p class="warning">{html.escape(t)}</p>'
            for t in check_plausibility(heat, xray, seen.lungs)
        ),
    ]
    facts = provenance(finding.model, xray, seen, heat)
    origin = [
        ("weights sha256", facts["weights_sha256"]),
        ("sees", f"{_VIEWS[facts['view']]} at {facts['input_size']} px, box {_box(heat)}"),
        ("calibration", _calibration(**facts["calibration"])),
        ("method", f"{method.title} ({method.paper}), full heat at {_full(heat)}"),
    ]
    table = "".join(
        f'<tr><th class="muted">{name}</th><td><code>{html.escape(str(value))}</code></td></tr>'
        for name, value in origin
    )
    return (
        f"<section><div>{_picture(drawn, finding.title)}"
        f'<div class="muted">{html.escape(caption)}</div></div>'
        f"<div><h2>{html.escape(finding.title)}: {html.escape(seen.label)}</h2>"
        f"<table class=answers>{''.join(rows)}</table>{''.join(texts)}"
        f"<table>{table}</table></div></section>"
    )


_VIEWS = {"lungs": "the lung field", "film": "the whole film"}


def _box(heat: Heatmap) -> str:
    box = heat.box
    down = f"rows {100 * box.top:.1f} to {100 * box.bottom:.1f} %"
    return f"{down}, columns {100 * box.left:.1f} to {100 * box.right:.1f} %"


def _calibration(temperature: float, bias: Sequence[float]) -> str:
    added = ", ".join(f"{value:+.3f}" for value in bias)
    return f"temperature {temperature:.3f}" + (f", bias {added}" if added else "")


def _full(heat: Heatmap) -> str:
    return "the map's own maximum" if heat.scale is None else f"{heat.scale:.4g}"


def _picture(pixels: np.ndarray, alt: str) -> str:
    return f'<img alt="{html.escape(alt)}" src="{data_url(encode_jpeg(pixels, _QUALITY))}">'
