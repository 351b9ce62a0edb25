"""Cases of one layer: the size of its output, and what it never reads.

The answer is that of `helpers.arithmetic`. A wrong answer is computed as one does who makes that mistake.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from operator import ne
from typing import Any

from helpers.arithmetic import Window, output_size, unread

Drawn = Mapping[str, Any]
Facts = dict[str, Any]
Numbers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules of a kind make of drawn numbers.

    Attributes:
        facts: what the templates ask for.
        layers: the same of each layer, or of each axis.
        answer: as in an exercise.
        wrong: answers by the misconception that gives them; those that are right after all are dropped later.
        opens: an explorer and its settings; empty where none shows the case.
        choices: templates of what to choose from.
        bends: index of the layer at whose line a mistake bends, where it is not the first.
        rounds: index of the layer whose sum rounds a fraction, or None.
    """

    facts: Facts
    layers: Sequence[Facts]
    answer: Numbers
    wrong: Mapping[str, Numbers]
    opens: Facts
    choices: tuple[str, ...] = ()
    bends: Mapping[str, int] = field(default_factory=dict)
    rounds: int | None = None


def along_axes(each: Sequence[Mapping[str, int]]) -> dict[str, Numbers]:
    """Wrong answers of one axis, or of two, by misconception."""
    return {slug: tuple(axis[slug] for axis in each) for slug in each[0]}


def first_bends(wrong: Mapping[str, Numbers], answer: Numbers) -> dict[str, int]:
    """By misconception the first axis along which a wrong answer is wrong."""
    return {slug: first_index(map(ne, each, answer)) or 0 for slug, each in wrong.items()}


def first_index(tests: Iterable[bool]) -> int | None:
    """The index of the first that is true, or None."""
    return next((index for index, passes in enumerate(tests) if passes), None)


def drawn_axis(draw: Drawn, label: str) -> Facts:
    """What the lines say of one axis: the window, its room, and the strides that fit."""
    before, kernel = draw["padding"], draw["kernel_size"]
    after = before + draw["extra"]
    window = Window(
        kernel_size=kernel,
        stride=draw["stride"],
        padding=(before, after),
        dilation=draw["dilation"],
        kind="pooling" if draw["ceils"] else "convolution",
        ceil_mode=bool(draw["ceils"]),
    )
    reach = draw["dilation"] * (kernel - 1) + 1
    padded = before + draw["size"] + after
    room = padded - reach
    return {
        **draw,
        "label": label,
        "window": window,
        "before": before,
        "after": after,
        "dilated": draw["dilation"] > 1,
        "bare": after == 0,
        "even": before == after > 0,
        "uneven": before != after,
        "reach": reach,
        "padded": padded,
        "room": room,
        "whole": room // draw["stride"],
        "rest": room % draw["stride"],
        "single": not label,
        "fits": room >= 0,
    }


def _axes(draw: Drawn) -> list[Facts]:
    labels = ("rows", "columns") if draw["count"] == 2 else ("",)
    return [drawn_axis(layer, label) for layer, label in zip(draw["layers"], labels, strict=True)]


def _shown_by_convolution(axes: Sequence[Facts]) -> Facts:
    """The settings of the convolution explorer that show these axes."""
    names = ("input_size", "kernel_size", "stride")
    opens: Facts = {"explorer": "convolution"} | ({"kind": "max pooling"} if axes[0]["ceils"] else {})
    for name in names:
        opens[name] = alike([axis["size" if name == "input_size" else name] for axis in axes])
    if any(axis["uneven"] for axis in axes):
        sides = [[axis["before"], axis["after"]] for axis in axes]
        opens["padding"] = sides * (3 - len(sides))
    else:
        opens["padding"] = alike([axis["before"] for axis in axes])
    if any(axis["dilated"] for axis in axes):
        opens["dilation"] = alike([axis["dilation"] for axis in axes])
    return opens | ({"ceil_mode": True} if axes[0]["ceils"] else {})


def alike(values: list[int]) -> int | list[int]:
    """One number where all are the same, and else the list."""
    return values[0] if len(set(values)) == 1 else values


