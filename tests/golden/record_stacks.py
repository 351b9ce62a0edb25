"""Records what torch finds out about a few stacks of layers.

    .venv/bin/python tests/golden/record_stacks.py

It writes stacks.json beside itself, which holds the arithmetic of Python and of the browser to the same
numbers. The pads are typed here, as the frameworks document them; of a transposed convolution they are crops.
The rest is found by asking: torch says the sizes, the parameters and the multiplications; the pixels on which
a unit depends are those by which its derivative is not zero. Where the image ends cannot be told from that,
so `start`, the field and the jump are measured on an image with so much room on each side that no padding
comes into view. Behind a layer that grows, neighbors see unlike: as many are asked as strides multiply to.
"""

import json
from math import prod
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

TARGET = Path(__file__).with_name("stacks.json")
ROOM = 40  # jumps of the last map, on each side

Settings = dict[str, Any]
Pads = tuple[int, int]


def layer(kernel_size: int, pads: Pads = (0, 0), **settings: Any) -> tuple[Settings, Pads]:
    """A layer, and the cells that it adds before and after each axis."""
    return {"kernel_size": kernel_size, **settings}, pads


def grown(kernel_size: int, pads: Pads = (0, 0), **settings: Any) -> tuple[Settings, Pads]:
    """A transposed convolution, and what it crops before and after each axis."""
    return layer(kernel_size, pads, kind="transposed", **settings)


def resize(factor: int) -> tuple[Settings, Pads]:
    """A resize, whose stride is its factor."""
    return layer(factor, kind="resize", stride=factor)


POOL = layer(2, stride=2)
PADDED = layer(3, (1, 1), padding=1, channels=2)
STACKS = [  # pixels along each axis, channels of the image, layers; then those of a signal
    (7, 1, [layer(3)]),
    (28, 1, [layer(3, channels=8), POOL, layer(3, channels=4, bias=False), POOL]),
    (28, 1, [layer(3, stride=2, channels=3), POOL, layer(3, stride=2), POOL]),
    (28, 2, [layer(3, (0, 1), stride=2, padding="same"), POOL, layer(3, (0, 0), stride=2, padding="valid")]),
    (
        28,
        1,
        [layer(3, (1, 0), stride=2, padding="same", convention="onnx-lower"), layer(3, (1, 1), padding=1)],
    ),
    (9, 3, [layer(4, (1, 2), padding="same", convention="pytorch", channels=5), layer(5, dilation=2)]),
    (15, 1, [layer(3, stride=4), layer(3)]),
    (20, 1, [layer(1, stride=3, channels=2), layer(2, channels=7)]),
    (6, 1, [layer(3, (4, 4), padding="full", dilation=2), layer(2, (3, 0), padding=[3, 0], stride=2)]),
    (
        30,
        3,
        [layer(11, (2, 2), stride=4, padding=2, channels=6), layer(3, stride=2), layer(5, (2, 2), padding=2)],
    ),
    (
        32,
        3,
        [
            layer(7, (3, 3), stride=2, padding=3, channels=4, bias=False),
            layer(3, (1, 1), stride=2, padding=1),
        ],
    ),
    (1, 1, [layer(3, (1, 1), padding="same"), layer(1, stride=5, channels=9)]),
    (13, 1, [layer(15, (14, 14), padding=[14, 14], stride=16), layer(1)]),
    (
        16,
        4,
        [
            layer(3, (1, 1), stride=2, padding=1, depthwise=True, bias=False),
            layer(1, channels=6),
            layer(5, (2, 2), padding=2, depthwise=True),
            POOL,
        ],
    ),
    (40, 3, [layer(16, stride=16, channels=5), layer(2, depthwise=True)]),
    (5, 3, [grown(3, stride=2, channels=4)]),
    (5, 2, [grown(3, (1, 1), stride=2, padding=1, output_padding=1, channels=3, bias=False), PADDED]),
    (6, 1, [grown(4, (1, 1), stride=2, padding=1, channels=1), grown(3, (0, 1), stride=2, padding="same")]),
    (6, 1, [grown(3, (1, 0), stride=2, padding="same", convention="onnx-lower"), POOL]),
    (7, 1, [grown(2, stride=3, dilation=2, channels=2), layer(3, dilation=2)]),
    (4, 1, [grown(1, stride=2), layer(3)]),
    (14, 1, [PADDED, POOL, PADDED, resize(2), PADDED]),
    (18, 1, [layer(3, stride=2), resize(3), layer(5, (2, 2), padding=2), grown(3, stride=2, channels=2)]),
    (13, 1, [layer(3, stride=2, ceil_mode=True), layer(2, stride=2, ceil_mode=True)]),
    (5, 1, [layer(2, (1, 1), stride=2, padding=1, ceil_mode=True)]),
    (28, 1, [PADDED, PADDED, POOL, PADDED, POOL, PADDED, grown(2, stride=2, channels=2), PADDED, resize(2)]),
]
SIGNALS = [
    (
        1024,
        1,
        [
            layer(kernel_size, stride=stride, channels=4, bias=False)
            for kernel_size, stride in zip((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), strict=True)
        ],
    ),
    (20, 2, [layer(3, (2, 0), padding="causal", channels=3), layer(3, (4, 0), padding="causal", dilation=2)]),
    (9, 2, [grown(4, (1, 1), stride=2, padding=1, channels=3), layer(2, depthwise=True)]),
]


