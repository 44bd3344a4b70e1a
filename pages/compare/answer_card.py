"""What is answered of the film: first on what condition, then the answer on its two levels."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from jinja2 import Environment, StrictUndefined

from pages.compare.answers import JointAnswer, warnings_of
from pages.shared import cache
from pages.shared.charts import probability_bars
from pages.shared.film_picker import known_truth
from pages.shared.layout import plain
from pages.shared.open_films import OpenFilm
from xraycore.attribution.metrics.agreement import map_agreement
from xraycore.attribution.plausibility import describe_heatmap
from xraycore.datasets.labels import NORMAL
from xraycore.evaluation.ensemble import mean_probabilities
from xraycore.models.cards import read_card, stored_title
from xraycore.models.classifier import Prediction
from xraycore.models.levels import ABNORMAL, CANNOT_TELL, NONE, OPACITY, Answer
from xraycore.report.annotations import describe_annotation
from xraycore.report.film_report import CANNOT_KNOW, ModelResult
from xraycore.utils.text import join_names, percent

KIND_COLOURS = ("#e5734e", "#9d7bd8", "#5a9bd4", "#c9b458", "#7fb069")

_HTML = Environment(autoescape=True, undefined=StrictUndefined)
_HTML.filters["percent"] = percent
_HEAD = _HTML.from_string(
    """<style>
