"""The published numbers, and what holds for the module as a whole."""

import inspect
import subprocess
import sys
import timeit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import arithmetic
from helpers.arithmetic import (
    Layer,
    coverage,
    output_size,
    resolve_padding,
    transposed_output_size,
    unread,
    unused_padding,
    window_starts,
)


@pytest.mark.parametrize(("size", "is_even"), [(28, False), (224, False), (29, True), (225, True)])
def test_mind_the_pad(size, is_even):
    assert (unused_padding(size, kernel_size=3, stride=2, padding=1) == (0, 0)) is is_even


@pytest.mark.parametrize(
    ("size", "kernel_size", "stride", "pads", "expected"),
    [(28, 3, 2, (0, 1), 14), (27, 3, 2, (1, 1), 14), (28, 2, 1, (0, 1), 28), (6, 3, 2, (0, 1), 3)],
)
def test_published_same_pads(size, kernel_size, stride, pads, expected):
    window = {"kernel_size": kernel_size, "stride": stride, "padding": "same"}
    assert resolve_padding(size, **window) == pads
    assert output_size(size, **window) == expected


@pytest.mark.parametrize(
    ("size", "kernel_size", "stride", "padding", "expected"),
    [
        (7, 3, 1, 0, 5),  # CS231n notes
        (7, 3, 2, 0, 3),
        (5, 3, 1, 1, 5),
        (5, 3, 2, 1, 3),
        (10, 3, 2, 0, 4),  # called invalid there; every framework floors
        (227, 11, 4, 0, 55),  # AlexNet
        (224, 7, 2, 3, 112),  # ResNet, claim G-04
        (28, 3, 1, "same", 28),  # claim M-05
        (28, 3, 1, "valid", 26),
        (28, 3, 2, "same", 14),
        (28, 3, 2, "valid", 13),
    ],
)
def test_published_output_sizes(size, kernel_size, stride, padding, expected):
    assert output_size(size, kernel_size=kernel_size, stride=stride, padding=padding) == expected


def test_published_coverage():
    def pixels_missed(size, **window):
        return size**2 - (size - len(unread(size, **window))) ** 2

    assert pixels_missed(28, kernel_size=3, stride=2) == 55
    assert pixels_missed(4, kernel_size=3, stride=4) == 7  # the 4x4 input of stride-beyond-kernel
    rows = coverage(28, kernel_size=3, padding="same")
    assert (rows[0] * rows[0], rows[0] * rows[14], rows[14] * rows[14]) == (4, 6, 9)
    assert unread(10, kernel_size=3, stride=2) == (9,)
    assert unused_padding(224, kernel_size=7, stride=2, padding=3) == (0, 1)


@given(st.integers(1, 40))
def test_same_shape_other_samples_at_even_sizes(size):
    pytorch = window_starts(size, kernel_size=3, stride=2, padding=1)
    tensorflow = window_starts(size, kernel_size=3, stride=2, padding="same")
    assert len(pytorch) == len(tensorflow)
    if size % 2:
        assert pytorch == tensorflow
    else:
        assert set(pytorch).isdisjoint(tensorflow)
        assert list(tensorflow) == [start + 1 for start in pytorch]


@pytest.mark.parametrize(
    "function", [output_size, resolve_padding, window_starts, coverage, unread, unused_padding]
)
def test_a_function_lists_the_settings_of_a_layer_and_takes_them_from_one(function):
    shown = inspect.signature(function).parameters
    of_layer = inspect.signature(Layer).parameters
    for name in ("kernel_size", "stride", "padding", "dilation", "convention"):
        assert shown[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert shown[name].default == of_layer[name].default
    layer = Layer(3, stride=2, padding=(0, 1), dilation=2, convention="onnx-lower", name="conv")
    assert Layer(**layer.window, name="conv") == layer
    assert str(shown["stride"]) == "stride: int = 1"
    assert function(9, **layer.window) == function(
        9, kernel_size=3, stride=2, padding=(0, 1), dilation=2, convention="onnx-lower"
    )


def test_numpy_integers_are_integers():
    window = {"kernel_size": np.int64(3), "stride": np.uint8(2), "padding": (np.int16(1), np.int32(0))}
    assert output_size(np.int64(28), **window) == output_size(28, kernel_size=3, stride=2, padding=(1, 0))
    for function in (output_size, resolve_padding, coverage, unread, unused_padding):
        result = function(np.uint8(28), **window)
        assert all(type(number) is int for number in (result if isinstance(result, tuple) else (result,)))
    assert type(window_starts(np.uint8(28), **window)[0]) is int
    assert type(transposed_output_size(np.uint8(200), kernel_size=np.uint8(3), stride=np.uint8(2))) is int


def test_a_call_costs_microseconds():
    def best(function):
        call = lambda: function(224, kernel_size=7, stride=2, padding=3)  # noqa: E731
        return min(timeit.repeat(call, number=100, repeat=5)) / 100

    assert best(output_size) < 30e-6
    assert best(coverage) < 500e-6


def test_the_module_needs_neither_numpy_nor_torch():
    code = "import sys, helpers.arithmetic; sys.exit(bool({'numpy', 'torch'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_everything_public_is_exported_and_documented():
    assert arithmetic.__all__ == sorted(arithmetic.__all__)
    for name in set(arithmetic.__all__) - {"CeilMode", "Convention", "LayerKind", "Padding"}:
        assert getattr(arithmetic, name).__doc__
