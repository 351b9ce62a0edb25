"""Whose "same": TensorFlow, Keras and JAX from a recorded table, ONNX's reference evaluator live."""

import json
from itertools import filterfalse
from pathlib import Path

import numpy as np
import onnx.helper
import pytest
from hypothesis import assume, given
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


def spread(size, window, output_shape=None):
    """The pixels 1, 2, ..., size, each spread by the kernel 1, 16, 256, ..., added up."""
    window = window | {"kind": "transposed", "output_shape": output_shape}
    out = [0] * output_size(size, **window)
    for pixel, start in enumerate(window_starts(size, **window), start=1):
        for tap in range(window["kernel_size"]):
            place = start + window["dilation"] * tap
            if 0 <= place < len(out):
                out[place] += pixel * 16**tap
    return out


def averages(size, window):
    """The mean of the pixels that each pooling window reads, times 60; padding does not count."""
    ends = zip(*first_and_last(size, window), strict=True)
    return [60 * sum(range(first, last + 1)) // (last - first + 1) for first, last in ends]


def shorten(values):
    """A long output is recorded by its ends."""
    values = [int(value) for value in values]
    ends = RECORD["ends"]
    return values if len(values) <= 2 * ends else values[:ends] + values[-ends:]


def is_of_3d_alone(table):
    return all(framework.endswith("-3d") for framework in table["recorded_by"])


COMPUTED = {
    "convolution": lambda size, window: [convolve(size, window)],
    "max_pooling": first_and_last,
    "average_pooling": lambda size, window: [averages(size, window)],
    "transposed": lambda size, window: [spread(size, window)],
}


@pytest.mark.parametrize(
    "table",
    [
        table
        for table in TABLES
        if table.values[0]["operation"] in COMPUTED and not is_of_3d_alone(table.values[0])
    ],
)
def test_every_recorded_output_is_ours(table):
    for size, kernel_size, stride, dilation, size_out, *recorded in table["rows"]:
        window = window_of(table["padding"], kernel_size, stride, dilation)
        kind = "transposed" if table["operation"] == "transposed" else None
        assert output_size(size, kind=kind, **window) == size_out
        outputs = COMPUTED[table["operation"]](size, window)
        assert [shorten(values) for values in outputs] == recorded, (size, window)


def test_only_tensorflows_3d_operators_center_windows_that_a_stride_sets_apart():
    """On the CPU they do not stop at no padding: they leave out half of what is negative, at the start."""
    tables = [table for table in RECORD["tables"] if is_of_3d_alone(table)]
    assert {table["operation"] for table in tables} == {"convolution", "max_pooling"}
    for table in tables:
        for size, kernel_size, stride, dilation, size_out, first, *_ in table["rows"]:
            missing = size - (size_out - 1) * stride - dilation * (kernel_size - 1) - 1
            assert missing >= 2
            assert first[0] % 16 == 1 + missing // 2  # the pixel under the first tap; ours is pixel 1


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_transposed_convolution_takes_the_sizes_that_tensorflow_takes(padding):
    (table,) = [
        table
        for table in RECORD["tables"]
        if (table["operation"], table["padding"]) == ("transposed_to_size", padding)
    ]
    taken = {tuple(row[:5]): row[5] for row in table["rows"]}
    for setting in {row[:4] for row in taken}:
        size, kernel_size, stride, dilation = setting
        window = window_of(padding, kernel_size, stride, dilation)
        for wanted in range(1, size * stride + kernel_size + 1):
            if (*setting, wanted) in taken:
                assert shorten(spread(size, window, wanted)) == taken[*setting, wanted]
            else:
                with pytest.raises(ValueError, match="output_shape must be from"):
                    spread(size, window, wanted)


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
    for framework in ("keras-1d", "keras-3d"):
        for operation in ("convolution", "max_pooling", "transposed"):
            assert (framework, operation, "same", 6, 3, 2, 1) in recorded
    for framework in ("tensorflow", "keras", "jax"):
        assert (framework, "transposed", "same", 112, 3, 2, 1) in recorded
        assert (framework, "transposed", "valid", 6, 1, 4, 1) in recorded


def test_no_two_frameworks_disagree_on_one_setting():
    seen = {}
    for table in filterfalse(is_of_3d_alone, RECORD["tables"]):
        for row in table["rows"]:
            count = 5 if table["operation"] == "transposed_to_size" else 4
            setting = (table["operation"], table["padding"], *row[:count])
            assert seen.setdefault(setting, row[count:]) == row[count:]


def run_onnx(operator, inputs, **attributes):
    """One ONNX node on ONNX's own reference evaluator."""
    node = onnx.helper.make_node(operator, list(inputs), ["out"], **attributes)
    values = [onnx.helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in [*inputs, "out"]]
    graph = onnx.helper.make_graph([node], "one_node", values[:-1], values[-1:])
    return ReferenceEvaluator(onnx.helper.make_model(graph)).run(None, inputs)[0]


ONNX_WORDS = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": "valid"}
auto_pads = st.sampled_from(sorted(ONNX_WORDS))


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


@given(
    st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]),
    st.integers(1, 8),
    st.integers(1, 6),
    st.integers(1, 5),
    st.integers(1, 3),
)
def test_onnx_auto_pad_of_a_transposed_convolution_is_ours(auto_pad, size, kernel_size, stride, dilation):
    # Where the kernel reaches less than a stride, ONNX's equation for the padding turns negative.
    assume(auto_pad == "VALID" or dilation * (kernel_size - 1) + 1 >= stride)
    signal = np.arange(1.0, size + 1).reshape(1, 1, -1)
    kernel = (16.0 ** np.arange(kernel_size)).reshape(1, 1, -1)
    options = {"auto_pad": auto_pad, "strides": [stride], "dilations": [dilation]}
    out = run_onnx("ConvTranspose", {"x": signal, "w": kernel}, **options)
    window = window_of(ONNX_WORDS[auto_pad], kernel_size, stride, dilation)
    if auto_pad == "VALID":
        window["convention"] = "onnx-lower"  # Keras fills up where the kernel is narrower than the stride
    assert out[0, 0].tolist() == spread(size, window)


@given(st.integers(1, 8), st.integers(1, 6), st.integers(1, 5), st.data())
def test_onnx_output_shape_is_ours(size, kernel_size, stride, data):
    whole = (size - 1) * stride + kernel_size
    wanted = data.draw(st.integers(1, whole), label="output_shape")
    signal = np.arange(1.0, size + 1).reshape(1, 1, -1)
    kernel = (16.0 ** np.arange(kernel_size)).reshape(1, 1, -1)
    options = {"strides": [stride], "output_shape": [wanted], "auto_pad": "SAME_LOWER"}
    out = run_onnx("ConvTranspose", {"x": signal, "w": kernel}, **options)
    assert out[0, 0].tolist() == spread(size, window_of("same_lower", kernel_size, stride, 1), wanted)


def test_the_ceiling_of_a_pooling_is_onnxs_too():
    """ONNX since opset 22 ignores a window that would start in the padding after, as torch does."""
    for ceil_mode in (0, 1):
        out = run_onnx(
            "MaxPool",
            {"x": np.arange(5.0).reshape(1, 1, -1)},
            kernel_shape=[2],
            strides=[2],
            pads=[1, 1],
            ceil_mode=ceil_mode,
        )
        window = {"kernel_size": 2, "stride": 2, "padding": 1}
        assert out.shape[-1] == output_size(5, ceil_mode=bool(ceil_mode), **window)
