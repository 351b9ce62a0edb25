"""Sizes, padding, coverage, receptive field and cost along one axis, in plain integers and pure Python."""

from helpers.arithmetic.cost import macs, parameters
from helpers.arithmetic.layer import CeilMode, Convention, Layer, LayerKind, Padding, Window
from helpers.arithmetic.network import (
    ReceptiveField,
    TraceRow,
    UnitField,
    fitting_sizes,
    network_unread,
    receptive_field,
    trace,
    unit_field,
    unit_reads,
)
from helpers.arithmetic.window import (
    coverage,
    indices_read,
    inputs_per_output,
    output_size,
    resolve_padding,
    transposed_output_size,
    unread,
    unused_padding,
    window_starts,
)

__all__ = [
    "CeilMode",
    "Convention",
    "Layer",
    "LayerKind",
    "Padding",
    "ReceptiveField",
    "TraceRow",
    "UnitField",
    "Window",
    "coverage",
    "fitting_sizes",
    "indices_read",
    "inputs_per_output",
    "macs",
    "network_unread",
    "output_size",
    "parameters",
    "receptive_field",
    "resolve_padding",
    "trace",
    "transposed_output_size",
    "unit_field",
    "unit_reads",
    "unread",
    "unused_padding",
    "window_starts",
]
