"""Records what torch computes at a few settings of the feature map explorer.

    .venv/bin/python tests/golden/record_maps.py

It writes maps.json beside itself, which holds the arithmetic of Python and of the browser to the same
numbers. The pads are typed here, as TensorFlow documents them. torch gives the maps, and the gradient of a
sum says which pixels are read, since every weight counts 1 there.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

from helpers.widgets.setting import image_cells

TARGET = Path(__file__).with_name("maps.json")
TENTHS = [[0.1, -0.2, 0.3], [-0.4, 0.5, -0.6], [0.7, -0.8, 0.9]]
EDGES = [[1, 0, -1]] * 3
MEAN = [[0.25, 0.25], [0.25, 0.25]]
IMAGES = {name: image_cells(name, 7, 7) for name in ("digits", "seven")} | {
    "wide": image_cells("counting", 5, 8),
    "even": image_cells("digits", 8, 8),
}
CASES = [  # image, filters as (weights, bias), stride, padding, ReLU, ((top, bottom), (left, right))
    ("digits", [(EDGES, 0)], 1, 0, False, ((0, 0), (0, 0))),
    ("digits", [(EDGES, 0), (TENTHS, -1.5)], 2, 1, True, ((1, 1), (1, 1))),
    ("seven", [(TENTHS, 0.25)], 2, "same", False, ((1, 1), (1, 1))),
    ("even", [(TENTHS, 0), (EDGES, 3)], 2, "same", True, ((0, 1), (0, 1))),
    ("even", [(MEAN, 0)], 1, "same", False, ((0, 1), (0, 1))),
    ("even", [(MEAN, -4)], 3, "valid", True, ((0, 0), (0, 0))),
    ("wide", [([[1, -1, 2, 0]], 0)], 2, "same", False, ((0, 0), (1, 1))),
    ("wide", [([[2], [1]], 0.5)], 5, 0, False, ((0, 0), (0, 0))),
    ("wide", [(TENTHS, 0)], 8, 6, False, ((6, 6), (6, 6))),
    ("seven", [([[-2]], 1)], 4, "same", True, ((0, 0), (0, 0))),
]


def record(image: str, filters: list, stride: int, padding: int | str, relu: bool, pads: tuple) -> dict:
    """One row of the table."""
    (top, bottom), (left, right) = pads
    pixels = torch.tensor(IMAGES[image], dtype=torch.float64, requires_grad=True)
    padded = F.pad(pixels[None, None], (left, right, top, bottom))
    weight = torch.tensor([weights for weights, _ in filters], dtype=torch.float64)[:, None]
    bias = torch.tensor([bias for _, bias in filters], dtype=torch.float64)
    maps = F.conv2d(padded, weight, bias, stride=stride)[0].detach()
    F.conv2d(padded, torch.ones_like(weight[:1]), stride=stride).sum().backward()
    assert pixels.grad is not None
    return {
        "setting": {
            "image": IMAGES[image],
            "filters": [
                {"name": f"filter {place}", "weights": weights, "bias": bias}
                for place, (weights, bias) in enumerate(filters)
            ],
            "stride": stride,
            "padding": padding,
            "relu": relu,
        },
        "pads": pads,
        "unread": int((pixels.grad == 0).sum()),
        "maps": [
            [[round(value, 10) for value in row] for row in each]
            for each in (maps.relu() if relu else maps).tolist()
        ],
    }


if __name__ == "__main__":
    rows = [json.dumps(record(*case), separators=(",", ":")) for case in CASES]
    TARGET.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")
