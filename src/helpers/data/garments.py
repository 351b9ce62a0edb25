"""Ten garments drawn from outlines, each a little different every time: the stand-in for Fashion-MNIST."""

import math
from collections.abc import Callable, Sequence

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


def draw_garment(label: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Draw one garment of the class `label`, in Fashion-MNIST's order, shape (56, 56), values in [0, 1]."""
    sketch = Sketch(random, tone=random.triangular(60, 230, 255), contrast=random.uniform(0.3, 1.0))
    _DRAW[label](sketch)
    return sketch.finished()


def _tshirt(sketch: Sketch) -> None:
    _top(sketch, long_sleeves=sketch.chance(0.08))
    if sketch.chance(0.35):
        _print(sketch)
    _neck(sketch, width=sketch.between(2.4, 4.0), depth=sketch.between(1.6, 4.5))


def _trouser(sketch: Sketch) -> None:
    waist, hip = sketch.between(3.4, 4.6), sketch.between(4.4, 5.6)
    ankle, leg = sketch.between(4.4, 6.6), sketch.between(2.2, 3.6)
    crotch, bottom = sketch.between(8.5, 11), sketch.between(26.5, 28)
    half = [(0, 0.4), (waist, 0.4), (hip, 6.5), (ankle, bottom), (ankle - leg, bottom), (0.15, crotch)]
    sketch.fill_both(half)
    sketch.line([(MIDDLE - waist, 1.6), (MIDDLE + waist, 1.6)])
    sketch.line([(MIDDLE, 1.6), (MIDDLE, crotch)], shade=0.7)
    if sketch.chance(0.5):
        knee = (hip + ankle) / 2 - leg / 2 + 0.4
        sketch.fill_pair([(knee - 0.7, 8), (knee + 0.7, 8), (ankle - leg / 2, bottom)], shade=1.25)


def _pullover(sketch: Sketch) -> None:
    hem, bottom = _top(sketch, long_sleeves=True)
    sketch.line([(MIDDLE - hem, bottom - 1.6), (MIDDLE + hem, bottom - 1.6)])
    width = sketch.between(2.4, 3.6)
    if sketch.chance(0.2):  # a hood that lies on the chest
        sketch.fill_both([(0, 0), (width, 0.2), (width + 1.4, 3.4), (0, 6)], shade=0.8, rounding=2)
    if sketch.chance(0.3):
        _print(sketch)
    depth = sketch.between(1.4, 3.4)
    sketch.ellipse((MIDDLE, 0), radius=(width + 1, depth + 1), shade=0.7)
    _neck(sketch, width=width, depth=depth)


def _dress(sketch: Sketch) -> None:
    shoulder, waist = sketch.between(2.8, 4.6), sketch.between(2.6, 4.0)
    hem, high, bottom = sketch.between(3.8, 8.5), sketch.between(9, 13), sketch.between(27, 28)
    length = sketch.random.choice([0.0, 4.0, 9.0, 16.0], p=[0.5, 0.25, 0.15, 0.1])
    if length:
        _sleeves(sketch, shoulder=shoulder, length=length, angle=sketch.between(12, 28), width=2.4)
    sketch.fill_both([(0, 0.3), (shoulder, 0.6), (shoulder, 5), (waist, high), (hem, bottom), (0, bottom)])
    sketch.line([(MIDDLE - waist, high), (MIDDLE + waist, high)], shade=0.7)
    for fold in np.linspace(-0.6, 0.6, sketch.random.integers(0, 4)):
        sketch.line([(MIDDLE + fold * waist, high + 1), (MIDDLE + fold * hem, bottom)], shade=0.75)
    _neck(sketch, width=shoulder - sketch.between(0.7, 1.4), depth=sketch.between(2, 5))


def _coat(sketch: Sketch) -> None:
    _, bottom = _top(sketch, long_sleeves=True)
    sketch.line([(MIDDLE, 5), (MIDDLE, bottom)], width=sketch.between(0.6, 1.1), shade=0.3)
    collar, depth = sketch.between(3.0, 4.4), sketch.between(5, 12)
    sketch.fill_pair([(0.4, 0.6), (collar - 1, 0.6), (collar, 4), (0.3, depth)], shade=0.65)
    sketch.fill_both([(0, 0), (1.6, 0.4), (0, 4.5)], shade=0.3)
    if sketch.chance(0.7):
        _buttons(sketch, x=MIDDLE + 1.3, start=depth + 1.5, pitch=sketch.between(3.2, 5))
    if sketch.chance(0.6):
        pocket = sketch.between(16, 19)
        sketch.fill_pair([(3, pocket), (5.8, pocket - 0.4), (5.8, pocket + 1), (3, pocket + 1.4)], shade=0.6)


def _sandal(sketch: Sketch) -> None:
    slide = sketch.chance(0.3)
    heel = 0.0 if slide else sketch.random.choice([0.0, sketch.between(2, 5), sketch.between(8, 12)])
    ground = 19.5 + heel / 2.5
    back = ground - 1.5 - heel
    sole: list[Point] = [(0.8, ground - 1), (9, ground - 1.2), (18, ground - 1.3 - 0.55 * heel), (26.5, back)]
    sketch.line(sole, width=sketch.between(1.4, 2.4), shade=0.9)
    if heel:
        sketch.fill([(22.5, ground - heel), (27, back), (26.8, ground), (25.4, ground)], shade=0.7)
    if slide:
        reach, height = sketch.between(5, 8), sketch.between(4, 6.5)
        for inner in range(sketch.random.integers(1, 3)):
            band = arc((11, ground - 1), radius=(reach - 2 * inner, height - 2.5 * inner), start=180, end=360)
            sketch.line(band, width=sketch.between(1.0, 2.4), shade=1.0)
    else:
        _straps(sketch, sole)


def _straps(sketch: Sketch, sole: list[Point]) -> None:
    """One to three bands that lean back from the toes, and a loop around the ankle."""
    for start in np.arange(3.0, 3.0 + 4.0 * sketch.random.integers(1, 4), 4.0):
        broad, height = sketch.between(1.5, 3.5), 2.5 + 0.3 * start
        low, high = _level(sole, start), _level(sole, start + 3) - height
        sketch.fill([(start, low), (start + 3, high), (start + 3 + broad, high), (start + broad, low)])
    heel = _level(sole, 25.5)
    ankle = heel - sketch.between(4.5, 7)
    loop: list[Point] = [(26, heel), (25.5, ankle), (18.5, ankle + 0.8), (14, _level(sole, 14))]
    sketch.line(loop, width=sketch.between(0.9, 1.7), shade=1.0)


def _level(sole: list[Point], x: float) -> float:
    """The height of a sole at one of its columns."""
    columns, heights = zip(*sole, strict=True)
    return float(np.interp(x, columns, heights))


def _shirt(sketch: Sketch) -> None:
    _, bottom = _top(sketch, long_sleeves=sketch.chance(0.65))
    sketch.line([(MIDDLE + 0.8, 3), (MIDDLE + 0.8, bottom)], width=0.5, shade=0.72)
    _buttons(sketch, x=MIDDLE, start=5, pitch=sketch.between(2.6, 3.8))
    sketch.fill_both([(0, 0), (2, 0.2), (0, 3)], shade=0.35)
    sketch.fill_pair([(0.1, 3.4), (2.2, 0.1), (3.6, 1.0), (2.3, 4.6)], shade=sketch.random.choice([0.8, 1.2]))
    if sketch.chance(0.4):
        sketch.fill([(16.6, 8.5), (19.4, 8.5), (19.4, 12), (16.6, 12)], shade=0.8)


def _sneaker(sketch: Sketch) -> None:
    ground, toe, top = sketch.between(19.5, 21.5), sketch.between(14.5, 16.5), sketch.between(8, 11)
    throat = sketch.between(14, 17)
    upper: list[Point] = [(0.4, ground), (0.6, toe + 1), (3, toe - 0.6), (7.5, toe - 2), (throat, top - 0.6)]
    upper += [(throat + 2.4, top - 0.3), (20.5, top + 1.9), (24.5, top + 1), (27, top - 0.2), (27.5, ground)]
    sketch.fill(upper, rounding=2)
    for step in np.linspace(0.15, 0.85, 4):  # laces, from the toes up to the throat
        x, y = 8 + step * (throat - 8), toe - 2 + step * (top - toe + 1.4)
        sketch.line([(x, y), (x + 1.6, y + 1.7)])
    if sketch.chance(0.6):
        stripe: list[Point] = [(12, ground - 2), (18, toe - 2.4), (24, ground - 3)]
        sketch.line(stripe, width=sketch.between(0.8, 1.8), shade=0.5)
    edge, below = ground - sketch.between(1.3, 2.4), ground + 0.6
    sole: list[Point] = [(0.3, edge), (27.7, edge), (27.6, below), (0.8, below)]
    sketch.fill(sole, shade=sketch.random.choice([0.45, 1.5]))


def _bag(sketch: Sketch) -> None:
    top, bottom = sketch.between(9, 12.5), sketch.between(22, 27)
    across, below = sketch.between(9, 13), sketch.between(10, 13.4)
    carried, width = sketch.random.random(), sketch.between(0.9, 1.7)
    if carried < 0.55:  # by a handle; by a strap; under the arm
        radius = (across * sketch.between(0.4, 0.85), top - sketch.between(1, 4))
        sketch.line(arc((MIDDLE, top + 0.5), radius=radius, start=180, end=360), width=width, shade=0.8)
    elif carried < 0.8:
        peak = sketch.between(10, 18)
        sketch.line(
            [(MIDDLE - across, top + 1), (peak, 0.8), (MIDDLE + across, top + 1)], width=width, shade=0.8
        )
    sketch.fill_both([(0, top), (across, top), (below, bottom - 1.5), (below - 1.5, bottom), (0, bottom)])
    flap = top + sketch.between(2, 7)
    if sketch.chance(0.6):
        sketch.fill_both([(0, top), (across, top), (across * 0.9, flap), (0, flap + 1.2)], shade=0.75)
    else:
        sketch.line([(MIDDLE - across, top + 1.6), (MIDDLE + across, top + 1.6)])
    if sketch.chance(0.7):
        sketch.ellipse((MIDDLE, flap + 0.8), radius=(1.1, 0.9), shade=0.35)


def _ankle_boot(sketch: Sketch) -> None:
    ground, top = sketch.between(22, 26), sketch.between(1.5, 7)
    instep, toe = sketch.between(11, 14.5), sketch.between(15, 18.5)
    boot: list[Point] = [(0.5, ground), (0.6, toe + 3.5), (3, toe + 0.8), (9, toe - 1), (instep, toe - 5)]
    boot += [(instep, top), (instep + 0.4, top - 0.6), (26.6, top), (26.2, toe - 2), (27.4, ground)]
    sketch.fill(boot, rounding=1)
    if sketch.chance(0.5):  # an elastic side or laces
        sketch.fill([(17, top + 1.5), (22, top + 1.2), (20.5, toe), (18.5, toe)], shade=0.55)
    else:
        for y in np.arange(top + 2, toe - 2, 2.2):
            sketch.line([(instep, y), (instep + 3.4, y + 1)], width=0.7, shade=0.55)
    sketch.line([(instep, top + 0.8), (26.6, top + 0.8)], shade=0.7)
    heel = ground - sketch.between(0.6, 4)
    sketch.fill([(10, ground), (19.5, ground), (19, heel), (14, ground - 0.5)], shade=0)
    sketch.line([(0.7, ground - 0.5), (11, ground - 0.5), (19.5, heel), (27.4, heel)], width=1, shade=0.5)


def _top(sketch: Sketch, *, long_sleeves: bool) -> tuple[float, float]:
    """What T-shirt, pullover, coat and shirt share; returns the half width of the hem and its row."""
    shoulder, hem = sketch.between(6.3, 8.0), sketch.between(6.2, 8.2)
    waist, bottom = hem - sketch.between(0, 1), sketch.between(25.5, 28)
    length, angle = ((19.5, 23), (11, 17)) if long_sleeves else ((5.5, 10), (20, 42))
    _sleeves(sketch, shoulder=shoulder, length=sketch.between(*length), angle=sketch.between(*angle))
    body = [(0, 0.3), (3, 0.3), (shoulder, 1.8), (shoulder, 7), (waist, 15), (hem, bottom), (0, bottom)]
    sketch.fill_both(body)
    _pattern(sketch, width=min(shoulder, waist), bottom=bottom - 1)
    return hem, bottom


def _sleeves(sketch: Sketch, *, shoulder: float, length: float, angle: float, width: float = 4.0) -> None:
    """Two arms that hang from the shoulders, `angle` degrees off the vertical."""
    out, down = math.sin(math.radians(angle)), math.cos(math.radians(angle))

    def edge(distance: float, inward: float) -> Point:
        """A point so far down the arm and so far in from its outer edge."""
        return shoulder + distance * out - inward * down, 1.8 + distance * down + inward * out

    arm = [edge(0, 0), edge(length, 0), edge(length, 0.8 * width), edge(0, width)]
    sketch.fill_pair(arm, shade=sketch.between(0.75, 0.95))
    if sketch.chance(0.5):
        cuff = [
            edge(length - 1.5, 0),
            edge(length, 0),
            edge(length, 0.8 * width),
            edge(length - 1.5, 0.8 * width),
        ]
        sketch.fill_pair(cuff, shade=0.65)


def _neck(sketch: Sketch, *, width: float, depth: float) -> None:
    sketch.ellipse((MIDDLE, 0), radius=(width, depth), shade=0)


def _buttons(sketch: Sketch, *, x: float, start: float, pitch: float) -> None:
    for y in np.arange(start, 25.5, pitch):
        sketch.ellipse((x, y), radius=(0.5, 0.5), shade=0.4)


def _print(sketch: Sketch) -> None:
    across, down, y = sketch.between(1.5, 4), sketch.between(1, 4), sketch.between(9, 13)
    patch = [(0, y - down), (across, y - down), (across, y + down), (0, y + down)]
    sketch.fill_both(patch, shade=sketch.random.choice([0.4, 1.6]))


def _pattern(sketch: Sketch, *, width: float, bottom: float) -> None:
    """Stripes across, stripes down, both (checks) or neither."""
    pitch, shade = sketch.between(2.2, 4.5), sketch.random.choice([0.6, 1.3])
    across, down = sketch.random.choice([(0, 0), (1, 0), (0, 1), (1, 1)], p=[0.6, 0.2, 0.05, 0.15])
    for x in np.arange(pitch / 2, width - 0.3, pitch) if down else ():
        sketch.line([(MIDDLE - x, 3), (MIDDLE - x, bottom)], shade=shade)
        sketch.line([(MIDDLE + x, 3), (MIDDLE + x, bottom)], shade=shade)
    for y in np.arange(4, bottom, pitch) if across else ():
        sketch.line([(MIDDLE - width, y), (MIDDLE + width, y)], shade=shade)


_DRAW: tuple[Callable[[Sketch], None], ...] = (
    _tshirt,
    _trouser,
    _pullover,
    _dress,
    _coat,
    _sandal,
    _shirt,
    _sneaker,
    _bag,
    _ankle_boot,
)
