"""Sizes, pads, coverage, receptive field and cost along one axis, in plain integers and pure Python."""

from helpers.arithmetic.layer import Convention, Layer, Padding
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
    "coverage",
    "output_size",
    "resolve_padding",
    "transposed_output_size",
    "unread",
    "unused_padding",
    "window_starts",
]
