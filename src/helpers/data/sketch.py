"""A pen for the stand-in's prototypes: every measure is in pixels of the finished 28 x 28 image."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIDE = 28
MIDDLE = SIDE / 2
FINENESS = 2  # prototype pixels per finished pixel, so that one moved by half a pixel stays sharp
SCALE = 8  # drawn pixels per finished pixel: PIL draws hard edges, averaging smooths them

Point = tuple[float, float]  # x to the right, y down


class Sketch:
    """One drawing in progress: grey shapes on black, with the random choices that make it one of many.

    Shades are relative to `tone`, the grey of the whole garment, so that a detail stays darker or lighter
    than its surroundings whatever the tone; `contrast` says how much of that difference shows.
    """

    def __init__(self, random: np.random.Generator, *, tone: float, contrast: float) -> None:
        self.random = random
        self.tone = tone
        self.contrast = contrast
        self._canvas = Image.new("L", (SIDE * SCALE, SIDE * SCALE))
        self._pen = ImageDraw.Draw(self._canvas)

    def between(self, low: float, high: float) -> float:
        """A number drawn uniformly from the interval."""
        return float(self.random.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return bool(self.random.random() < probability)

    def fill(self, points: Sequence[Point], *, shade: float = 1.0, rounding: int = 0) -> None:
        """Fill a polygon; each round of `rounding` cuts its corners once more. Shade 0 cuts a hole."""
        self._pen.polygon(_scaled(rounded(points, rounds=rounding)), fill=self._grey(shade))

    def fill_both(self, half: Sequence[Point], *, shade: float = 1.0, rounding: int = 0) -> None:
        """Fill the shape whose right half is given from top to bottom, x counted from the middle."""
        right = [(MIDDLE + x, y) for x, y in half]
        self.fill(right + mirrored(right)[::-1], shade=shade, rounding=rounding)

    def fill_pair(self, points: Sequence[Point], *, shade: float = 1.0, rounding: int = 0) -> None:
        """Fill a shape right of the middle, x counted from there, and its mirror image."""
        right = [(MIDDLE + x, y) for x, y in points]
        self.fill(right, shade=shade, rounding=rounding)
        self.fill(mirrored(right), shade=shade, rounding=rounding)

    def line(self, points: Sequence[Point], *, width: float = 0.6, shade: float = 0.6) -> None:
        """Draw a line through the points."""
        self._pen.line(_scaled(points), fill=self._grey(shade), width=round(width * SCALE), joint="curve")

    def ellipse(self, center: Point, *, radius: Point, shade: float = 0.6) -> None:
        """Fill an upright ellipse."""
        (x, y), (across, down) = center, radius
        self._pen.ellipse(_scaled([(x - across, y - down), (x + across, y + down)]), fill=self._grey(shade))

    def finished(self) -> NDArray[np.float32]:
        """The drawing as a prototype, values in [0, 1], shape (56, 56)."""
        return np.asarray(self._canvas.reduce(SCALE // FINENESS), dtype=np.float32) / np.float32(255)

    def _grey(self, shade: float) -> int:
        if shade == 0:  # a hole, whatever the contrast
            return 0
        return min(255, round(self.tone * (1 + (shade - 1) * self.contrast)))


def mirrored(points: Sequence[Point]) -> list[Point]:
    """The points reflected at the vertical line through the middle of the image."""
    return [(SIDE - x, y) for x, y in points]


def rounded(points: Sequence[Point], *, rounds: int) -> list[Point]:
    """A closed polygon with its corners cut, at a quarter of each side, `rounds` times.

    Source: Chaikin 1974, "An algorithm for high-speed curve generation".
    """
    outline = np.asarray(points, dtype=float)  # (corners, 2)
    for _ in range(rounds):
        following = np.roll(outline, -1, axis=0)
        cuts = np.stack([0.75 * outline + 0.25 * following, 0.25 * outline + 0.75 * following], axis=1)
        outline = cuts.reshape(-1, 2)  # (2 * corners, 2)
    return [(float(x), float(y)) for x, y in outline]


def arc(center: Point, *, radius: Point, start: float, end: float) -> list[Point]:
    """Points along an ellipse from angle `start` to `end` in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, end, 25))
    (x, y), (across, down) = center, radius
    return [(float(x + across * np.cos(a)), float(y + down * np.sin(a))) for a in angles]


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * SCALE, y * SCALE) for x, y in points]
