"""Records what torch finds out about a few stacks of layers.

    .venv/bin/python tests/golden/record_stacks.py

It writes stacks.json beside itself, which holds the arithmetic of Python and of the browser to the same
numbers. The pads are typed here, as the frameworks document them. The rest is found by asking: torch says the
sizes, the parameters and the multiplications; the pixels on which a unit depends are those by which its
derivative is not zero. Where the image ends cannot be told from that, so `start`, the field and the jump are
measured on an image with so much room on each side that no padding comes into view.
"""

import json
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


POOL = layer(2, stride=2)
STACKS = [  # pixels along each axis, channels of the image, layers
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
]


def run(size: int, stack: list[tuple[Settings, Pads]], room: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """One axis, with room beside it, through the stack with all weights 1: the pixels and the last map."""
    pixels = torch.zeros(1, 1, size + 2 * room, dtype=torch.float64, requires_grad=True)
    maps: torch.Tensor = pixels
    for settings, pads in stack:
        ones = torch.ones(1, 1, settings["kernel_size"], dtype=torch.float64)
        window = {name: settings.get(name, 1) for name in ("stride", "dilation")}
        maps = F.conv1d(F.pad(maps, pads), ones, **window)
    return pixels, maps


def read(pixels: torch.Tensor, answer: torch.Tensor) -> list[int]:
    """The pixels on which an answer depends."""
    (slope,) = torch.autograd.grad(answer, pixels, retain_graph=True)
    return slope[0, 0].nonzero().ravel().tolist()


def row(size: int, stack: list[tuple[Settings, Pads]]) -> list[int]:
    """Size, jump, receptive field and start of the last map."""
    _, maps = run(size, stack)
    step = 1
    for settings, _ in stack:
        step *= settings.get("stride", 1)
    room = ROOM * step  # whole jumps, so that each unit keeps its place
    pixels, wide = run(size, stack, room)
    first, second = (read(pixels, wide[0, 0, ROOM + unit]) for unit in (0, 1))
    return [maps.shape[-1], second[0] - first[0], first[-1] - first[0] + 1, first[0] - room]


def costs(in_channels: int, stack: list[tuple[Settings, Pads]], sizes: list[int]) -> list[list[int]]:
    """Parameters of each layer, and the multiplications of one image."""
    found = []
    for (settings, _), size in zip(stack, sizes, strict=True):
        is_depthwise = settings.get("depthwise", False)
        channels = in_channels if is_depthwise else settings.get("channels")
        if channels is None:
            found.append([0, 0])
            continue
        groups, bias = in_channels if is_depthwise else 1, settings.get("bias", True)
        module = nn.Conv2d(in_channels, channels, settings["kernel_size"], groups=groups, bias=bias)
        side = size + settings["kernel_size"] - 1  # what a plain convolution needs for that many stops
        with FlopCounterMode(display=False) as counter:
            module(torch.zeros(1, in_channels, side, side))
        learned = sum(parameter.numel() for parameter in module.parameters())
        found.append([learned, counter.get_total_flops() // 2])
        in_channels = channels
    return found


def record(size: int, in_channels: int, stack: list[tuple[Settings, Pads]]) -> Settings:
    """One row of the table."""
    rows = [row(size, stack[: depth + 1]) for depth in range(len(stack))]
    pixels, maps = run(size, stack)
    seen = read(pixels, maps.sum())
    middle = maps.shape[-1] // 2
    return {
        "setting": {
            "input_size": size,
            "in_channels": in_channels,
            "layers": [settings for settings, _ in stack],
        },
        "rows": [
            sizes + cost
            for sizes, cost in zip(rows, costs(in_channels, stack, [r[0] for r in rows]), strict=True)
        ],
        "unread": [pixel for pixel in range(size) if pixel not in seen],
        "middle": read(pixels, maps[0, 0, middle]),
    }


if __name__ == "__main__":
    table = [json.dumps(record(*each), separators=(",", ":")) for each in STACKS]
    TARGET.write_text("[\n" + ",\n".join(table) + "\n]\n", encoding="utf-8")
