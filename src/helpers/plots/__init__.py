"""Figures in one visual language, each with its text alternative; nothing here trains, shows or saves.

Functions that take `ax` draw on it and return it. `figure` lays such drawings out, for the page and for a
phone::

    figure(
        lambda ax: line_windows(ax, 10, kernel_size=3, stride=2),
        alt=describe_windows(10, kernel_size=3, stride=2),
    )
"""

from helpers.plots.cells import mark_unread, mark_window, outline
from helpers.plots.confusions import (
    confusion,
    confusion_difference,
    describe_confusion,
    describe_confusion_difference,
)
from helpers.plots.convolutions import convolution_figure
from helpers.plots.curves import Curve, curves, describe_curves
from helpers.plots.descent import Stage, descent, describe_descent
from helpers.plots.differences import describe_differences, differences
from helpers.plots.dots import Dots, describe_dots, dots
from helpers.plots.estimates import (
    Estimate,
    class_estimates,
    describe_class_estimates,
    describe_estimates,
    estimates,
)
from helpers.plots.features import feature_maps
from helpers.plots.grids import crossing, describe_grid, grid, kernel_grid, output_grid
from helpers.plots.layout import compose, figure
from helpers.plots.lines import describe_windows, line_windows
from helpers.plots.maps import (
    coverage_map,
    describe_coverage,
    describe_phase,
    describe_reading,
    phase_map,
    reading_map,
)
from helpers.plots.picture import Drawing, Picture, drawing
from helpers.plots.pyramid import describe_receptive_field, receptive_field_pyramid
from helpers.plots.sequence import describe_sequence, sequence_strip
from helpers.plots.style import COLUMN, PHONE, color, palette, use_style

__all__ = [
    "COLUMN",
    "PHONE",
    "Curve",
    "Dots",
    "Drawing",
    "Estimate",
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
    "describe_class_estimates",
    "describe_confusion",
    "describe_confusion_difference",
    "describe_coverage",
    "describe_curves",
    "describe_descent",
    "describe_differences",
    "describe_dots",
    "describe_estimates",
    "describe_grid",
    "describe_phase",
    "describe_reading",
    "describe_receptive_field",
    "describe_sequence",
    "describe_windows",
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
