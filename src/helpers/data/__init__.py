"""MNIST and Fashion-MNIST as tensors, and a drawn stand-in for where they cannot be had."""

from helpers.data.drawing import stand_in
from helpers.data.files import CorruptData, DataUnavailable
from helpers.data.images import CLASSES, SIZES, TITLES, Images, Notice, stand_in_notice
from helpers.data.loading import EXCERPT, describe, excerpt, load, load_or_draw, packed_excerpt

__all__ = [
    "CLASSES",
    "EXCERPT",
    "SIZES",
    "TITLES",
    "CorruptData",
    "DataUnavailable",
    "Images",
    "Notice",
    "describe",
    "excerpt",
    "load",
    "load_or_draw",
    "packed_excerpt",
    "stand_in",
    "stand_in_notice",
]
