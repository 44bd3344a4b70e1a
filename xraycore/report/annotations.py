"""What a reader draws on a film: lengths, angles, arrows and texts, as they go into a report."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from xraycore.errors import ArgumentError
from xraycore.imaging.radiograph import RadiographInfo

# Points of each kind: the ends of a length, an angle's corner between its arms, tail and head.
POINTS = {"length": 2, "angle": 3, "arrow": 2, "text": 1}
MOST, LONGEST_TEXT = 200, 80


@dataclass(frozen=True)
class Annotation:
    """One drawing.

    Attributes:
        kind: One of `POINTS`.
        points: (x, y) in shares of the film's width and height.
        text: What a text says.
    """

    kind: str
    points: tuple[tuple[float, float], ...]
    text: str = ""

    def to_json(self) -> dict[str, Any]:
        """As `read_annotations` takes it."""
        return asdict(self)


def read_annotations(given: Iterable[Mapping[str, Any]]) -> tuple[Annotation, ...]:
    """Annotations as a browser sends them.

    Raises:
        ArgumentError: If one is of no kind, has other points than its kind, lies far off the film
            or says too much; or if they are too many.
    """
    found = []
    for one in given:
        try:
            points = tuple((float(x), float(y)) for x, y in one["points"])
            kind, text = str(one["kind"]), str(one.get("text", ""))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArgumentError("expected annotations with a kind and points.") from error
        near = all(-1 <= value <= 2 for point in points for value in point)
        if POINTS.get(kind) != len(points) or not near or len(text) > LONGEST_TEXT:
            raise ArgumentError(
                f"expected {', '.join(POINTS)} with their points on the film and at most "
                f"{LONGEST_TEXT} letters. Received: {kind!r} of {len(points)} points"
            )
        found.append(Annotation(kind, points, " ".join(text.split())))
    if len(found) > MOST:
        raise ArgumentError(
            f"expected at most {MOST} annotations of a film. Received: {len(found)}"
        )
    return tuple(found)


def describe_annotation(annotation: Annotation, info: RadiographInfo) -> str:
    """Its label: a length in mm or cm where the film's spacing is known, else in pixels; an angle
    in degrees; a text as it is; empty for an arrow."""
    wide, high, unit = float(info.width), float(info.height), "px"
    if info.pixel_spacing:
        wide, high, unit = wide * info.pixel_spacing[1], high * info.pixel_spacing[0], "mm"
    at = [(x * wide, y * high) for x, y in annotation.points]
    if annotation.kind == "length":
        far = math.dist(at[0], at[1])
        length = f"{far / 10:.1f} cm" if unit == "mm" and far >= 10 else f"{far:.0f} {unit}"
        on_detector = unit == "mm" and not info.spacing_on_patient
        return length + (" on the detector" if on_detector else "")
    if annotation.kind == "angle":
        arms = [math.atan2(y - at[1][1], x - at[1][0]) for x, y in (at[0], at[2])]
        turn = abs(arms[0] - arms[1]) % (2 * math.pi)
        return f"{math.degrees(min(turn, 2 * math.pi - turn)):.0f}°"
    return annotation.text


def place_annotations(
    annotations: Sequence[Annotation], info: RadiographInfo, width: int, height: int
) -> list[dict[str, Any]]:
    """What a template draws over a picture of the film of that size: kind, line, place, label."""
    placed = []
    for one in annotations:
        at = [(x * width, y * height) for x, y in one.points]
        x, y = at[1 if one.kind == "angle" else 0 if one.kind == "arrow" else -1]
        placed.append(
            {
                "kind": one.kind,
                "line": " ".join(f"{across:.1f},{down:.1f}" for across, down in at),
                "x": round(min(x + 6, width - 4), 1),
                "y": round(max(y - 5, 14), 1),
                "side": "end" if x > 0.8 * width else "start",
                "label": describe_annotation(one, info),
            }
        )
    return placed
