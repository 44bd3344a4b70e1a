"""Does the answer move, and does the heat follow, when an opacity is painted into a film?

What a heatmap should find is seldom known. Here it is: an opacity is painted at a chosen place
inside the lungs, everything else stays as it was, and the network is asked again. That tests the
network (does it see the opacity?) and the heatmap (does it say where?) by cause and effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xraycore.anatomy.crop import crop_and_resize
from xraycore.attribution.heatmap import Heatmap, explain
from xraycore.datasets.synthetic.opacities import paint_opacity, places_in
from xraycore.errors import ArgumentError
from xraycore.imaging.radiograph import Radiograph
from xraycore.imaging.resample import resize
from xraycore.metrics.intervals import Score, mean_score, mean_share
from xraycore.models.classifier import Classifier, Prediction
from xraycore.utils.progress import Progress, ProgressCallback, ignore, part_of
from xraycore.utils.text import percent


@dataclass(frozen=True, eq=False)
class Insertion:
    """A film before and after an opacity was painted into it.

    Attributes:
        film: With the opacity.
        lesion: Bool (H, W), where it is.
        before: What the network said.
        after: What it says now, of the same part of the film.
        heat: The heatmap after, of `target`.
        target: The class whose probability and heat are looked at.
        hit: Whether the hottest point lies in the opacity: 0 or 1, or a share where several points
            are equally hot; 0 without heat.
        chance: Share of the lungs that the opacity covers: how often a random point in them hits.
        gain: Share of the added heat that was added inside the opacity; 0 where none was added.
    """

    film: Radiograph
    lesion: np.ndarray
    before: Prediction
    after: Prediction
    heatmap: Heatmap
    target: str
    hit: float
    chance: float
    gain: float

    @property
    def rise(self) -> float:
        """By how much the probability of the target rose, in [-1, 1]."""
        return self.after.probabilities[self.target] - self.before.probabilities[self.target]

    @property
    def reading(self) -> str:
        """In one sentence, for a reader who is no engineer."""
        then, now = (percent(one.probabilities[self.target]) for one in (self.before, self.after))
        moved = "rises" if self.rise > 0 else "falls"
        answer = f"stays at {now}" if then == now else f"{moved} from {then} to {now}"
        if not self.heatmap.values.any():
            where = "there is no heat at all"
        else:
            where = f"the hottest point lies {'in' if self.hit >= 0.5 else 'outside'} the opacity"
        return (
            f"The probability of {self.target} {answer}, and {where}; a random point in the lungs "
            f"would lie in it {percent(self.chance)} of the time."
        )


def insert(
    model: Classifier,
    radiograph: Radiograph,
    kind: str,
    centre: tuple[float, float],
    radius: float,
    target: str,
    *,
    method: str = "grad_cam",
    seed: int | tuple[int, ...] = 0,
    strength: float | None = None,
    prediction: Prediction | None = None,
) -> Insertion:
    """Paints one opacity and asks the network again.

    The part of the film that the network sees stays what it was: what changes is the opacity only.

    Args:
        model: The classifier.
        xray: A film with plausible lungs.
        kind: One of `xraycore.datasets.synthetic.opacities.OPACITIES`.
        centre: Row and column of its middle in pixels, inside a lung.
        radius: Its mean radius in pixels.
        target: Class whose probability and heat are looked at.
        method: Heatmap method.
        seed: Of its shape, texture and, where no strength is given, density.
        strength: From 0, the least dense of its kind, to 1, the densest.
        prediction: The model's prediction of the film, where it is known.

    Raises:
        ArgumentError: If no lungs were found, or the centre lies outside them, or a name is
            unknown.
    """
    before = prediction or model.predict(radiograph)
    lungs = lungs_on(radiograph, before)
    random = np.random.default_rng(seed)
    painted, lesion = paint_opacity(
        kind, radiograph.pixels, lungs, centre, radius, random, strength
    )
    film = replace(radiograph, pixels=painted)
    after = model.predict_input(before, crop_and_resize(film, before.box, before.grey.shape[0]))
    then, now = explain(model, [before, after], method, target)
    earlier, heatmap = (one.box.spread(one.values, lesion.shape) for one in (then, now))
    top, added = heatmap.max(), np.maximum(heatmap - earlier, 0)
    return Insertion(
        film,
        lesion,
        before,
        after,
        now,
        target,
        hit=float(lesion[heatmap == top].mean()) if top > 0 else 0.0,
        chance=float((lesion & lungs).sum() / lungs.sum()),
        gain=float(added[lesion].sum() / added.sum()) if added.any() else 0.0,
    )


def lungs_on(radiograph: Radiograph, prediction: Prediction) -> np.ndarray:
    """The film's lungs on its own grid, bool (H, W).

    Raises:
        ArgumentError: If none were found.
    """
    if not prediction.lungs.found:
        raise ArgumentError(
            f"{radiograph.info.name}: expected lungs to paint into; none were found"
        )
    return resize(prediction.lungs.mask.astype(np.float32), radiograph.pixels.shape) > 0.5


@dataclass(frozen=True)
class InsertionScores:
    """Many opacities, one after another.

    Attributes:
        kind: Of the opacities.
        target: The class that was looked at.
        hit_rate: How often the hottest point lay in the opacity.
        chance: How often a random point in the lungs would, on average.
        rise: Mean rise of the probability.
        gain: Mean share of the added heat inside the opacity.
        noticed: Share of the opacities that made the probability rise by a tenth or more.
    """

    kind: str
    target: str
    hit_rate: Score
    chance: float
    rise: Score
    gain: Score
    noticed: Score

    @property
    def reading(self) -> str:
        """In one sentence, for a reader who is no engineer."""
        noticed, hit = self.noticed["value"], self.hit_rate["value"]
        follows = self.hit_rate["low"] > self.chance
        heatmap = (
            f"its hottest point lies in the opacity {percent(hit)} of the time, where a random "
            f"point in the lungs would {percent(self.chance)}"
        )
        return (
            f"The probability of {self.target} rises by a tenth or more for "
            f"{percent(noticed)} of the opacities, and the heat "
            f"{'follows' if follows else 'does not follow'} them: {heatmap}."
        )


def probe(
    model: Classifier,
    films: Sequence[Radiograph],
    kind: str,
    target: str,
    *,
    places: int = 12,
    method: str = "grad_cam",
    seed: int = 0,
    report: ProgressCallback = ignore,
) -> InsertionScores:
    """Paints opacities at random places of films, one at a time, and sums up what followed.

    Args:
        model: The classifier.
        films: Films without an opacity of their own; those without plausible lungs are left out.
        kind: One of `xraycore.datasets.synthetic.opacities.OPACITIES`.
        target: Class whose probability and heat are looked at.
        places: How many a film.
        method: Heatmap method.
        seed: Of places and shapes.
        report: Called with the share that is done; raises `Cancelled` to stop.

    Raises:
        ArgumentError: If lungs were found in none of the films, or a name is unknown.
    """
    found, names = [], []
    for index, radiograph in enumerate(films):
        inner = part_of(report, index, len(films))
        prediction = model.predict(radiograph)
        if not prediction.lungs.found:
            continue
        random = np.random.default_rng((seed, index))
        chosen = places_in(lungs_on(radiograph, prediction), places, random)
        for number, (centre, radius) in enumerate(chosen):
            inner(Progress(number / places))
            found.append(
                insert(
                    model,
                    radiograph,
                    kind,
                    centre,
                    radius,
                    target,
                    method=method,
                    seed=(seed, index, number),
                    prediction=prediction,
                )
            )
            names.append((index, number))
    if not found:
        raise ArgumentError("expected films with lungs to paint into; none were found")
    report(Progress(1.0))

    # Places on one film are no independent evidence, unless there is no other film.
    alone = len({film for film, _ in names}) == 1
    groups = [str(number if alone else film) for film, number in names]
    rises = np.array([one.rise for one in found])

    return InsertionScores(
        kind,
        target,
        hit_rate=mean_share([one.hit for one in found], groups),
        chance=float(np.mean([one.chance for one in found])),
        rise=mean_score(rises, groups),
        gain=mean_share([one.gain for one in found], groups),
        noticed=mean_share(rises >= 0.1, groups),
    )
