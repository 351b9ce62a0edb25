"""A figure over a slider: drawn beforehand at each value, so that the page needs no Python to move it."""

from __future__ import annotations

import gzip
import html
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from traitlets import Bunch, Int, List, TraitError, Unicode, validate

from helpers.widgets.base import BookWidget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CSS_PIXELS_PER_INCH = 96


class Drawing(TypedDict):
    """SVG text or the address of an image, and the size in CSS pixels that it is drawn for."""

    source: str
    width: int
    height: int


class Frame(TypedDict):
    """One value's figure: its text alternative, its drawing, and the one for a phone if there is one."""

    alt: str
    wide: Drawing
    narrow: Drawing | None


class Frames(BookWidget, module="frames"):
    """A slider over figures that were drawn beforehand.

    Figures that differ in one setting share most of their text, so they are packed together: ten take the
    room of two or three.

        Frames.of("stride", values=[1, 2, 3], draw=lambda stride: stops_figure(10, stride=stride))

    Attributes:
        name: what the slider sets.
        labels: what it says at each position.
        packed: the figures, as JSON under gzip under base64; `frames` unpacks them.
        index: its position, counted from 0.

    Raises:
        TraitError: if `index` is no position of the slider.
    """

    name = Unicode().tag(sync=True)
    labels = List(Unicode()).tag(sync=True)
    packed = Unicode().tag(sync=True)
    index = Int(0).tag(sync=True)

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
        """Draw a figure for each value.

        Args:
            name: what the slider sets.
            values: one for each position; their text is what the slider says.
            draw: takes a value and returns a `helpers.plots.Picture`, or a matplotlib figure or axes.
            alt: takes a value and returns what its figure shows, in words; a picture brings its own.
            kind: how a matplotlib figure is kept; "png" where it holds thousands of shapes.
            index: where the slider stands at first.

        Raises:
            ValueError: if there is no value, a figure has no text alternative, or `kind` is unknown.
            TraitError: if `index` is no position of the slider.
        """
        values = list(values)
        if not values:
            raise ValueError("values must hold at least one value to draw, got none")
        if kind not in ("svg", "png"):
            raise ValueError(f"kind must be 'svg' or 'png', got {kind!r}")
        frames = [_frame(draw(value), alt(value) if alt else "", kind) for value in values]
        packed = b64encode(gzip.compress(json.dumps(frames).encode(), mtime=0)).decode()
        return cls(name=name, labels=[str(value) for value in values], packed=packed, index=index)

    @property
    def frames(self) -> list[Frame]:
        """The figure at each position."""
        frames: list[Frame] = json.loads(gzip.decompress(b64decode(self.packed)))
        return frames

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
    """The frame of a picture, which has its own alternative and perhaps a phone's drawing, or of a figure."""
    alt = alt or getattr(drawn, "alt", "")
    if not alt.strip():
        raise ValueError("alt must say of each value what its figure shows, for readers who cannot see it")
    if hasattr(drawn, "wide"):
        wide, narrow = (
            each and Drawing(source=each.svg, width=each.width, height=each.height)
            for each in (drawn.wide, drawn.narrow)
        )
        return Frame(alt=alt, wide=wide, narrow=narrow)
    figure = drawn if hasattr(drawn, "savefig") else drawn.get_figure(root=True)
    return Frame(alt=alt, wide=_saved(figure, kind), narrow=None)


def _saved(figure: Figure, kind: str) -> Drawing:
    """A matplotlib figure as text, in its own size; the same figure gives the same text."""
    from matplotlib import pyplot as plt

    plt.close(figure)  # else the notebook would show it once more
    width, height = (round(inches * _CSS_PIXELS_PER_INCH) for inches in figure.get_size_inches())
    return Drawing(source=_svg(figure) if kind == "svg" else _png(figure), width=width, height=height)


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
    """What an <img> can load."""
    if not source.startswith("<svg"):
        return source
    return f"data:image/svg+xml;base64,{b64encode(source.encode()).decode()}"
