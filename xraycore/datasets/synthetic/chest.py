"""The chest of a phantom, as thickness maps of soft tissue and bone along each ray.

Anatomy is drawn in film coordinates that do not depend on the pixel size: x across, -0.5 (the
patient's right, at the left of the image) to 0.5, y down, 0 to 1. `phantom_canvas` takes them to
pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from xraycore.datasets.synthetic.canvas import COARSE, Canvas, curve, oval, strip

# Half width of the trunk and its depth in centimetres, by y.
_TRUNK_Y = (-0.1, 0.00, 0.030, 0.06, 0.09, 0.14, 0.22, 0.31, 0.38, 0.50, 0.75, 1.1)
_TRUNK_X = (0.11, 0.113, 0.16, 0.29, 0.42, 0.49, 0.505, 0.485, 0.45, 0.43, 0.42, 0.425)
_DEPTH_Y = (-0.1, 0.10, 0.16, 0.25, 0.40, 0.60, 0.80, 1.1)
_DEPTH_CM = (11.0, 12.0, 13.0, 16.0, 19.0, 20.5, 22.0, 22.5)

# A lung's outline on the positive side: chest wall from the apex down, diaphragm, mediastinum up.
_WALL = ((0.10, 0.112), (0.15, 0.118), (0.205, 0.165), (0.255, 0.255), (0.295, 0.37), (0.325, 0.50),
         (0.345, 0.63), (0.357, 0.76), (0.360, 0.83), (0.359, 0.852))  # fmt: skip
_RIGHT_FLOOR = ((0.350, 0.825), (0.318, 0.780), (0.26, 0.745), (0.19, 0.732), (0.13, 0.744),
                (0.088, 0.768))  # fmt: skip
_LEFT_FLOOR = ((0.351, 0.835), (0.328, 0.798), (0.29, 0.772), (0.25, 0.765), (0.215, 0.772))
_RIGHT_MEDIAL = ((0.098, 0.70), (0.104, 0.63), (0.092, 0.555), (0.068, 0.48), (0.062, 0.40),
                 (0.056, 0.30), (0.052, 0.21), (0.066, 0.14))  # fmt: skip
_LEFT_MEDIAL = ((0.222, 0.725), (0.205, 0.66), (0.168, 0.58), (0.122, 0.505), (0.094, 0.445),
                (0.072, 0.405), (0.088, 0.355), (0.078, 0.305), (0.055, 0.255), (0.052, 0.20),
                (0.066, 0.14))  # fmt: skip
_BEHIND_HEART = ((0.10, 0.80), (0.055, 0.70), (0.05, 0.50), (0.05, 0.30), (0.05, 0.20),
                 (0.066, 0.14))  # fmt: skip


# A vertebral body seen from the front: a box with a waist.
_VERTEBRA = np.array([(-1, -1), (0, -0.9), (1, -1), (0.86, 0), (1, 1), (0, 0.9), (-1, 1),
                      (-0.86, 0)])  # fmt: skip


@dataclass(frozen=True, eq=False)
class Chest:
    """What a ray meets.

    Attributes:
        water: Float32 (size, size), centimetres of soft tissue.
        bone: Float32 (size, size), centimetres of bone in it.
        lungs: Bool (size, size), where aerated lung is seen beside heart and diaphragm.
    """

    water: np.ndarray
    bone: np.ndarray
    lungs: np.ndarray


def build_chest(rng: np.random.Generator, size: int) -> Chest:
    """One random chest on a grid of size x size pixels; the same at any size."""
    scale = rng.uniform(0.96, 1.05)
    canvas = Canvas(
        size,
        turn=np.radians(rng.normal(0, 1.2)),
        scale=(scale * rng.uniform(1.05, 1.17), scale * rng.uniform(0.95, 1.03)),
        shift=rng.normal(0, 0.012, 2) + (0.0, 0.01),
    )
    breath, heart = rng.normal(0, 0.018), rng.normal(1.0, 0.09)
    outlines = [_lung(rng, side, breath, heart) for side in (-1, 1)]
    behind = [_behind(outline) for outline in outlines]
    x, y = canvas.coarse_grid()
    depth = np.interp(y, _DEPTH_Y, _DEPTH_CM) * rng.uniform(0.93, 1.08)

    mask, back = canvas.empty(), canvas.empty()
    for front_outline, back_outline in zip(outlines, behind, strict=True):
        canvas.add(mask, front_outline, 1.0)
        canvas.add(back, back_outline, 1.0)
    lungs = mask > 0.5
    # Lung lies in front of, beside and behind the heart; only what is beside is seen as lung.
    back = canvas.blur(back, 0.022) * (0.6 + 0.4 * mask)
    air = 0.66 * _rounded(canvas, mask, 0.10) + 0.34 * back
    air *= canvas.enlarge(0.70 * depth)

    water = canvas.enlarge(cv2.GaussianBlur(_body(rng, x, y, depth), (0, 0), 0.8))
    water -= np.float32(rng.uniform(0.72, 0.78)) * air
    water += _vessels(rng, canvas) * back * (0.3 + 0.7 * mask)
    water += canvas.enlarge(_texture(rng)) * np.float32(0.008) * air
    water += _mediastinum(rng, canvas)
    water -= _stomach_air(rng, canvas, breath)
    bone = _spine(rng, canvas) + _ribs(rng, canvas, x, y) + _shoulders(rng, canvas)
    return Chest(np.maximum(water, 0), canvas.blur(bone, 0.0018), lungs)


def _lung(rng: np.random.Generator, side: int, breath: float, heart: float) -> np.ndarray:
    """A lung's outline; `heart` scales how far the heart reaches into it."""
    floor = np.array(_LEFT_FLOOR if side > 0 else _RIGHT_FLOOR)
    medial = np.array(_LEFT_MEDIAL if side > 0 else _RIGHT_MEDIAL)
    heart_part = medial[:, 1] > 0.42
    medial[heart_part, 0] = 0.05 + (medial[heart_part, 0] - 0.05) * heart
    if side > 0:
        floor[-1, 0] = medial[0, 0] - 0.005
    points = np.concatenate([_WALL, floor, medial])
    points += rng.normal(0, 0.0025, points.shape)
    # A deep or shallow breath moves the floor, and the wall with it.
    points[:, 1] += breath * np.clip((points[:, 1] - 0.3) / 0.45, 0, 1)
    return curve(points) * (side, 1)