def run(size: int, stack: list[tuple[Settings, Pads]], room: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """One axis, with room beside it, through the stack with all weights 1: the pixels and the last map."""
    pixels = torch.zeros(1, 1, size + 2 * room, dtype=torch.float64, requires_grad=True)
    maps: torch.Tensor = pixels
    for settings, pads in stack:
        maps = apply(maps, settings, pads)
    return pixels, maps


def apply(maps: torch.Tensor, settings: Settings, pads: Pads) -> torch.Tensor:
    """One layer with all weights 1."""
    taps = settings["kernel_size"]
    ones = torch.ones(1, 1, taps, dtype=torch.float64)
    window = {name: settings.get(name, 1) for name in ("stride", "dilation")}
    if settings.get("kind") == "resize":
        return F.interpolate(maps, scale_factor=float(taps), mode="nearest")
    if settings.get("kind") == "transposed":
        if pads[0] == pads[1]:
            more = settings.get("output_padding", 0)
            return F.conv_transpose1d(maps, ones, **window, padding=pads[0], output_padding=more)
        whole = F.conv_transpose1d(maps, ones, **window)
        return whole[..., pads[0] : whole.shape[-1] - pads[1]]
    if settings.get("ceil_mode"):
        return F.avg_pool1d(maps, taps, window["stride"], padding=pads[0], ceil_mode=True)
    return F.conv1d(F.pad(maps, pads), ones, **window)


def read(pixels: torch.Tensor, answer: torch.Tensor) -> list[int]:
    """The pixels on which an answer depends."""
    (slope,) = torch.autograd.grad(answer, pixels, retain_graph=True)
    return slope[0, 0].nonzero().ravel().tolist()


def row(size: int, stack: list[tuple[Settings, Pads]]) -> list[float]:
    """Size, jump, receptive field and start of the last map."""
    _, maps = run(size, stack)
    ways: dict[bool, int] = {
        is_up: prod(settings.get("stride", 1) for settings, _ in stack if ("kind" in settings) == is_up)
        for is_up in (False, True)
    }
    alike = ways[True]  # so many units on, the same is seen, moved
    room = ROOM * ways[False] * alike  # so that each unit keeps its place among those that see alike
    pixels, wide = run(size, stack, room)
    first = ROOM * alike**2
    seen = [read(pixels, wide[0, 0, first + unit]) for unit in range(alike + 1)]
    field = max(pixels[-1] - pixels[0] + 1 for pixels in seen if pixels)
    return [maps.shape[-1], (seen[-1][0] - seen[0][0]) / alike, field, seen[0][0] - room]


def costs(
    in_channels: int, stack: list[tuple[Settings, Pads]], sizes: list[int], dimensions: int
) -> list[list[int]]:
    """Parameters of each layer, and the multiplications of one input, whose size is the first of `sizes`."""
    kinds = {1: (nn.Conv1d, nn.ConvTranspose1d), 2: (nn.Conv2d, nn.ConvTranspose2d)}[dimensions]
    found = []
    for (settings, _), below, size in zip(stack, sizes, sizes[1:], strict=False):
        is_depthwise, is_grown = settings.get("depthwise", False), "kind" in settings
        channels = in_channels if is_depthwise else settings.get("channels")
        if channels is None:
            found.append([0, 0])
            continue
        groups, bias = in_channels if is_depthwise else 1, settings.get("bias", True)
        taps = settings["kernel_size"]
        module = kinds[is_grown](in_channels, channels, taps, groups=groups, bias=bias)
        side = below if is_grown else size + taps - 1  # what a plain convolution needs for that many stops
        with FlopCounterMode(display=False) as counter:
            module(torch.zeros(1, in_channels, *[side] * dimensions))
        learned = sum(parameter.numel() for parameter in module.parameters())
        found.append([learned, counter.get_total_flops() // 2])
        in_channels = channels
    return found


def record(size: int, in_channels: int, stack: list[tuple[Settings, Pads]], dimensions: int = 2) -> Settings:
    """One row of the table."""
    rows = [row(size, stack[: depth + 1]) for depth in range(len(stack))]
    pixels, maps = run(size, stack)
    seen = read(pixels, maps.sum())
    middle = maps.shape[-1] // 2
    found = costs(in_channels, stack, [size, *(int(sizes[0]) for sizes in rows)], dimensions)
    return {
        "setting": {
            "dimensions": dimensions,
            "input_size": size,
            "in_channels": in_channels,
            "layers": [settings for settings, _ in stack],
        },
        "rows": [sizes + cost for sizes, cost in zip(rows, found, strict=True)],
        "unread": [pixel for pixel in range(size) if pixel not in seen],
        "middle": read(pixels, maps[0, 0, middle]),
    }


if __name__ == "__main__":
    found = [record(*each) for each in STACKS] + [record(*each, dimensions=1) for each in SIGNALS]
    table = [json.dumps(each, separators=(",", ":")) for each in found]
    TARGET.write_text("[\n" + ",\n".join(table) + "\n]\n", encoding="utf-8")
