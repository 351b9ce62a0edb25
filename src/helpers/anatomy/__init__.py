"""Read any torch model layer by layer: shapes, receptive field, cost, and what it never reads."""

from helpers.anatomy.counting import WindowRow, census, padding_kind
from helpers.anatomy.failure import IncompleteAnatomy
from helpers.anatomy.load import load
from helpers.anatomy.rows import Row
from helpers.anatomy.run import anatomy

__all__ = ["IncompleteAnatomy", "Row", "WindowRow", "anatomy", "census", "load", "padding_kind"]