def _behind(outline: np.ndarray) -> np.ndarray:
    """The lung behind the heart: down to the spine, and a little below the dome."""
    side = np.sign(outline[:, 0].mean())
    wall = outline[: 12 * len(_WALL)]
    recess = np.array([(0.345, 0.855), (0.27, 0.80), (0.18, 0.785)]) * (side, 1)
    return np.concatenate([wall, recess, np.array(_BEHIND_HEART) * (side, 1)])


def _rounded(canvas: Canvas, mask: np.ndarray, rim: float) -> np.ndarray:
    """0 to 1: how deep a body of that outline is, rounded off within `rim` of its edge."""
    depth = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    inward = 1 - np.clip(canvas.blur(depth, 0.006) / np.float32(rim * canvas.size), 0, 1)
    return canvas.blur(np.clip(mask, 0, 1), 0.004) * (0.18 + 0.82 * np.sqrt(1 - inward**2))


def _body(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Neck, trunk, arms and, in half of all phantoms, breasts, in centimetres."""
    from scipy.interpolate import PchipInterpolator  # Late, as pages import this module.

    half = PchipInterpolator(_TRUNK_Y, _TRUNK_X)(y) * rng.uniform(0.97, 1.05)
    body = depth * np.sqrt(np.clip(1 - np.abs(x / half) ** 4, 0, 1))
    spread, thick = rng.uniform(0.08, 0.2), rng.uniform(0.065, 0.08)
    for side in (-1, 1):
        start, reach = np.array([side * 0.445, 0.225]), np.array([side * spread, 0.9])
        share = ((x - start[0]) * reach[0] + (y - start[1]) * reach[1]) / (reach @ reach)
        share = np.clip(share, 0, 1)
        distance = np.hypot(x - start[0] - share * reach[0], y - start[1] - share * reach[1])
        arm = 9.5 * np.sqrt(np.clip(1 - (distance / thick) ** 2, 0, 1))
        body = np.maximum(body, arm) + 0.25 * np.minimum(body, arm)
        # The folds of the axilla and the chest muscles.
        body += (
            1.6 * np.exp(-(((x - side * 0.37) / 0.07) ** 2) - ((y - 0.33) / 0.13) ** 2) * (body > 1)
        )
    if rng.random() < 0.5:
        breast, low = rng.uniform(1.0, 2.6), rng.uniform(0.66, 0.74)
        for side in (-1, 1):
            distance = np.hypot((x - side * 0.21) / 0.15, (y - low + 0.13) / 0.14)
            body += breast * np.sqrt(np.clip(1 - distance**2, 0, 1))
    return body


def _texture(rng: np.random.Generator) -> np.ndarray:
    """Unit-variance noise of three grain sizes on the coarse grid."""
    layers = [
        cv2.resize(
            rng.standard_normal((n, n), dtype=np.float32),
            (COARSE, COARSE),
            interpolation=cv2.INTER_CUBIC,
        )
        for n in (24, 50, 100)
    ]
    return np.sum(layers, axis=0) / np.float32(np.sqrt(3) * 0.75)


def _mediastinum(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    """Aorta added, windpipe and main bronchi taken away, in centimetres of water."""
    aorta, airway = canvas.empty(), canvas.empty()
    y = np.linspace(0.33, 0.86, 24)
    canvas.add(aorta, strip(np.stack([0.066 - 0.05 * (y - 0.33), y], 1), 0.021), 1.5)
    canvas.add(aorta, oval((0.058, 0.335), (0.034, 0.034)), 1.7)
    bend, carina = rng.normal(-0.006, 0.004), rng.uniform(0.375, 0.40)
    y = np.linspace(0.0, carina, 20)
    canvas.add(airway, strip(np.stack([bend * (y / carina) ** 2, y], 1), 0.0185 - 0.005 * y), 2.6)
    t = np.linspace(0, 1, 10)
    for reach, drop in ((-0.06, 0.075), (0.085, 0.062)):
        line = np.stack([bend + 0.004 * np.sign(reach) + reach * t, carina - 0.012 + drop * t], 1)
        canvas.add(airway, strip(line, 0.011 - 0.003 * t), 0.9)
    return canvas.blur(aorta, 0.003) - canvas.blur(airway, 0.0035)


def _stomach_air(rng: np.random.Generator, canvas: Canvas, breath: float) -> np.ndarray:
    """The bubble below the left dome, flat where it meets fluid, in centimetres."""
    width, height = rng.uniform(0.035, 0.075), rng.uniform(0.018, 0.036)
    bubble = oval((rng.uniform(0.17, 0.24), 0.815 + breath + height), (width, height), -0.1)
    bubble[:, 1] = np.minimum(bubble[:, 1], bubble[:, 1].mean() + rng.uniform(0.3, 1.0) * height)
    return canvas.blur(canvas.add(canvas.empty(), bubble, rng.uniform(2.5, 5.0)), 0.006)


def _spine(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    """Vertebrae from the neck to the waist, in centimetres of bone."""
    bone, pitch, sway = canvas.empty(), rng.uniform(0.0625, 0.0665), rng.normal(0, 0.006)
    for number in range(-2, 15):
        y = 0.105 + pitch * number
        x = sway * np.sin(3.0 * y)
        half, tall = 0.027 + 0.010 * y, pitch * (0.40 + 0.02 * (number > 8))
        canvas.add(bone, curve(_VERTEBRA * (half, tall) + (x, y), 6), 0.70, 0.35)
        for side in (-1, 1):
            pedicle = oval((x + side * 0.62 * half, y - 0.25 * tall), (0.0065, 0.0095))
            canvas.add(bone, pedicle, 0.25, 0.40)
            process = oval((x + side * (half + 0.010), y - 0.008), (0.017, 0.0075), side * -0.25)
            canvas.add(bone, process, 0.40, 0.2)
        canvas.add(bone, oval((x, y + 0.45 * pitch), (0.0055, 0.015)), 0.5, 0.30)
    return bone


def _ribs(rng: np.random.Generator, canvas: Canvas, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Twelve pairs, in centimetres of bone: helices around the chest, seen from the front.

    Each runs flat and outwards behind, turns at the chest wall and slopes inwards in front.
    """
    bone = canvas.empty()
    wall_x, wall_y = np.array(_WALL).T
    pitch, first = rng.uniform(0.064, 0.068), rng.uniform(0.098, 0.108)
    slope = rng.uniform(0.9, 1.1)
    for number in range(12):
        drop = slope * (0.12 + 0.028 * min(number, 8))
        front = 0.84 - 0.014 * number if number < 10 else 0.42 - 0.10 * (number - 10)
        for side in (-1, 1):
            start = first + pitch * number + rng.normal(0, 0.002)
            reach = np.interp(start + 0.45 * drop, wall_y, wall_x) + 0.004
            turn = np.pi * np.linspace(0.06, front, 36)
            rise = 0.016 * np.sin(2 * turn) * (turn < np.pi / 2)
            line = np.stack([
                side * reach * np.sin(turn) ** 0.9,
                start + drop * (0.85 * turn / np.pi + 0.025) - rise,
            ], axis=1)  # fmt: skip
            thick = np.interp(turn, [0.2, 1.0, 2.0, 2.7], [0.0085, 0.0115, 0.0125, 0.0150])
            for part, rate in ((turn < 1.60, 1.0), (turn > 1.54, 0.75)):
                if part.sum() > 3:
                    ribbon = strip(line[part], thick[part])
                    canvas.add(bone, ribbon, 0.72 * rate, 0.30 * rate, ribbon=True)
    return bone


def _shoulders(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    """Collar bones, shoulder blades and upper arms, in centimetres of bone."""
    bone = canvas.empty()
    t = np.linspace(0, 1, 24)
    for side in (-1, 1):
        lift, out = rng.normal(0, 0.008), rng.uniform(0, 0.02)
        y = 0.205 - (0.085 + lift) * t**0.8 + 0.014 * np.sin(2 * np.pi * t)
        line = np.stack([side * (0.038 + 0.345 * t), y], 1)
        thick = np.interp(t, [0, 0.12, 0.5, 0.85, 1], [0.0175, 0.0145, 0.0105, 0.0125, 0.009])
        canvas.add(bone, strip(line, thick), 0.80, 0.50)
        blade = [(0.335, 0.175), (0.40, 0.165), (0.415, 0.215), (0.385, 0.30), (0.345, 0.44),
                 (0.325, 0.45), (0.315, 0.36), (0.31, 0.25)]  # fmt: skip
        canvas.add(bone, curve((np.array(blade) + (out, 0)) * (side, 1), 6), 0.25, 0.22)
        acromion = oval((side * (0.375 + out), 0.142), (0.042, 0.012), side * 0.25)
        canvas.add(bone, acromion, 0.5, 0.3)
        canvas.add(bone, oval((side * (0.435 + out), 0.205), (0.033, 0.038)), 0.5, 0.3)
        shaft = np.stack([side * (0.452 + out + 0.12 * t), 0.225 + 0.7 * t], 1)
        shaft = strip(shaft, 0.020 - 0.007 * np.minimum(1, 4 * t))
        canvas.add(bone, shaft, 0.45, 0.4, ribbon=True)
    return bone


def _vessels(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    """Pulmonary vessels branching from both hila, in centimetres, fading to the periphery."""
    roots = 9
    side = np.repeat((-1.0, 1.0), roots)
    angle = np.tile(np.linspace(-1.35, 1.30, roots), 2) + rng.normal(0, 0.12, 2 * roots)
    width = 0.80 + 0.30 * (angle > 0.5)
    start = np.stack([np.full(2 * roots, 0.070), np.where(side < 0, 0.45, 0.43)], axis=1)
    start += rng.normal(0, 0.010, start.shape) + np.stack([0 * angle, 0.03 * angle], axis=1)
    lines, widths = [], []
    for _ in range(6):
        count = len(angle)
        bends = angle[:, None] + np.cumsum(rng.normal(0, 0.12, (count, 4)), axis=1)
        steps = np.stack([np.cos(bends), np.sin(bends)], axis=-1)
        steps *= rng.uniform(0.009, 0.018, (count, 1, 1))
        line = start[:, None] + np.cumsum(steps, axis=1)
        line = np.concatenate([start[:, None], line], axis=1)
        lines.append(line * np.stack([side, np.ones(count)], axis=1)[:, None])
        widths.append(width)
        # Each vessel goes on as a thicker daughter and sends off a thinner one.
        turn = rng.normal((0.12, 0.5), (0.12, 0.2), (count, 2)) * rng.choice((-1, 1), (count, 1))
        angle = (bends[:, -1:] + turn * (1, -1)).ravel()
        width = (width[:, None] * (0.79, 0.62)).ravel()
        start, side = np.repeat(line[:, -1], 2, axis=0), np.repeat(side, 2)
    grade = np.rint(np.concatenate(widths) * 20).astype(int)
    vessels = np.concatenate(lines)
    drawn = canvas.empty().astype(np.uint8)
    for value in np.unique(grade):
        thick = max(1, round(value / 20 * canvas.size * 0.012))
        canvas.trace(drawn, vessels[grade == value], min(150, 8 * int(value)), thick)
    return canvas.blur(drawn.astype(np.float32), 0.0018) * np.float32(0.9 / 150)
