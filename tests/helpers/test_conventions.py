"""Whose "same": TensorFlow, Keras and JAX from a recorded table, ONNX's reference evaluator live."""

import json
from pathlib import Path

import numpy as np
import onnx.helper
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from helpers.arithmetic import output_size, resolve_padding, window_starts

GOLDEN = Path(__file__).parents[1] / "golden" / "conventions.json"
RECORD = json.loads(GOLDEN.read_text(encoding="utf-8"))
TABLES = [
    pytest.param(table, id=f"{table['operation']}-{table['padding']}-{'-'.join(table['recorded_by'])}")
    for table in RECORD["tables"]
]


def window_of(padding, kernel_size, stride, dilation):
    """Our settings for a framework's word."""
    ours = {
        "same": {"padding": "same", "convention": "tensorflow"},
        "same_lower": {"padding": "same", "convention": "onnx-lower"},
        "valid": {"padding": "valid"},
        "causal": {"padding": (dilation * (kernel_size - 1), 0)},
    }
    return {"kernel_size": kernel_size, "stride": stride, "dilation": dilation} | ours[padding]


def convolve(size, window):
    """The pixels 1, 2, ..., size under the kernel 1, 16, 256, ..., laid out by helpers.arithmetic alone."""
    before, after = resolve_padding(size, **window)
    padded = np.pad(np.arange(1, size + 1), (before, after))
    starts = before + np.array(window_starts(size, **window))
    taps = np.arange(window["kernel_size"])
    return padded[starts[:, None] + window["dilation"] * taps] @ 16**taps  # (windows, taps) -> (windows,)


def first_and_last(size, window):
    """The first and the last pixel, from 1, that each pooling window reads."""
    starts = window_starts(size, **window)
    first = [max(start, 0) + 1 for start in starts]
    last = [min(start + window["kernel_size"], size) for start in starts]
    return first, last


def shorten(values):
    """A long output is recorded by its ends."""
    values = [int(value) for value in values]
    ends = RECORD["ends"]
    return values if len(values) <= 2 * ends else values[:ends] + values[-ends:]


@pytest.mark.parametrize("table", TABLES)
def test_every_recorded_output_is_ours(table):
    for size, kernel_size, stride, dilation, size_out, *recorded in table["rows"]:
        window = window_of(table["padding"], kernel_size, stride, dilation)
        assert output_size(size, **window) == size_out
        outputs = (
            first_and_last(size, window) if table["operation"] == "max_pooling" else (convolve(size, window),)
        )
        assert [shorten(values) for values in outputs] == recorded, (size, window)


def test_the_record_is_complete_and_small():
    assert GOLDEN.stat().st_size < 150_000
    assert sorted(RECORD["versions"]) == ["jax", "keras", "tensorflow"]
    recorded = {
        (framework, table["operation"], table["padding"], *row[:4])
        for table in RECORD["tables"]
        for framework in table["recorded_by"]
        for row in table["rows"]
    }
    for framework in RECORD["versions"]:
        for size in (*range(1, 14), 28, 224):
            assert (framework, "convolution", "same", size, 3, 2, 1) in recorded
            assert (framework, "max_pooling", "same", size, 2, 2, 1) in recorded
            assert (framework, "convolution", "valid", size, 2, 1, 1) in recorded or size < 2
    assert ("jax", "convolution", "same_lower", 28, 3, 2, 1) in recorded
    assert ("keras", "convolution", "causal", 28, 3, 2, 1) in recorded


def test_no_two_frameworks_disagree_on_one_setting():
    seen = {}
    for table in RECORD["tables"]:
        for row in table["rows"]:
            setting = (table["operation"], table["padding"], *row[:4])
            assert seen.setdefault(setting, row[4:]) == row[4:]


def run_onnx(operator, inputs, **attributes):
    """One ONNX node on ONNX's own reference evaluator."""
    node = onnx.helper.make_node(operator, list(inputs), ["out"], **attributes)
    values = [onnx.helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in [*inputs, "out"]]
    graph = onnx.helper.make_graph([node], "one_node", values[:-1], values[-1:])
    return ReferenceEvaluator(onnx.helper.make_model(graph)).run(None, inputs)[0]


ONNX_WORDS = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": "valid"}
auto_pads = st.sampled_from(sorted(ONNX_WORDS))


@settings(deadline=None)
@given(auto_pads, st.integers(1, 30), st.integers(1, 6), st.integers(1, 5), st.integers(1, 3))
def test_onnx_auto_pad_of_a_convolution_is_ours(auto_pad, size, kernel_size, stride, dilation):
    assume(auto_pad != "VALID" or size > dilation * (kernel_size - 1))
    signal = np.arange(1.0, size + 1).reshape(1, 1, -1)
    kernel = (16.0 ** np.arange(kernel_size)).reshape(1, 1, -1)
    out = run_onnx(
        "Conv", {"x": signal, "w": kernel}, auto_pad=auto_pad, strides=[stride], dilations=[dilation]
    )
    window = window_of(ONNX_WORDS[auto_pad], kernel_size, stride, dilation)
    assert out[0, 0].tolist() == convolve(size, window).tolist()


@settings(deadline=None)
@given(auto_pads, st.integers(1, 30), st.integers(1, 6), st.integers(1, 5))
def test_onnx_auto_pad_of_a_pooling_is_ours(auto_pad, size, kernel_size, stride):
    """By averages: the evaluator's MaxPool fails on a strided SAME_LOWER, and both on a stride > kernel."""
    assume(stride <= kernel_size)
    assume(auto_pad != "VALID" or size >= kernel_size)
    window = window_of(ONNX_WORDS[auto_pad], kernel_size, stride, 1)
    options = {"auto_pad": auto_pad, "kernel_shape": [kernel_size], "strides": [stride]}
    pixels = np.arange(1.0, size + 1)
    for signal in (pixels, pixels**2):  # the two means together tell the first and the last pixel
        means = run_onnx("AveragePool", {"x": signal.reshape(1, 1, -1)}, **options)[0, 0]
        assert means.tolist() == pytest.approx(
            [
                signal[first - 1 : last].mean()
                for first, last in zip(*first_and_last(size, window), strict=True)
            ]
        )
