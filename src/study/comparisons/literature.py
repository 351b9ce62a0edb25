"""What chapter 17 computes of the literature's claims: no run is needed for these."""

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
    """How far the logits of an untrained network of `small-shifts` change when its image is moved.

    Args:
        variant: "stride", "polyphase", "blur" or "max".
        steps: the image, of noise, is moved by 0 to steps - 1 pixels on both axes, and wraps around.
        seed: of the image and the network.

    Returns:
        The largest change among the logits for each shift but none, in per cent of the largest logit,
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
    """How much of row and column can be read out of untrained networks of `small-padding`, in per cent.

    Args:
        variant: such as "zeros" or "valid".
        seeds: of the networks.
        images: of noise that they are shown.

    Returns:
        The share of the variance explained on images that the read-out was not fitted on, for each seed.
    """
    drawn = stand_in("fashion-mnist", split="test", size=1)
    splits = Splits(drawn, drawn, drawn)  # of which the read-out takes the size of an image and no more
    told = []
    for seed in seeds:
        model = untrained(find("small-padding").variant(variant), seed)
        trained = Trained(model=model, untrained=lambda: model, splits=splits, unchanged=splits)  # noqa: B023
        told.append(100 * position_read_out(trained, images=images)["position"])
    return np.array(told)
