"""A figure over a slider: drawn beforehand at each value, so that the page needs no Python to move it."""

from __future__ import annotations

import gzip
import html
import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from traitlets import Bunch, List, TraitError, Unicode, validate

from helpers.checks import choice
from helpers.widgets.base import BookWidget
from helpers.widgets.traits import IndexTrait

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CSS_PIXELS_PER_INCH = 96


class FrameDrawing(TypedDict):
    """SVG text or a data URL, and the size in CSS pixels that it is drawn for."""

    source: str
    width: int
    height: int


class Frame(TypedDict):
    """The figure of one value: its text alternative, its drawing, and one for a phone if there is one."""

    alt: str
    wide: FrameDrawing
    narrow: FrameDrawing | None


class Frames(BookWidget, module="frames"):
    """A slider over figures that were drawn beforehand.

    Figures that differ in one setting share most of their text, so they are packed together: ten take the
    room of two or three.

        Frames.of("stride", values=[1, 2, 3], draw=lambda stride: stops_figure(10, stride=stride))

    Args:
        frames: the figure at each position of the slider.
        traits: the attributes.

    Attributes:
        frames: the same, a list.
        name: what the slider sets.
        labels: what the slider says at each position.
        packed: the figures for the browser, as base64 of gzip of JSON.
        index: the position of the slider, counted from 0.

    Raises:
        TraitError: if `index` is no position of the slider.
    """

    name = Unicode().tag(sync=True)
    labels = List(Unicode()).tag(sync=True)
    packed = Unicode(read_only=True).tag(sync=True)
    index = IndexTrait(0).tag(sync=True)

    def __init__(self, frames: Iterable[Frame], **traits: Any) -> None:
        self._frames = list(frames)
        super().__init__(**traits)
        compressed = gzip.compress(json.dumps(self._frames).encode(), mtime=0)  # no time: the same each run
        self.set_trait("packed", b64encode(compressed).decode())

    @classmethod
    def of(
        cls,
        name: str,
        *,
        values: Iterable[Any],
        draw: Callable[[Any], Any],
        alt: Callable[[Any], str] | None = None,
        kind: Literal["svg", "png"] = "svg",
        index: int = 0,
    ) -> Frames:
        """Return a slider over the figures of some values, each drawn now.

        Args:
            name: what the slider sets.
            values: one for each position of the slider, which says their text.
            draw: takes a value and returns a `helpers.plots.Picture`, or a matplotlib figure or axes.
            alt: takes a value and returns what its figure shows, in words; a picture brings its own.
            kind: the format of a matplotlib figure; "png" where it holds thousands of shapes.
            index: the first position of the slider.

        Raises:
            ValueError: if there is no value, a figure has no text alternative, or `kind` is unknown.
            TraitError: if `index` is no position of the slider.
        """
        values = list(values)
        if not values:
            raise ValueError("values must hold at least one value to draw, got none")
        choice("kind", kind, ("svg", "png"))
        frames = [_frame(draw(value), alt(value) if alt else "", kind) for value in values]
        return cls(frames, name=name, labels=[str(value) for value in values], index=index)

    @property
    def frames(self) -> list[Frame]:
        """The figure at each position."""
        return self._frames

    def fallback(self) -> str:
        """The figure at the slider's position."""
        frame = self.frames[self.index]
        wide = frame["wide"]
        return (
            f'<figure class="book-figure"><img src="{html.escape(_address(wide["source"]))}" '
            f'alt="{html.escape(frame["alt"])}" width="{wide["width"]}" height="{wide["height"]}"></figure>'
        )

    @validate("index")
    def _check_index(self, proposal: Bunch) -> Any:
        if not 0 <= proposal["value"] < len(self.labels):
            raise TraitError(f"index must be from 0 to {len(self.labels) - 1}, got {proposal['value']}")
        return proposal["value"]


def _frame(drawn: Any, alt: str, kind: str) -> Frame:
    """Return the frame of a picture, which has a text alternative of its own, or of a matplotlib figure."""
    alt = alt or getattr(drawn, "alt", "")
    if not alt.strip():
        raise ValueError(f"alt must say what each figure shows, for readers who cannot see it, got {alt!r}")
    if hasattr(drawn, "wide"):
        wide, narrow = (
            each and FrameDrawing(source=each.svg, width=each.width, height=each.height)
            for each in (drawn.wide, drawn.narrow)
        )
        return Frame(alt=alt, wide=wide, narrow=narrow)
    figure = drawn if hasattr(drawn, "savefig") else drawn.get_figure(root=True)
    return Frame(alt=alt, wide=_saved(figure, kind), narrow=None)


def _saved(figure: Figure, kind: str) -> FrameDrawing:
    """Return a matplotlib figure in its own size; the same figure gives the same text."""
    from matplotlib import pyplot as plt

    plt.close(figure)  # else the notebook would show it once more
    width, height = (round(inches * _CSS_PIXELS_PER_INCH) for inches in figure.get_size_inches())
    return FrameDrawing(source=_svg(figure) if kind == "svg" else _png(figure), width=width, height=height)


def _svg(figure: Figure) -> str:
    import matplotlib as mpl

    file = StringIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "frames"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    return text[text.index("<svg") :]


def _png(figure: Figure) -> str:
    from PIL import Image

    file, small = BytesIO(), BytesIO()
    figure.savefig(file, format="png", dpi=2 * _CSS_PIXELS_PER_INCH)  # twice: sharp on dense screens
    Image.open(file).convert("RGB").quantize(256).save(small, format="png", optimize=True)
    return f"data:image/png;base64,{b64encode(small.getvalue()).decode()}"


def _address(source: str) -> str:
    """Return the URL of a drawing for an <img>."""
    if not source.startswith("<svg"):
        return source
    return f"data:image/svg+xml;base64,{b64encode(source.encode()).decode()}"
