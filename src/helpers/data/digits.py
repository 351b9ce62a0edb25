"""Ten digits set in the fonts that matplotlib brings along: the stand-in for MNIST."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from helpers.data.sketch import FINENESS, SCALE, SIZE

BOX = 20  # MNIST scales each digit into a box of 20 x 20 pixels
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSans-BoldOblique",
    "DejaVuSerif",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralItalic",
    "cmr10",
    "cmb10",
    "cmss10",
    "cmtt10",
    "cmti10",
    "cmmi10",
)


def draw_digit(label: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Draw one digit as MNIST prepares them, shape (56, 56), values in [0, 1].

    The ink fits a box of 20 x 20 pixels and its center of mass is the center of the image.
    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", on the preparation.
    """
    glyph = _glyph(str(label), font=str(random.choice(FONTS)), thicker=int(random.integers(0, 5)))
    enlargement = BOX * SCALE / max(glyph.size)
    size = round(glyph.width * enlargement), round(glyph.height * enlargement)
    return _centered(np.asarray(glyph.resize(size), dtype=np.float32) / np.float32(255))


def _glyph(character: str, *, font: str, thicker: int) -> Image.Image:
    import matplotlib  # here, since a process that has the real images draws none

    path = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{font}.ttf")
    side = SIZE * SCALE
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).text(
        (side / 2, side / 2),
        character,
        font=ImageFont.truetype(path, size=BOX * SCALE),
        fill=255,
        anchor="mm",
        stroke_width=thicker,
    )
    return canvas.crop(canvas.getbbox())


def _centered(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = np.indices(ink.shape)
    row, column = np.average(rows, weights=ink), np.average(columns, weights=ink)
    middle = SIZE * SCALE / 2
    page = Image.new("F", (SIZE * SCALE, SIZE * SCALE))
    page.paste(Image.fromarray(ink), (round(middle - column), round(middle - row)))
    return np.asarray(page.reduce(SCALE // FINENESS), dtype=np.float32)
