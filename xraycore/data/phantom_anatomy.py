"""The chest of a phantom: thickness maps of water and bone, drawn from one random generator."""

import cv2
import numpy as np


class Anatomy:
    """One random chest on a size x size grid.

    Attributes:
        u: Float32 (s, s), across: -1 at the left edge of the image, the patient's right, to 1.
        v: Float32 (s, s), down: 0 to 1.
        lung_mask: Bool (s, s).
    """

    def __init__(self, rng: np.random.Generator, size: int):
        self.rng, self.size = rng, size
        rows, columns = np.mgrid[:size, :size].astype(np.float32) / np.float32(size - 1)
        across, down = 2 * columns - 1, rows
        turn = np.float32(np.radians(rng.normal(0, 1.5)))
        scale = np.float32(rng.uniform(0.96, 1.08))
        across, down = (
            across + np.float32(rng.normal(0, 0.02)),
            down + np.float32(rng.normal(0, 0.012)),
        )
        self.u = scale * (across * np.cos(turn) - 2 * (down - 0.5) * np.sin(turn))
        self.v = 0.5 + scale * ((down - 0.5) * np.cos(turn) + across / 2 * np.sin(turn))
        self.side = np.sign(self.u)
        self.away = np.abs(self.u)
        self.heart = rng.uniform(0.26, 0.36)
        self.base = rng.uniform(0.775, 0.825)
        self.width = rng.uniform(0.75, 0.82)
        self.apex = rng.uniform(0.10, 0.13)
        self.lungs = self._lungs()
        self.lung_mask = self.lungs > 0.5

    def water_cm(self) -> np.ndarray:
        """Soft tissue along each ray, in centimetres of water; the lungs count a quarter."""
        u, v, away = self.u, self.v, self.away
        body = self._body()
        trunk = np.sqrt(np.clip(1 - (u / 1.18) ** 2, 0, 1))
        thickness = body * (self.rng.uniform(16.5, 19.5) * (0.35 + 0.65 * trunk))
        thickness *= 0.72 + 0.28 * _step(v, 0.16, 0.07)
        # Belly and liver are thicker than the chest, and the flanks thin out.
        thickness += body * 2.2 * _step(v, self.base, 0.05)
        thickness += body * 1.4 * _bump(away, 0.86, 0.08) * _bump(v, 0.45, 0.3)
        depth = cv2.distanceTransform(self.lung_mask.astype(np.uint8), cv2.DIST_L2, 5) / self.size
        air = self.lungs * (8.0 + 6.5 * (1 - np.exp(-depth / 0.055)))
        heart = _bump(u, 0.12, 0.30) * _bump(v, 0.66, 0.17)
        air -= self.lungs * 3.0 * heart
        thickness -= 0.75 * air
        thickness += self.lungs * self._vessels()
        trachea = _bump(u + 0.01, 0.0, 0.035) * (1 - _step(v, 0.36, 0.02)) * _step(v, 0.02, 0.02)
        thickness -= 1.7 * trachea * body
        knob = _bump(u, 0.13, 0.055) * _bump(v, 0.315, 0.045)
        thickness += 2.2 * knob
        bubble = _bump(u, self.rng.uniform(0.34, 0.44), 0.12) * _bump(v, self.base + 0.105, 0.035)
        thickness -= self.rng.uniform(1.0, 4.0) * bubble
        return np.maximum(thickness, 0.0).astype(np.float32)

    def bone_cm(self) -> np.ndarray:
        """Bone along each ray, in centimetres."""
        body = self._body()
        bone = self._spine() + self._ribs() + self._clavicles() + self._shoulders()
        return (bone * body).astype(np.float32)

    def _body(self) -> np.ndarray:
        """1 inside the skin, 0 outside: neck, sloping shoulders, trunk."""
        shoulder = 0.26 + 0.86 * _step(self.v, 0.135, 0.028) - 0.16 * _step(self.v, 0.42, 0.1)
        return _step(shoulder - self.away, 0.0, 0.012)

    def _lungs(self) -> np.ndarray:
        """How much of each ray's width is lung, 0 to 1 with soft edges."""
        v, away, left = self.v, self.away, self.side > 0
        below = np.clip((v - self.apex) / (self.base + 0.1 - self.apex), 0, 1)
        outer = self.width * np.power(below, 0.31) * (1 - 0.05 * below**3)
        heart_left = self.heart * _bump(v, 0.70, 0.17) + 0.055 * _bump(v, 0.315, 0.05)
        heart_right = 0.07 * _bump(v, 0.66, 0.13)
        inner = 0.115 + 0.05 * _bump(v, 0.45, 0.1) + np.where(left, heart_left, heart_right)
        dome = np.abs(away - 0.36) / 0.4
        floor = self.base + np.where(left, 0.025, 0.0) + 0.13 * dome**2.2
        # The medial angle is filled by heart and vessels.
        floor = np.where(
            away < 0.36, self.base + np.where(left, 0.025, 0.0) + 0.03 * dome**2, floor
        )
        soft = 0.010
        return (
            _step(outer - away, 0.0, soft)
            * _step(away - inner, 0.0, 0.016)
            * _step(floor - v, 0.0, soft)
        ).astype(np.float32)

    def _spine(self) -> np.ndarray:
        pitch = self.rng.uniform(0.062, 0.070)
        phase = (self.v / pitch) % 1.0
        discs = np.exp(-(((phase - 0.5) / 0.13) ** 2))
        body = _step(0.085 + 0.02 * self.v - self.away, 0.0, 0.012)
        pedicles = _bump(self.away, 0.055, 0.016) * np.exp(-(((phase - 0.95) / 0.16) ** 2))
        process = _bump(self.u, 0.0, 0.016) * np.exp(-(((phase - 0.1) / 0.2) ** 2))
        return (body * (1.9 - 0.8 * discs) + 0.5 * pedicles + 0.5 * process) * (0.8 + 0.3 * self.v)

    def _ribs(self) -> np.ndarray:
        """Ten pairs: flat behind, steep in front, each a tube with a dense rim."""
        bone = np.zeros_like(self.u)
        pitch, first = self.rng.uniform(0.070, 0.078), self.rng.uniform(0.125, 0.145)
        along = np.clip((self.away - 0.08) / 0.74, 0, 1)
        arch, fall = 0.055 * np.sin(np.pi * np.clip(along * 1.15, 0, 1)), along**2.2
        steep = (1 - along) ** 1.25
        cage = 0.88 * np.power(np.clip((self.v - 0.06) / 0.55, 0, 1), 0.27)
        inside = _step(cage - self.away, 0.0, 0.02) * _step(self.away - 0.09, 0.0, 0.01)
        for number in range(10):
            start = first + pitch * number + self.rng.normal(0, 0.002)
            drop = 0.05 + 0.016 * number
            bone += 0.62 * self._tube(self.v - start + arch - drop * fall, 0.0125)
            if number < 8:
                front = start + drop + 0.02 + (0.17 + 0.01 * number) * steep
                reach = _step(self.away, 0.30 + 0.012 * number, 0.04)
                bone += 0.40 * self._tube(self.v - front, 0.0145) * reach
        return bone * inside

    def _clavicles(self) -> np.ndarray:
        bone = np.zeros_like(self.u)
        for side in (-1, 1):
            tilt = self.rng.normal(0, 0.008)
            line = 0.185 + tilt - 0.075 * np.clip(self.away / 0.75, 0, 1.2) ** 1.3
            line = line + 0.014 * np.sin(self.away * 6.0)
            reach = _step(self.away, 0.09, 0.015) * _step(0.80 - self.away, 0.0, 0.03)
            bone += 0.75 * self._tube(self.v - line, 0.017) * reach * (self.side == side)
        return bone

    def _shoulders(self) -> np.ndarray:
        """Blades beside the lungs and the heads of the upper arms at the edge."""
        blade = _bump(self.away, 0.80 + 0.1 * (0.5 - self.v), 0.055) * _bump(self.v, 0.33, 0.16)
        head = _step(0.085 - np.hypot((self.away - 0.95) * 0.9, self.v - 0.20), 0.0, 0.012)
        return 0.45 * blade + 1.1 * head

    @staticmethod
    def _tube(distance: np.ndarray, radius: float) -> np.ndarray:
        """Bone along rays through a hollow tube at that distance from its axis."""
        bone = np.zeros_like(distance)
        near = np.abs(distance) < 1.7 * radius
        off = np.abs(distance[near]) / np.float32(radius)
        bone[near] = 0.6 * np.exp(-(off**4)) + 0.4 * np.exp(-(((off - 0.75) / 0.32) ** 2))
        return bone

    def _vessels(self) -> np.ndarray:
        """Branching vessels from both hila, in centimetres, fading to the periphery."""
        segments: list[tuple[float, np.ndarray, np.ndarray]] = []
        hila = np.zeros_like(self.u)
        for side in (-1, 1):
            hilum = np.array([side * 0.17, 0.44 + 0.015 * side])
            for angle in np.linspace(-1.3, 1.4, 13) + self.rng.normal(0, 0.1, 13):
                heading = np.array([side * np.cos(angle), 0.62 * np.sin(angle)])
                self._branch(segments, hilum, heading, 1.0, 5)
            distance = ((self.u - hilum[0]) / 0.08) ** 2 + ((self.v - hilum[1]) / 0.06) ** 2
            hila += 1.1 * np.exp(-distance)
        canvas = np.zeros((self.size, self.size), np.uint8)
        for width, *ends in sorted(segments, key=lambda segment: segment[0]):
            points = [(p * [0.5, 1.0] + [0.5, 0.0]) * (self.size - 1) * 16 for p in ends]
            thick = max(1, round(width * self.size * 0.011))
            start, end = (tuple(int(x) for x in point) for point in points)
            cv2.line(canvas, start, end, round(255 * width), thick, lineType=cv2.LINE_AA, shift=4)
        drawn = cv2.GaussianBlur(canvas, (0, 0), self.size / 420).astype(np.float32) / 255
        return 1.5 * drawn + hila

    def _branch(
        self, segments: list, start: np.ndarray, heading: np.ndarray, width: float, depth: int
    ) -> None:
        """Adds one vessel and, thinner, its two daughters."""
        length = self.rng.uniform(0.07, 0.13) * (0.6 + 0.1 * depth)
        end = start + heading * length
        segments.append((width, start, end))
        if depth:
            for turn in self.rng.normal([-0.35, 0.35], 0.18):
                cos, sin = np.cos(turn), np.sin(turn)
                across, down = heading
                turned = np.array([across * cos - down * sin, across * sin + down * cos])
                self._branch(segments, end, turned, width * self.rng.uniform(0.70, 0.80), depth - 1)


def _step(x: np.ndarray, at: float, softness: float) -> np.ndarray:
    """0 well below `at`, 1 well above."""
    return 1.0 / (1.0 + np.exp(-np.clip((x - at) / softness, -30, 30)))


def _bump(x: np.ndarray, at: float | np.ndarray, width: float) -> np.ndarray:
    """1 at `at`, falling to 1/e one width away."""
    return np.exp(-(((x - at) / width) ** 2))
