"""Records what torch computes of a few networks that the page's engine can build.

    .venv/bin/python tests/golden/record_engine.py

It writes engine.json beside itself: for each network its weights, images and labels, the numbers for each
class, every gradient of the mean loss, and the weights after ten steps of Adam on two batches in turn. torch
computes all of it in float64.
"""

import json
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TARGET = Path(__file__).with_name("engine.json")
IMAGES, CLASSES, STEPS = 6, 4, 10
POOL = {"kind": "pooling"}


def convolution(filters: int, size: int, stride: int, pads: list, **more: object) -> dict:
    """The settings of one convolution, as the engine takes them."""
    setting = {"kind": "convolution", "filters": filters, "kernel_size": size, "stride": stride, "pads": pads}
    return setting | {"dilation": 1, "relu": True} | more


NO_PADS = [[0, 0], [0, 0]]
DENSE = {"kind": "dense", "classes": CLASSES}
CASES = {  # shape of the images (channels, height, width), layers
    "plain": (
        [1, 8, 8],
        [convolution(4, 3, 1, [[1, 1], [1, 1]]), POOL, convolution(5, 3, 1, NO_PADS), DENSE],
    ),
    "strides": (
        [2, 9, 8],
        [convolution(3, 3, 2, [[0, 1], [1, 0]]), convolution(6, 2, 3, [[0, 1], [2, 0]]), DENSE],
    ),
    "dilated": (
        [1, 11, 10],
        [
            convolution(5, 3, 1, [[2, 2], [1, 3]], dilation=2),
            POOL,
            convolution(4, 2, 2, NO_PADS, dilation=2),
            DENSE,
        ],
    ),
    "linear": ([3, 5, 7], [convolution(2, 1, 1, NO_PADS, relu=False), POOL, DENSE]),
    "wide": ([1, 7, 7], [convolution(9, 5, 2, [[2, 2], [2, 2]]), POOL, POOL, DENSE]),
}


class Padded(nn.Module):
    """A convolution with a padding of its own on each side, then ReLU if there is one."""

    def __init__(self, channels: int, setting: dict) -> None:
        super().__init__()
        (top, bottom), (left, right) = setting["pads"]
        self.pads, self.relu = (left, right, top, bottom), setting["relu"]
        self.inner = nn.Conv2d(
            channels,
            setting["filters"],
            setting["kernel_size"],
            setting["stride"],
            dilation=setting["dilation"],
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (N, C, H, W) in, maps out."""
        sums = self.inner(F.pad(maps, self.pads))
        return sums.relu() if self.relu else sums


def network(shape: list, settings: list) -> nn.Sequential:
    """The same layers in torch, in float64."""
    layers: list[nn.Module] = []
    maps = torch.zeros(1, *shape)
    for setting in settings:
        if setting["kind"] == "convolution":
            layers.append(Padded(maps.shape[1], setting))
        elif setting["kind"] == "pooling":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Flatten(), nn.Linear(maps.numel(), setting["classes"])]
        with torch.no_grad():
            maps = nn.Sequential(*layers)(torch.zeros(1, *shape))
    return nn.Sequential(*layers).double()


def flat(tensors: list) -> list:
    """All numbers of each tensor, to nine digits."""
    return [[float(f"{value:.9g}") for value in each.flatten().tolist()] for each in tensors]


def record(shape: list, settings: list) -> dict:
    """One row of the table."""
    torch.manual_seed(len(settings) + shape[1])
    model = network(shape, settings)
    with torch.no_grad():
        for parameter in model.parameters():  # as float32 has them
            parameter.copy_(parameter.float())
    images = torch.rand(IMAGES, *shape).mul(255).round().div(255).float().double()
    labels = torch.randint(0, CLASSES, (IMAGES,))
    row = {"shape": shape, "settings": settings, "images": flat(list(images)), "labels": labels.tolist()}
    row["weights"] = flat(list(model.parameters()))
    input = images.requires_grad_()
    scores = model(input)
    loss = F.cross_entropy(scores, labels)
    loss.backward()
    row |= {"scores": flat(list(scores.detach())), "loss": loss.item()}
    row["gradients"] = flat([parameter.grad for parameter in model.parameters()])
    row["image_gradient"] = flat([torch.autograd.grad(model(input)[0].max(), input)[0][0]])[0]
    adam = torch.optim.Adam(model.parameters(), lr=0.01, eps=1e-7)
    halves = [slice(*ends) for ends in pairwise((0, IMAGES // 2, IMAGES))]
    losses = []
    for step in range(STEPS):
        adam.zero_grad()
        half = halves[step % 2]
        loss = F.cross_entropy(model(images.detach()[half]), labels[half])
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return row | {"losses": losses, "trained": flat(list(model.parameters()))}


if __name__ == "__main__":
    rows = [json.dumps({"name": name} | record(*case), separators=(",", ":")) for name, case in CASES.items()]
    TARGET.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")
