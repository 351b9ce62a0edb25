"""Records what torch computes at a few settings of the convolution explorer.

    .venv/bin/python tests/golden/record_windows.py

It writes windows.json beside itself, which holds the arithmetic of Python and of the browser to the same
numbers. The pads are typed here, as the frameworks document them. torch gives the output, and the gradient of
its sum says how often each pixel is read, since every weight counts 1 there.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

from helpers.widgets.setting import image_cells, kernel_cells

TARGET = Path(__file__).with_name("windows.json")
PLAIN = {
    "image": "digits",
    "input_size": 7,
    "kernel": "vertical edges",
    "kernel_size": 3,
    "stride": 1,
    "dilation": 1,
    "padding": 0,
    "convention": "tensorflow",
    "padding_mode": "zeros",
}
TENTHS = [[0.1, -0.2, 0.3], [-0.4, 0.5, -0.6], [0.7, -0.8, 0.9]]
SETTINGS = [  # what differs from the above, and ((top, bottom), (left, right))
    ({}, ((0, 0), (0, 0))),
    ({"stride": 2, "kernel": TENTHS}, ((0, 0), (0, 0))),
    ({"image": "counting", "input_size": 5, "kernel": "ones", "padding": 1, "stride": 2}, ((1, 1), (1, 1))),
    ({"image": "counting", "input_size": 4, "stride": 4}, ((0, 0), (0, 0))),
    ({"image": "counting", "input_size": 4, "stride": 2, "padding": 1}, ((1, 1), (1, 1))),
    ({"image": "seven", "input_size": 28, "stride": 2, "padding": "same"}, ((0, 1), (0, 1))),
    ({"image": "edge", "input_size": 27, "stride": 2, "padding": "same"}, ((1, 1), (1, 1))),
    ({"input_size": 28, "stride": 2, "padding": "same", "convention": "onnx-lower"}, ((1, 0), (1, 0))),
    ({"padding": "same", "convention": "pytorch", "kernel_size": 4}, ((1, 2), (1, 2))),
    ({"padding": "same", "dilation": 2, "kernel": "outline"}, ((2, 2), (2, 2))),
    ({"padding": "same", "kernel_size": 1, "stride": 3, "kernel": "identity"}, ((0, 0), (0, 0))),
    ({"padding": "full", "input_size": 4, "dilation": 2, "kernel": "mean"}, ((4, 4), (4, 4))),
    ({"padding": "valid", "stride": [1, 3], "kernel_size": [2, 3], "kernel": "mean"}, ((0, 0), (0, 0))),
    ({"padding": [0, 2], "input_size": [5, 8], "dilation": [2, 1]}, ((0, 0), (2, 2))),
    ({"padding": [[1, 0], [3, 2]], "stride": [3, 2], "kernel": "horizontal edges"}, ((1, 0), (3, 2))),
    ({"padding": 3, "padding_mode": "reflect", "input_size": 4, "image": "counting"}, ((3, 3), (3, 3))),
    ({"padding": 5, "padding_mode": "replicate", "input_size": 3, "stride": 2}, ((5, 5), (5, 5))),
    ({"padding": [[0, 4], [4, 1]], "padding_mode": "circular", "input_size": 4}, ((0, 4), (4, 1))),
    ({"image": "dot", "input_size": [3, 6], "kernel_size": [3, 2], "padding": 1}, ((1, 1), (1, 1))),
    ({"input_size": 32, "kernel_size": 11, "kernel": "ones", "stride": 4, "padding": 2}, ((2, 2), (2, 2))),
]


def record(changes: dict, pads: tuple) -> dict:
    """One row of the table."""
    setting = PLAIN | changes
    sizes, kernel_sizes, stride, dilation = (
        _pair(setting[name]) for name in ("input_size", "kernel_size", "stride", "dilation")
    )
    image, kernel = (
        cells(grid, *shape) if isinstance(grid, str) else grid
        for grid, shape, cells in (
            (setting["image"], sizes, image_cells),
            (setting["kernel"], kernel_sizes, kernel_cells),
        )
    )
    mode = {"zeros": "constant"}.get(setting["padding_mode"], setting["padding_mode"])
    (top, bottom), (left, right) = pads

    def convolve(pixels: torch.Tensor, weights: torch.Tensor, mode: str) -> torch.Tensor:
        padded = F.pad(pixels[None, None], (left, right, top, bottom), mode=mode)
        return F.conv2d(padded, weights[None, None], stride=stride, dilation=dilation)[0, 0]

    pixels, weights = (torch.tensor(grid, dtype=torch.float64) for grid in (image, kernel))
    output = convolve(pixels, weights, mode)
    pixels.requires_grad_()
    convolve(pixels, torch.ones_like(weights), "constant").sum().backward()
    assert pixels.grad is not None
    return {
        "setting": setting,
        "pads": pads,
        "image": image,
        "kernel": kernel,
        "reads": pixels.grad.int().tolist(),
        "output": [[round(value, 10) for value in row] for row in output.tolist()],
    }


def _pair(value: int | list[int]) -> list[int]:
    return value if isinstance(value, list) else [value, value]


if __name__ == "__main__":
    rows = [json.dumps(record(*each), separators=(",", ":")) for each in SETTINGS]
    TARGET.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")