def _sizes_mistaken(axis: Facts) -> dict[str, int]:
    """The size along an axis as those get it who make one mistake."""
    size, kernel, stride, reach, room = (axis[n] for n in ("size", "kernel_size", "stride", "reach", "room"))

    def count(room: int, *, up: bool = bool(axis["ceils"])) -> int:
        strides: int = -(-room // stride) if up else room // stride
        return strides + 1

    wrong = {
        "no-first-stop": count(room) - 1,
        "floor-for-ceil" if axis["ceils"] else "ceil-for-floor": count(room, up=not axis["ceils"]),
        "padding-once": count(room - axis["after"]),
        "no-padding": count(room - axis["before"] - axis["after"]),
        "kernel-for-reach": count(room + reach - kernel),
        "dilated-kernel": count(room + reach - axis["dilation"] * kernel),
        "no-stride": room + 1,
        "one-too-early": (room + 1) // stride,
        "size-over-stride": -(-size // stride),
        "no-kernel": count(axis["padded"]),
    }
    return wrong | ({"ceil-without-rule": count(room)} if axis["ceils"] else {})


def _output_size(draw: Drawn, level: int) -> Case | None:
    axes = _axes(draw)
    if not all(axis["fits"] for axis in axes):
        return None
    rounded = first_index(axis["rest"] > 0 for axis in axes)
    twists = sum(axes[0][name] > 0 for name in ("dilated", "extra", "ceils"))
    if (level == 1) != (rounded is None) or (twists != (level == 3) and level < 4):
        return None
    if any(axis["padding"] * (2 if axis["ceils"] else 1) > axis["kernel_size"] for axis in axes):
        return None
    if level == 4 and axes[0]["size"] == axes[1]["size"]:
        return None
    for axis in axes:
        axis["count"] = output_size(axis["size"], **axis["window"])
        axis["strides"] = axis["count"] - 1
        axis["double"] = len(axes) == 2
        axis["more"] = axis["strides"] - axis["whole"]
        axis["left"] = axis["ceils"] and axis["rest"] and not axis["more"]
        axis["dropped"] = axis["rest"] and not axis["ceils"]
    answer = tuple(axis["count"] for axis in axes)
    wrong = along_axes([_sizes_mistaken(axis) for axis in axes])
    return Case(
        facts={"across": axes[-1]["size"], "floors": not axes[0]["ceils"]},
        layers=axes,
        answer=answer,
        wrong=wrong,
        opens=_shown_by_convolution(axes),
        bends=first_bends(wrong, answer),
        rounds=rounded,
    )


def _lost_mistaken(axis: Facts) -> dict[str, int]:
    """The pixels along an axis that are never read, as those count them who make one mistake."""
    stride, kernel = axis["stride"], axis["kernel_size"]
    tail, gap, gaps, whole = axis["tail"], axis["gap"], axis["gaps"], axis["whole"]
    bare = axis["size"] - kernel
    unpadded = bare % stride + bare // stride * gap if bare >= 0 else axis["lost"]
    return {
        "padding-is-read": axis["rest"] + gaps,
        "no-padding": unpadded,
        "no-tail": gaps,
        "no-gaps": tail,
        "stride-skips": tail + whole * (stride - 1),
        "gap-at-the-end": tail + gaps + gap,
        "window-is-a-point": tail + gaps + kernel - 1,
    }


def _lost(axis: Facts) -> Facts:
    """What the lines say of the pixels along an axis that are never read."""
    eaten, gap = min(axis["rest"], axis["after"]), max(0, axis["stride"] - axis["kernel_size"])
    gaps, tail = axis["whole"] * gap, axis["rest"] - eaten
    return axis | {"eaten": eaten, "tail": tail, "gap": gap, "gaps": gaps, "lost": tail + gaps}


def _unread(draw: Drawn, level: int) -> Case | None:
    axes = [_lost(axis) for axis in _axes(draw)]
    first, last = axes[0], axes[-1]
    if not all(axis["fits"] for axis in axes) or ((level == 3) != (first["gap"] > 0) and level < 4):
        return None
    if level == 2 and not first["rest"]:
        return None
    lost = tuple(len(unread(axis["size"], **axis["window"])) for axis in axes)
    if lost != tuple(axis["lost"] for axis in axes):
        return None  # a gap reaches into the padding, which the lines do not tell
    wrong = along_axes([_lost_mistaken(axis) for axis in axes])
    bends = first_bends(wrong, lost)
    pixels, read = (
        first["size"] * last["size"],
        (first["size"] - first["lost"]) * (last["size"] - last["lost"]),
    )
    if len(axes) == 2:
        if not all(lost):
            return None
        wrong = {
            slug: (pixels - (first["size"] - rows) * (last["size"] - columns),)
            for slug, (rows, columns) in wrong.items()
        }
        wrong["corners-twice"] = (first["lost"] * last["size"] + last["lost"] * first["size"],)
        wrong |= {"lines-for-pixels": (sum(lost),), "corners-only": (prod(lost),)}
        lost = (pixels - read,)
    facts = {"across": last["size"], "lostacross": last["lost"], "read": read, "total": lost[0]}
    opens = _shown_by_convolution(axes) | {"view": "coverage"}
    return Case(facts | {"double": len(axes) == 2}, axes, lost, wrong, opens, bends=bends)


one_layer_rules: Mapping[str, Callable[[Drawn, int], Case | None]] = {
    "output-size": _output_size,
    "unread": _unread,
}