.answer h2{font-size:1.3rem;line-height:1.25;margin:0;padding:0;color:#fff}
.answer.silent h2{color:#aebbc6}
.answer p{margin:.35rem 0 0;font-size:.86rem;line-height:1.4}
.answer .refused{border:1px solid #5a4321;background:#1d170d;color:#f0b46a;border-radius:5px;
padding:.45rem .6rem}
.answer .muted{color:#a9b7c2}
.answer .axis{position:relative;height:24px;margin-top:.5rem}
.answer .axis>*{position:absolute}
.answer .axis .line{top:11px;left:0;right:0;height:3px;background:#26313b;border-radius:2px}
.answer .axis .at{top:3px;width:2px;height:19px;background:#f0b46a}
.answer .axis .net{top:7px;width:11px;height:11px;margin-left:-5px;border-radius:50%;
background:#4fb3bf;border:2px solid #0b0e11;box-sizing:border-box}
.answer .axis .net.here{background:#fff;z-index:1}
.answer .ends{display:flex;justify-content:space-between;font-size:.76rem;color:#a9b7c2}
</style>
<div class="answer{{ ' silent' if silent }}"><h2>{{ heading }}</h2>
{% if silent %}<p class="refused">{{ refusal }}</p>
{% else %}
{% if support %}<p class="muted">{{ support }}</p>{% endif %}
{% if nets %}<div class="axis" role="img" aria-label="{{ spoken }}"><span class="line"></span>
{% for net in nets %}<span class="at" style="left:{{ net.threshold }}%"></span>
<span class="net{{ ' here' if net.here }}" style="left:{{ net.at }}%"
title="{{ net.title }}"></span>
{% endfor %}</div>
<div class="ends"><span>no opacity</span><span style="color:#f0b46a">threshold</span><span>opacity
</span></div>{% endif %}
{% for text in trust %}<p>{{ text }}</p>{% endfor %}
{% endif %}</div>"""
)
_KINDS = _HTML.from_string(
    """<style>
.kinds{font-size:.86rem;line-height:1.4}.kinds b{font-weight:600}
.kinds .stack{display:flex;height:11px;border-radius:3px;overflow:hidden;margin:.3rem 0}
.kinds .stack i{display:block}.kinds .muted{color:#a9b7c2}
.kinds .key{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:4px}
</style><div class="kinds"><span class="muted">Kind, as the training sources would call it</span>
<div class="stack" aria-hidden="true">{% for one in kinds %}<i style="width:{{ one.share }}%;
background:{{ one.colour }}"></i>{% endfor %}</div>
{% for one in kinds %}<div><span class="key" style="background:{{ one.colour }}"></span>
{{ one.name }} {{ one.said }}</div>{% endfor %}
<div class="muted" style="margin-top:.3rem">{{ trust }}</div>
<details class="muted"><summary>What this rests on</summary>{{ rests_on }}</details></div>"""
)


def show_answer(film: OpenFilm, joint: JointAnswer, shown: str) -> None:
    """The first lines of the card: no answer and why, or the answer and how far it is trusted.

    Args:
        film: The film.
        joint: What the networks answer together.
        shown: Name of the model whose heat is shown, if any.
    """
    silent = joint.answer is None
    trust = _trust_of_opacity(joint, shown)
    st.html(
        _HEAD.render(
            heading=joint.heading,
            support=joint.support,
            silent=silent,
            refusal=_refusal(joint),
            nets=[] if silent else [_mark(one, shown) for one in joint.answers],
            spoken="; ".join(
                f"{stored_title(one.model)} {percent(one.opacity.probability)}"
                for one in joint.answers
            ),
            trust=trust,
        )
    )
    if truth := known_truth(film):
        st.caption(truth)
    if silent:
        return
    kinds = [one.kind for one in joint.agreeing if one.kind]
    if joint.answer in (OPACITY, ABNORMAL) and kinds:
        names = list(kinds[0].probabilities)
        mean = {
            name: float(np.mean([one.probabilities.get(name, 0.0) for one in kinds]))
            for name in names
        }
        st.html(
            _KINDS.render(
                kinds=[
                    {
                        "name": name,
                        "said": percent(mean[name]),
                        "share": f"{100 * mean[name]:.1f}",
                        "colour": KIND_COLOURS[place % len(KIND_COLOURS)],
                    }
                    for place, name in enumerate(names)
                ],
                trust=_trust_of_kind(joint, shown),
                rests_on=kinds[0].rests_on,
            )
        )
    st.caption(f"What these networks cannot know. {CANNOT_KNOW}")


def show_warnings(predictions: Sequence[Prediction], film_warnings: Sequence[str]) -> None:
    """All that makes the film doubtful."""
    for text in dict.fromkeys([*film_warnings, *warnings_of(predictions)]):
        st.warning(plain(text), icon=":material/warning:")


def show_heatmap(
    film: OpenFilm,
    result: ModelResult | None,
    all_results: Sequence[ModelResult],
    *,
    stretched: bool,
) -> None:
    """Where the heat that is shown lies, and whether the networks look at the same place."""
    heatmaps = {one.title: one.heatmap for one in all_results if np.any(one.heatmap.values)}
    if result:
        lungs = result.prediction.lungs
        drawn = result.heatmap.stretched() if stretched else result.heatmap
        st.caption(f"**{plain(result.title)}**. {plain(describe_heatmap(drawn, lungs))}")
        for text in film.analysis.implausible(result.heatmap):
            st.markdown(f":orange[:material/warning:] :small[{plain(text)}]")
    if len(heatmaps) > 1:
        key = ("map agreement", *heatmaps.values())
        radiograph = film.analysis.radiograph()
        agreement = film.analysis.once(key, lambda: map_agreement(heatmaps, radiograph))
        st.caption(plain(agreement.reading))


def show_each(results: Sequence[ModelResult], point: str | None) -> None:
    """What every network says by itself, with its track record."""
    predictions = [one.prediction for one in results]
    if together := mean_probabilities(predictions):
        label = max(together, key=lambda name: together[name])
        st.markdown(f"Their mean: **{plain(label)}**, {percent(together[label])}.")
    for one in results:
        prediction = one.prediction
        st.markdown(f"**{plain(one.title)}**: {plain(prediction.label)}")
        if call := describe_call(prediction.model, prediction, point):
            st.markdown(call)
        st.html(probability_bars(prediction.probabilities, prediction.label))
        for note in one.notes:
            st.caption(plain(note))


def show_annotations(film: OpenFilm) -> None:
    """What was drawn on the film."""
    info = film.analysis.radiograph().info
    said = [describe_annotation(one, info) or "an arrow" for one in film.annotations]
    if said:
        st.caption(f"**Drawn on the film**: {plain(join_names(said))}")


def describe_call(name: str, prediction: Prediction, point: str | None) -> str | None:
    """Whether the model calls the film abnormal at an operating point, and by how much."""
    card = read_card(name)
    threshold = card.get("operating_points", {}).get(point, {}).get("threshold")
    if threshold is None or NORMAL not in prediction.classes:
        return None
    abnormal = 1 - prediction.probabilities[NORMAL]
    sign, word = ("≥", "Abnormal") if abnormal >= threshold else ("<", "Not called abnormal")
    text = f"**{word}**: {percent(abnormal, 1)} {sign} {percent(threshold, 1)}"
    measured = card["scores"].get("pneumonia", {}).get("at", {}).get(point, {})
    found, cleared = (measured.get(key) for key in ("sensitivity", "specificity"))
    if found and cleared:
        text += (
            f"  \n:small[On children's test films it finds {percent(found['value'])} of the ill "
            f"and clears {percent(cleared['value'])} of the others.]"
        )
    return text


def record_of(prediction: Prediction) -> tuple[str, ...]:
    """The track record of a prediction, as notes of its result."""
    record = cache.track_record_of(prediction)
    return (record,) if record else ()


def _refusal(joint: JointAnswer) -> str:
    """Why there is no answer, as a sentence that stands alone."""
    why = joint.scope.text.removeprefix("No answer: ") or "these networks know no normal films."
    return f"{why[:1].upper()}{why[1:]} Nothing that these networks say about it means anything."


def _mark(answer: Answer, shown: str) -> Mapping[str, object]:
    first = answer.opacity
    title = f"{stored_title(answer.model)}: {percent(first.probability)}, threshold "
    return {
        "at": f"{2 + 96 * first.probability:.1f}",
        "threshold": f"{2 + 96 * first.point.threshold:.1f}",
        "here": answer.model == shown,
        "title": f"{title}{percent(first.point.threshold)} ({first.point.title})",
    }


def _trust_of_opacity(joint: JointAnswer, shown: str) -> list[str]:
    """How far the first level is trusted: the network's that is looked at, if it says so too."""
    if joint.answer == CANNOT_TELL:
        return ["At this probability either answer is too often wrong to be given."] * bool(
            joint.agreeing
        )
    told = [one for one in joint.agreeing if one.opacity.trust]
    if not told:
        if joint.answer in (OPACITY, ABNORMAL, NONE):
            return ["How often such answers are right at other hospitals was not measured."]
        return []
    best = next((one for one in told if one.model == shown), None) or max(
        told, key=lambda one: (one.opacity.trust.right or {"value": 0.0})["value"]
    )
    return [f"{stored_title(best.model)}: {best.opacity.trust.text}"]


def _trust_of_kind(joint: JointAnswer, shown: str) -> str:
    told = [one for one in joint.agreeing if one.kind and one.kind.trust]
    chosen = next((one for one in told if one.model == shown), told[0] if told else None)
    if chosen is None:
        return "How often the kind is right at other hospitals was not measured."
    return f"{stored_title(chosen.model)}: {chosen.kind.trust.text}"
