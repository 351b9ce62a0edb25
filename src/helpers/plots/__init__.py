"""Figures in one visual language, each with its text alternative; nothing here trains, shows or saves.

A function that draws returns a `Panel`, which holds a drawing and its text alternative. `figure` lays panels
out for the page and for a phone, and joins their texts::

    figure(*(line_windows(10, kernel_size=3, stride=s, title=f"stride {s}") for s in (1, 2)))

`plus` adds marks and text to a panel; `on(ax)` draws it on your own axes.
"""

from helpers.plots.cells import mark_unread, mark_window, outline
from helpers.plots.confusions import confusion, confusion_difference
from helpers.plots.convolutions import convolution_figure, feature_maps
from helpers.plots.curves import Curve, curves
from helpers.plots.estimates import Dots, Estimate, class_estimates, differences, dots, estimates
from helpers.plots.grids import crossing, grid, kernel_grid, output_grid
from helpers.plots.layout import compose, figure
from helpers.plots.lines import line_windows
from helpers.plots.maps import coverage_map, phase_map, reading_map, sequence_strip
from helpers.plots.picture import Drawing, Panel, Picture, drawing
from helpers.plots.stacks import Stage, descent, receptive_field_pyramid
from helpers.plots.style import COLUMN, PHONE, color, palette, use_style

__all__ = [
    "COLUMN",
    "PHONE",
    "Curve",
    "Dots",
    "Drawing",
    "Estimate",
    "Panel",
    "Picture",
    "Stage",
    "class_estimates",
    "color",
    "compose",
    "confusion",
    "confusion_difference",
    "convolution_figure",
    "coverage_map",
    "crossing",
    "curves",
    "descent",
    "differences",
    "dots",
    "drawing",
    "estimates",
    "feature_maps",
    "figure",
    "grid",
    "kernel_grid",
    "line_windows",
    "mark_unread",
    "mark_window",
    "outline",
    "output_grid",
    "palette",
    "phase_map",
    "reading_map",
    "receptive_field_pyramid",
    "sequence_strip",
    "use_style",
]
