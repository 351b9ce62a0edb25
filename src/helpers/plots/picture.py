"""Panels, which hold a drawing and its text alternative, and the finished picture made of them."""

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import quote

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.plots.style import DPI, style

_NARROW = 600  # windows up to this wide get the drawing made for a phone
_PLAIN = "/=:;,()'"  # need no escape in a data URL, as letters and digits do not

Draw = Callable[[Axes], object]
"""Draws on the axes that it is given; what it returns is not used."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One part of a figure: how to draw it, and its text alternative.

    `grid`, `curves` and the other functions of this package return one. Nothing is drawn before `figure`,
    `compose` or `on` asks for it; `figure` draws it twice, for the page and for a phone.

    Attributes:
        draw: draws on the axes that it is given.
        says: the text alternative in whole sentences, or a function that returns it.
        title: what a figure of several panels puts before this text; empty for nothing.
    """

    draw: Draw
    says: str | Callable[[], str]
    title: str = ""

    @cached_property
    def alt(self) -> str:
        """The text alternative, on one line."""
        words = self.says() if callable(self.says) else self.says
        return words.replace("\n", " ")

    def on(self, ax: Axes) -> Axes:
        """Draw on your own axes, and return them."""
        self.draw(ax)
        return ax

    def plus(self, draw: Draw | None = None, *, says: str = "") -> "Panel":
        """The same panel with more marks, drawn last, or with more text at the end of its alternative.

        >>> from helpers.plots import kernel_grid
        >>> kernel_grid([[1, 2]]).plus(says="The taps add up to 3.").alt
        'Kernel, 1 by 2: row 0 holds 1, 2. The taps add up to 3.'
        """

        def draw_both(ax: Axes) -> None:
            self.draw(ax)
            if draw:
                draw(ax)

        return replace(self, draw=draw_both, says=lambda: f"{self.alt} {says}".strip())


@dataclass(frozen=True)
class Drawing:
    """An SVG file, and the size in CSS pixels that it is drawn for."""

    svg: str
    width: int
    height: int

    @property
    def address(self) -> str:
        """The drawing as a data URL, so that a page needs no second file.

        It is percent-encoded, not base64: compressed by the server, that takes two thirds of the bytes.
        Single quotes, which need no escape, save a fourteenth more.
        """
        svg = self.svg if "'" in self.svg else self.svg.replace('"', "'")
        return f"data:image/svg+xml,{quote(svg, safe=_PLAIN)}"


@dataclass(frozen=True)
class Picture:
    """A figure with its text alternative; a notebook cell that ends in one shows it.

    It shows as an HTML image, and as plain text by its alternative: the same in JupyterLab, in the built page
    and in print. If there is a narrow drawing, the browser chooses between the two by the width of the
    window. A PNG image comes with it for hosts that show no image inside HTML, such as GitHub.

    Attributes:
        alt: the text alternative.
        wide: the drawing for the page's column.
        narrow: the drawing for a phone; None if `wide` fits there.
        caption: a line below the figure.
        pixels: function that returns the PNG file.
    """

    alt: str
    wide: Drawing
    narrow: Drawing | None = None
    caption: str | None = None
    pixels: Callable[[], bytes] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.alt, str):
            raise TypeError(f"alt must be a string, got {self.alt!r}")
        if not self.alt.strip():
            raise ValueError(f"alt must say what the figure shows, got {self.alt!r}")

    @property
    def html(self) -> str:
        """The figure as HTML: an image, and the caption if there is one."""
        image = (
            f'<img alt="{escape(self.alt)}" src="{self.wide.address}" width="{self.wide.width}" '
            f'height="{self.wide.height}" style="max-width:100%;height:auto">'
        )
        if self.narrow:
            image = (
                f'<picture><source media="(max-width: {_NARROW}px)" srcset="{self.narrow.address}" '
                f'width="{self.narrow.width}" height="{self.narrow.height}">{image}</picture>'
            )
        caption = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        return f'<figure class="book-figure">{image}{caption}</figure>'

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        data, metadata = {"text/html": self.html, "text/plain": self.alt}, {}
        if self.pixels:
            data["image/png"] = b64encode(self.pixels()).decode()
            metadata["image/png"] = {"width": self.wide.width, "height": self.wide.height, "alt": self.alt}
        return data, metadata


def drawing(figure: Figure) -> Drawing:
    """The figure as SVG; the same figure gives the same bytes at any time and on any machine."""
    file = StringIO()
    with mpl.rc_context(style()):
        figure.savefig(file, format="svg", dpi=DPI)
    width, height = (round(inches * DPI) for inches in figure.get_size_inches())
    return Drawing(_trimmed(file.getvalue()), width, height)


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, two pixels for each CSS pixel."""
    file = BytesIO()
    with mpl.rc_context(style()):
        figure.savefig(file, format="png", dpi=2 * DPI, metadata={"Software": None})
    return file.getvalue()


def _trimmed(svg: str) -> str:
    """SVG without prologue, date, comments, group names, or digits and blanks that change nothing."""
    svg = svg[svg.index("<svg") :]
    names = '(?<=<g) id="[^"]*"', ' id="image[^"]*"'  # nothing refers to them
    for needless in ("<metadata>.*?</metadata>", "<!--.*?-->", r"(?<=>)\s+(?=<)", *names):
        svg = re.sub(needless, "", svg, flags=re.DOTALL)
    svg = re.sub(r"<g>(<path[^>]*/>)</g>", r"\1", svg)
    svg = re.sub(r"scale\([^)]*\)|\d+\.\d{3,}", _rounded, svg)
    svg = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"\s*([A-Za-z])\s*", r"\1", path[0]), svg)
    return re.sub(r"\s+", " ", svg)


def _rounded(found: re.Match[str]) -> str:
    """A coordinate rounded to a hundredth of a point; the scale of a glyph unchanged."""
    return found[0] if found[0].startswith("scale") else f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
