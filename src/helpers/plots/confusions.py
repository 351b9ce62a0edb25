"""Confusion matrices, and the difference of two."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize, PowerNorm
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from helpers.plots.cells import NUMBER, TOLD, mix
from helpers.plots.grids import BLUES
from helpers.plots.picture import Panel
from helpers.plots.style import color, points
from helpers.plots.words import counted, sentence

_SIGNED = LinearSegmentedColormap.from_list(
    "signed", [mix("window", 0.7), mix("window", 0), mix("output", 0.7)]
)
_SAID = 5  # how many of the largest errors the text alternative names


def confusion(counts: ArrayLike, *, classes: Sequence[str], per: int = 100, title: str = "") -> Panel:
    """Draw a confusion matrix; each cell holds how many of `per` images of its true class were predicted so.

    Cells that round to zero are left blank. Shades grow with the square root, so that errors show. The text
    alternative gives the recall of each class, and the most frequent errors.

    Args:
        counts: images of each true class (rows) by predicted class (columns); it may be a sum over runs.
        classes: names of the classes.
        per: 100 for percent; 1000 where the errors are rare.
        title: the title above the panel.

    Raises:
        ValueError: if the counts are not square, not finite, negative, or none for a class, or the names
            are not as many.

    >>> confusion([[9, 1], [0, 10]], classes=["cat", "dog"]).alt
    'Of 100 images of each class, right: cat 90, dog 100. Most frequent errors: cat taken for dog, 10.'
    """
    rates = _rates(counts, classes, per)
    texts = [[f"{rate:.0f}" if round(rate) else "" for rate in row] for row in rates]

    def draw(ax: Axes) -> None:
        _draw(ax, rates, texts, classes, title, cmap=BLUES.numbered, norm=PowerNorm(0.5, vmin=0, vmax=per))

    def describe() -> str:
        right = ", ".join(f"{name} {rate:.0f}" for name, rate in zip(classes, rates.diagonal(), strict=True))
        errors = [f"{pair}, {rate:.0f}" for pair, rate in _largest(rates, classes)]
        told = f"Most frequent errors: {'; '.join(errors)}." if errors else "No error rounds to one."
        return f"Of {per} images of each class, right: {right}. {told}"

    return Panel(draw, describe, title)


def confusion_difference(
    difference: ArrayLike,
    *,
    classes: Sequence[str],
    told: ArrayLike | None = None,
    per: int = 100,
    title: str = "",
) -> Panel:
    """Draw how two confusion matrices differ, with signs: blue is more, orange less.

    More is better on the diagonal, worse elsewhere. Cells that round to zero are left blank.

    Args:
        difference: first minus second, in images of each true class out of `per`, (classes, classes).
        classes: names of the classes.
        told: whether each cell's difference is significant, (classes, classes); such cells are outlined.
        per: 100 for points; 1000 for per thousand.
        title: the title above the panel.

    Raises:
        ValueError: if the difference is not square or not finite, or names or marks are not as many.

    >>> confusion_difference([[10, -10], [0, 0]], classes=["cat", "dog"]).alt
    'Change, of 100 images of each class. Right: cat +10, dog 0. Errors: cat taken for dog, −10.'
    """
    change, marks = _differences(difference, classes, told)

    def draw(ax: Axes) -> None:
        texts = [[_signed(rate) for rate in row] for row in change]
        most = max(1.0, float(np.abs(change).max()))
        _draw(ax, change, texts, classes, title, cmap=_SIGNED, norm=Normalize(-most, most))
        for row, column in np.argwhere(marks):
            box = Rectangle((column, row), 1, 1, fill=False, edgecolor=color("ink"), label=TOLD)
            ax.add_patch(box).set(linewidth=points(2), zorder=5, clip_on=False)

    def describe() -> str:
        diagonal = zip(classes, change.diagonal(), strict=True)
        right = ", ".join(f"{name} {_signed(rate) or 0}" for name, rate in diagonal)
        errors = [f"{pair}, {_signed(rate)}" for pair, rate in _largest(change, classes)]
        largest = f"Errors: {'; '.join(errors)}." if errors else "No error changes by one."
        outlined = "" if told is None else " " + sentence(f"{counted(int(marks.sum()), 'cell')} {TOLD}")
        return f"Change, of {per} images of each class. Right: {right}. {largest}{outlined}"

    return Panel(draw, describe, title)


def _draw(
    ax: Axes,
    values: NDArray[np.float64],
    texts: list[list[str]],
    classes: Sequence[str],
    title: str,
    *,
    cmap: Any,
    norm: Normalize,
) -> None:
    import seaborn  # takes seconds to import, and few pages hold such a matrix

    seaborn.heatmap(
        values,
        ax=ax,
        cmap=cmap,
        norm=norm,
        annot=np.array(texts),
        fmt="",
        annot_kws={"color": color("ink"), "label": NUMBER},
        cbar=False,
        square=True,
        linewidths=points(1),
        linecolor=color("paper"),
        xticklabels=list(classes),
        yticklabels=list(classes),
    )
    ax.tick_params(length=0, bottom=False, labelbottom=False, labeltop=True, pad=3)
    ax.tick_params(axis="x", labelrotation=90 if max(map(len, classes)) > 2 else 0)
    ax.tick_params(axis="y", labelrotation=0)
    ax.xaxis.set_label_position("top")
    ax.set(xlabel="predicted", ylabel="true", title=title)


def _rates(counts: ArrayLike, classes: Sequence[str], per: int) -> NDArray[np.float64]:
    """How many of `per` images of each true class were predicted as each class."""
    images = _square("counts", counts, classes)
    if not (images >= 0).all():
        raise ValueError(f"counts must be zero or more, got {images.min()}")
    totals = images.sum(axis=1, keepdims=True)  # (classes, 1)
    if not totals.all():
        missing = classes[int(totals.argmin())]
        raise ValueError(f"counts must hold an image of each class, got none of {missing!r}")
    rates: NDArray[np.float64] = per * images / totals
    return rates


def _differences(
    difference: ArrayLike, classes: Sequence[str], told: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    change = _square("difference", difference, classes)
    marks = np.zeros(change.shape, np.bool_) if told is None else np.asarray(told, np.bool_)
    if marks.shape != change.shape:
        raise ValueError(f"told must mark each cell of shape {change.shape}, got shape {marks.shape}")
    return change, marks


def _square(name: str, values: ArrayLike, classes: Sequence[str]) -> NDArray[np.float64]:
    cells = np.asarray(values, dtype=np.float64)
    if cells.ndim != 2 or cells.shape[0] != cells.shape[1] or cells.size == 0:
        raise ValueError(f"{name} must be square, true by predicted class, got shape {cells.shape}")
    if not np.isfinite(cells).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    if len(classes) != len(cells):
        raise ValueError(f"classes must name each of the {len(cells)} classes, got {len(classes)}")
    return cells


def _largest(rates: NDArray[np.float64], classes: Sequence[str]) -> list[tuple[str, float]]:
    """The largest cells off the diagonal that do not round to zero, each in words and with its value."""
    errors = rates - np.diag(rates.diagonal())
    order = np.argsort(-np.abs(errors), axis=None, kind="stable")[:_SAID]
    cells = [divmod(int(flat), len(errors)) for flat in order]
    return [
        (f"{classes[true]} taken for {classes[predicted]}", float(errors[true, predicted]))
        for true, predicted in cells
        if round(float(errors[true, predicted]))
    ]


def _signed(rate: float) -> str:
    """A whole number with its sign, as cells show it; nothing for zero."""
    return f"{rate:+.0f}".replace("-", "−") if round(rate) else ""
