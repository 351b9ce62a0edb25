"""What a layer puts out: its maps side by side."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from helpers.plots.cells import frame, shade_key
from helpers.plots.grids import BLUES, paint
from helpers.plots.layout import figure
from helpers.plots.picture import Picture
from helpers.plots.words import number


def feature_maps(
    maps: ArrayLike, *, labels: Sequence[str] | None = None, shared: bool = True, caption: str | None = None
) -> Picture:
    """Draw feature maps side by side: the higher the value, the darker.

    Args:
        maps: the maps, (N, H, W).
        labels: what stands above each; by default "map 0" and so on.
        shared: one scale for all maps; otherwise each map has its own, and says its range.
        caption: a line below the figure.

    Raises:
        TypeError: if the maps do not hold numbers.
        ValueError: if there is no map, they are not (N, H, W), not finite, or not as many as the labels.
    """
    maps = np.asarray(maps)
    if maps.ndim != 3 or maps.size == 0:
        raise ValueError(f"maps must be (N, H, W) and not empty, got shape {maps.shape}")
    if maps.dtype.kind not in "iuf":
        raise TypeError(f"maps must hold integers or real numbers, got dtype {maps.dtype}")
    if not np.isfinite(maps).all():
        raise ValueError("maps must be finite to have a shade, got NaN or infinity")
    names = [f"map {place}" for place in range(len(maps))] if labels is None else list(labels)
    if len(names) != len(maps):
        raise ValueError(f"labels must name each of the {len(maps)} maps, got {len(names)}: {names}")
    limits = (float(maps.min()), float(maps.max())) if shared else None
    panels = [
        partial(_draw, values=values, name=name, limits=limits)
        for values, name in zip(maps, names, strict=True)
    ]
    return figure(*panels, alt=_describe(maps, names, shared=shared), caption=caption)


def _draw(ax: Axes, *, values: NDArray[np.float64], name: str, limits: tuple[float, float] | None) -> None:
    paint(ax, values, BLUES.deep, limits, ruled=False)
    frame(ax, (0, values.shape[0]), (0, values.shape[1]), ticks=False)
    ax.set_title(name if limits else f"{name}\n{_range(values)}")
    if limits:
        shade_key(ax, BLUES.deep(0.0), number(limits[0]))
        shade_key(ax, BLUES.deep(1.0), number(limits[1]))


def _describe(maps: NDArray[np.float64], names: Sequence[str], *, shared: bool) -> str:
    scale = f"on one scale from {_range(maps)}" if shared else "each on its own scale"
    told = (
        f"{name}: {_range(values)}, mean {number(values.mean())}"
        for name, values in zip(names, maps, strict=True)
    )
    return f"{len(maps)} maps of {maps.shape[1]} by {maps.shape[2]} values, {scale}. {'; '.join(told)}."


def _range(values: NDArray[np.float64]) -> str:
    return f"{number(values.min())} to {number(values.max())}"
