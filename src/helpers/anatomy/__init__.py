"""Read any torch model layer by layer: shapes, receptive field, cost, and what it never reads.

The model runs once. Each torch operator that it calls is intercepted, and a rule finds which pixels of the
image each element of the operator's output depends on. An element of a tensor is called a *unit*; it *reads*
the pixels that its value depends on.
"""

from helpers.anatomy.counting import WindowRow, census, padding_kind
from helpers.anatomy.files import load_model
from helpers.anatomy.questions import FieldBox, Stop, field_at, stops_by_size, working_sizes
from helpers.anatomy.run import IncompleteAnatomy, anatomy
from helpers.anatomy.table import LayerRow

__all__ = [
    "FieldBox",
    "IncompleteAnatomy",
    "LayerRow",
    "Stop",
    "WindowRow",
    "anatomy",
    "census",
    "field_at",
    "load_model",
    "padding_kind",
    "stops_by_size",
    "working_sizes",
]
