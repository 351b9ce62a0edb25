"""Sizes, padding, coverage, receptive field and cost along one axis, in plain integers and pure Python."""

from helpers.arithmetic.cost import macs, parameters
from helpers.arithmetic.layer import Convention, Layer, Padding, Window
from helpers.arithmetic.network import ReceptiveField, TraceRow, network_unread, receptive_field, trace
from helpers.arithmetic.window import (
    coverage,
    output_size,
    resolve_padding,
    transposed_output_size,
    unread,
    unused_padding,
    window_starts,
)

__all__ = [
    "Convention",
    "Layer",
    "Padding",
    "ReceptiveField",
    "TraceRow",
    "Window",
    "coverage",
    "macs",
    "network_unread",
    "output_size",
    "parameters",
    "receptive_field",
    "resolve_padding",
    "trace",
    "transposed_output_size",
    "unread",
    "unused_padding",
    "window_starts",
]
