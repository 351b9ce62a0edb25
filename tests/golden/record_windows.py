"""Records what torch computes at a few settings of the convolution explorer.

    .venv/bin/python tests/golden/record_windows.py

It writes windows.json beside itself, which holds the arithmetic of Python and of the browser to the same
numbers. The pads are typed here, as the frameworks document them. torch gives the output, and the gradient of
its sum says how often each pixel is read, since every weight counts 1 there. Of a transposed convolution the
pads are what is cropped, and the counts are of copies at each pixel of the output: its own output for ones.

Of torch's layers themselves are asked those whose pads torch takes, `output_padding`, `ceil_mode` and
`count_include_pad` among them; of the others, the same layer without padding.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

from helpers.widgets.setting import image_cells, kernel_cells

TARGET = Path(__file__).with_name("windows.json")
PLAIN = {
    "kind": "convolution",
    "image": "digits",
    "input_size": 7,
    "kernel": "vertical edges",
    "kernel_size": 3,
    "stride": 1,
    "dilation": 1,
    "padding": 0,
    "convention": "tensorflow",
    "padding_mode": "zeros",
    "output_padding": 0,
    "ceil_mode": False,
    "count_include_pad": True,
}
GROWN = {"kind": "transposed", "image": "counting", "input_size": 4, "stride": 2}
ONES = {**GROWN, "kernel": "ones"}
MAX = {"kind": "max pooling", "kernel_size": 2, "stride": 2}
MEAN = {"kind": "average pooling", "kernel_size": 3, "stride": 2}
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
    (ONES, ((0, 0), (0, 0))),
    (ONES | {"kernel_size": 4, "padding": 1}, ((1, 1), (1, 1))),
    (ONES | {"padding": 1, "output_padding": 1}, ((1, 0), (1, 0))),
    (ONES | {"kernel_size": 2, "stride": 3, "output_padding": 2}, ((0, 0), (0, 0))),
    (ONES | {"kernel_size": 2, "stride": 3, "padding": 1, "output_padding": 2}, ((1, 0), (1, 0))),
    (GROWN | {"kernel": TENTHS, "image": "digits", "input_size": [3, 5]}, ((0, 0), (0, 0))),
    (GROWN | {"kernel": TENTHS, "stride": 1, "dilation": 2, "output_padding": [0, 1]}, ((0, 0), (0, 0))),
    (GROWN | {"stride": [2, 3], "dilation": [3, 2], "padding": [4, 0]}, ((4, 4), (0, 0))),
    (GROWN | {"padding": "same"}, ((0, 1), (0, 1))),
    (GROWN | {"padding": "same", "convention": "onnx-lower"}, ((1, 0), (1, 0))),
    (GROWN | {"padding": "same", "kernel_size": 2, "stride": 5}, ((0, 0), (0, 0))),
    (GROWN | {"padding": "valid", "kernel_size": 2, "stride": 5}, ((0, 0), (0, 0))),
    (
        ONES | {"padding": "valid", "kernel_size": 2, "stride": 5, "convention": "onnx-lower"},
        ((0, 0), (0, 0)),
    ),
    (GROWN | {"padding": [[1, 0], [0, 2]], "kernel": "horizontal edges"}, ((1, 0), (0, 2))),
    (MAX, ((0, 0), (0, 0))),
    (MAX | {"ceil_mode": True}, ((0, 0), (0, 0))),
    (MAX | {"ceil_mode": True, "input_size": 5, "padding": 1}, ((1, 1), (1, 1))),  # the window in the padding
    (MAX | {"ceil_mode": True, "input_size": 3, "kernel_size": [5, 4], "stride": 3}, ((0, 0), (0, 0))),
    (MAX | {"kernel_size": 3, "padding": 1, "image": "seven", "input_size": 28}, ((1, 1), (1, 1))),
    (MAX | {"kernel_size": 3, "dilation": 2, "stride": 1, "ceil_mode": True, "padding": 1}, ((1, 1), (1, 1))),
    (MAX | {"kernel_size": 3, "padding": "same", "input_size": 8}, ((0, 1), (0, 1))),
    (MEAN, ((0, 0), (0, 0))),
    (MEAN | {"padding": 1}, ((1, 1), (1, 1))),
    (MEAN | {"padding": 1, "count_include_pad": False}, ((1, 1), (1, 1))),
    (MEAN | {"padding": 1, "stride": 3, "ceil_mode": True, "input_size": [6, 8]}, ((1, 1), (1, 1))),
    (
        MEAN | {"padding": [0, 1], "stride": 4, "ceil_mode": True, "count_include_pad": False},
        ((0, 0), (1, 1)),
    ),
    (MEAN | {"padding": "same", "count_include_pad": False, "input_size": 3}, ((1, 1), (1, 1))),
]


def record(changes: dict, pads: tuple) -> dict:
    """One row of the table."""
    setting = PLAIN | changes
    sizes, kernel_sizes = (_pair(setting[name]) for name in ("input_size", "kernel_size"))
    image, kernel = (
        cells(grid, *shape) if isinstance(grid, str) else grid
        for grid, shape, cells in (
            (setting["image"], sizes, image_cells),
            (setting["kernel"], kernel_sizes, kernel_cells),
        )
    )
    pixels, weights = (torch.tensor(grid, dtype=torch.float64) for grid in (image, kernel))
    kind = setting["kind"]
    if kind == "transposed":
        output, reads = (
            grow(setting, pixels, weights, pads),
            grow(setting, torch.ones_like(pixels), torch.ones_like(weights), pads),
        )
    else:
        output = convolve(setting, pixels, weights, pads) if kind == "convolution" else pool(setting, pixels)
        reads = counted(setting, pixels, torch.ones_like(weights), pads, tuple(output.shape))
    return {
        "setting": setting,
        "pads": pads,
        "image": image,
        "kernel": kernel,
        "reads": reads.int().tolist(),
        "output": [[round(value, 10) for value in row] for row in output.tolist()],
    }


def convolve(setting: dict, pixels: torch.Tensor, weights: torch.Tensor, pads: tuple) -> torch.Tensor:
    """The output of a convolution."""
    (top, bottom), (left, right) = pads
    mode = {"zeros": "constant"}.get(setting["padding_mode"], setting["padding_mode"])
    padded = F.pad(pixels[None, None], (left, right, top, bottom), mode=mode)
    window = {name: _pair(setting[name]) for name in ("stride", "dilation")}
    return F.conv2d(padded, weights[None, None], **window)[0, 0]


def grow(setting: dict, pixels: torch.Tensor, weights: torch.Tensor, pads: tuple) -> torch.Tensor:
    """The output of a transposed convolution: torch's own, or all of it before a word's crop."""
    padding = setting["padding"]
    is_torchs = isinstance(padding, int) or isinstance(padding[0], int)
    names = ("stride", "dilation", "output_padding", "padding")
    window = {name: _pair(setting[name]) for name in names[: 3 + is_torchs]}
    whole = F.conv_transpose2d(pixels[None, None], weights[None, None], **window)
    if is_torchs:
        return whole[0, 0]
    for axis, (size, stride) in enumerate(zip(pixels.shape, _pair(setting["stride"]), strict=True)):
        is_short = setting["convention"] == "tensorflow" and isinstance(padding, str)
        missing = size * stride - whole.shape[2 + axis] if is_short else 0  # Keras then adds zeros
        whole = F.pad(whole, (0, 0) * (1 - axis) + (0, max(0, missing)))
    (top, bottom), (left, right) = pads
    return whole[0, 0, top : whole.shape[2] - bottom, left : whole.shape[3] - right]


def pool(setting: dict, pixels: torch.Tensor) -> torch.Tensor:
    """The output of a pooling; TensorFlow's "same", where it pads unevenly, by hand."""
    names = ["kernel_size", "stride"]
    window = {name: _pair(setting[name]) for name in names} | {"ceil_mode": setting["ceil_mode"]}
    padding = setting["padding"]
    image = pixels[None, None]
    if setting["kind"] == "max pooling":
        if padding == "same":
            image, padding = F.pad(image, (0, 1, 0, 1), value=-torch.inf), 0
        return F.max_pool2d(image, **window, padding=_pair(padding), dilation=_pair(setting["dilation"]))[
            0, 0
        ]
    padding = 1 if padding == "same" else padding
    include = setting["count_include_pad"]
    return F.avg_pool2d(image, **window, padding=_pair(padding), count_include_pad=include)[0, 0]


def counted(
    setting: dict, pixels: torch.Tensor, ones: torch.Tensor, pads: tuple, shape: tuple[int, int]
) -> torch.Tensor:
    """How many of the output's windows read each pixel."""
    pixels = pixels.clone().requires_grad_()
    (top, bottom), (left, right) = pads
    room = 16  # for windows that hang over the end; those that begin there are left out below
    padded = F.pad(pixels[None, None], (left, right + room, top, bottom + room))
    window = {name: _pair(setting[name]) for name in ("stride", "dilation")}
    F.conv2d(padded, ones[None, None], **window)[0, 0, : shape[0], : shape[1]].sum().backward()
    assert pixels.grad is not None
    return pixels.grad


def _pair(value: int | list[int]) -> list[int]:
    return value if isinstance(value, list) else [value, value]


if __name__ == "__main__":
    rows = [json.dumps(record(*each), separators=(",", ":")) for each in SETTINGS]
    TARGET.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")
