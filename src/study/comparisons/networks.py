"""The networks of the experiments, and what of them may explain a difference."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pandas.io.formats.style import Styler
from torch import nn

from helpers.anatomy import anatomy
from helpers.models import IMAGE_SIZE
from study.experiments.catalog import find


def network(variant: str) -> nn.Module:
    """The untrained network of "experiment/variant".

    Raises:
        ValueError: if there is no such variant.
    """
    experiment, _, name = variant.partition("/")
    builders = {each.name: each.build for each in find(experiment).variants}
    if name not in builders:
        raise ValueError(f"variant must be one of {', '.join(builders)} of {experiment}, got {variant!r}")
    return builders[name]()


def layer_table(variant: str) -> pd.DataFrame:
    """The network of "experiment/variant" layer by layer, for an image of 28 by 28 pixels."""
    return anatomy(network(variant), IMAGE_SIZE)


def network_facts(names: Mapping[str, str]) -> pd.DataFrame:
    """What may explain a difference between networks, a row each.

    Args:
        names: by "experiment/variant" what to call it.

    Returns:
        Columns network, parameters, MACs, last map, receptive field and pixels never read. The last three are
        about the last convolution or pooling.

    >>> network_facts({"mnist/s2-valid": "(2, valid)"})["pixels never read"].tolist()
    [343]
    """
    rows = []
    for variant, name in names.items():
        table = layer_table(variant)
        windows = table[table.kernel_size.notna() & (table.name != "average")]
        last = windows.iloc[-1]
        rows.append(
            {
                "network": name,
                "parameters": table.parameters.sum(),
                "MACs": table.macs.sum(),
                "last map": "x".join(map(str, last.output_shape[2:])),
                "receptive field": last.receptive_field[0],
                "pixels never read": last.pixels_unread,
            }
        )
    return pd.DataFrame(rows)


def network_table(names: Mapping[str, str]) -> Styler:
    """`network_facts` as a page shows it."""
    return network_facts(names).style.format(thousands=",").hide()


def ink_unread(image: ArrayLike, lines: Sequence[int]) -> float:
    """Share of an image's ink that stands in rows and columns which a network never reads.

    Args:
        image: shape (size, size), 0 where there is no ink.
        lines: indices of these rows, and of these columns.

    >>> ink_unread([[1, 1], [1, 1]], [1])
    0.75
    """
    pixels = np.asarray(image)
    unread = list(lines)
    kept = np.delete(np.delete(pixels, unread, axis=0), unread, axis=1)
    return float(1 - kept.sum() / pixels.sum())
