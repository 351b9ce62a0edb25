"""Measurements on untrained networks for the literature's claims in chapter 13; they need no run."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from helpers.data import stand_in
from study.experiments.catalog import find
from study.experiments.measurements import Trained, position_read_out
from study.experiments.preparation import Splits
from study.experiments.runs import untrained


def changes_by_shift(variant: str, *, steps: int = 8, seed: int = 0) -> NDArray[np.float64]:
    """How much the logits of an untrained network of `small-shifts` change when its image is shifted.

    Args:
        variant: "stride", "polyphase", "blur" or "max".
        steps: the image, of noise, is shifted by 0 to steps - 1 pixels on both axes, and wraps around.
        seed: of the image and the network.

    Returns:
        The largest change of a logit for each shift except (0, 0), in per cent of the largest logit, shape
        (steps ** 2 - 1,).
    """
    model = untrained(find("small-shifts").variant(variant), seed).double().eval()
    image = torch.rand((28, 28), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    shifts = [(down, right) for down in range(steps) for right in range(steps)]
    with torch.inference_mode():
        logits = model(torch.stack([image.roll(shift, (0, 1)) for shift in shifts]).unsqueeze(1))
    changed = (logits[1:] - logits[0]).abs().amax(dim=1) / logits[0].abs().max()
    values: NDArray[np.float64] = 100 * changed.numpy()
    return values


def places_told(variant: str, *, seeds: Sequence[int], images: int = 200) -> NDArray[np.float64]:
    """How well row and column can be predicted from the maps of untrained networks of `small-padding`.

    Args:
        variant: such as "zeros" or "valid".
        seeds: seeds of the networks.
        images: number of noise images to show them.

    Returns:
        R-squared of `position_read_out` for each seed, in per cent, shape (seeds,).
    """
    drawn = stand_in("fashion-mnist", split="test", size=1)
    splits = Splits(drawn, drawn, drawn)  # the read-out uses the size of an image only
    told = []
    for seed in seeds:
        model = untrained(find("small-padding").variant(variant), seed)
        trained = Trained(model=model, untrained=lambda: model, splits=splits, unchanged=splits)  # noqa: B023
        told.append(100 * position_read_out(trained, images=images)["position"])
    return np.array(told)
