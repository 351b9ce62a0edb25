"""Read any torch model layer by layer: shapes, receptive field, cost, and what it never reads.

The model runs once, and every torch operator that it calls is followed: for each operator, a rule finds which
pixels of the image each element of its output depends on. Such an element is called a unit, and it is said to
read these pixels.
"""

from helpers.anatomy.counting import WindowRow, census, padding_kind
from helpers.anatomy.files import load_model
from helpers.anatomy.questions import PlaceField, Stop, field_at, stops_by_size, working_sizes
from helpers.anatomy.run import IncompleteAnatomy, anatomy
from helpers.anatomy.table import LayerRow

__all__ = [
    "IncompleteAnatomy",
    "LayerRow",
    "PlaceField",
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
