"""One layer on one axis: torch is the oracle, for sizes, coverage and pads."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers.arithmetic import (
    coverage,
    output_size,
    resolve_padding,
    transposed_output_size,
    unread,
    unused_padding,
    window_starts,
)

sizes = st.integers(1, 20)
kernels = st.integers(1, 6)
strides = st.integers(1, 6)
dilations = st.integers(1, 3)
numeric_paddings = st.one_of(st.integers(0, 4), st.tuples(st.integers(0, 4), st.integers(0, 4)))
paddings = st.one_of(numeric_paddings, st.sampled_from(["valid", "same", "full"]))
windows = st.fixed_dictionaries(
    {"kernel_size": kernels, "stride": strides, "padding": paddings, "dilation": dilations},
    optional={"convention": st.sampled_from(["tensorflow", "onnx-lower"])},
)


def sum_of_windows(padded, *, kernel_size, stride, dilation):
    """The kernel of ones: the gradient of the sum counts the windows that read a cell."""
    kernel = torch.ones(1, 1, kernel_size, dtype=padded.dtype)
    return F.conv1d(padded[None, None], kernel, stride=stride, dilation=dilation)[0, 0]


def reads_by_gradient(size, window):
    """How often torch reads each cell of the padded axis, and the pads."""
    before, after = resolve_padding(size, **window)
    assume(before + size + after > window["dilation"] * (window["kernel_size"] - 1))
    padded = torch.zeros(before + size + after, dtype=torch.float64, requires_grad=True)
    taken = {name: window[name] for name in ("kernel_size", "stride", "dilation")}
    sum_of_windows(padded, **taken).sum().backward()
    return padded.grad.int().tolist(), before, after


def result_or_refusal(call, *refusals):
    try:
        return call()
    except refusals:
        return "refused"


@given(sizes, kernels, strides, numeric_paddings, dilations)
def test_output_size_is_torchs_and_refuses_what_torch_refuses(size, kernel_size, stride, padding, dilation):
    window = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    pads = padding if isinstance(padding, tuple) else (padding, padding)
    padded = F.pad(torch.zeros(size), pads)
    ours = result_or_refusal(lambda: output_size(size, padding=padding, **window), ValueError)
    torchs = result_or_refusal(lambda: len(sum_of_windows(padded, **window)), RuntimeError)
    assert ours == torchs


@given(sizes, kernels, strides, st.data(), dilations)
def test_ceil_mode_is_torchs_pooling(size, kernel_size, stride, data, dilation):
    padding = data.draw(st.integers(0, kernel_size // 2), label="padding")  # torch's pooling takes no more
    window = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    for ceil_mode in (False, True):
        ours = result_or_refusal(
            lambda mode=ceil_mode: output_size(size, ceil_mode=mode, **window), ValueError
        )
        pooled = result_or_refusal(
            lambda mode=ceil_mode: F.max_pool1d(torch.zeros(1, 1, size), ceil_mode=mode, **window),
            RuntimeError,
        )
        assert ours == (pooled if pooled == "refused" else pooled.shape[-1])


def test_ceil_mode_drops_a_window_that_would_start_in_the_padding_after():
    assert output_size(4, kernel_size=2, stride=3, padding=1, ceil_mode=True) == 2
    assert output_size(5, kernel_size=2, stride=3, padding=1, ceil_mode=True) == 2
    assert output_size(6, kernel_size=2, stride=3, padding=1, ceil_mode=True) == 3


@given(st.integers(1, 8), kernels, strides, st.integers(0, 4), st.integers(0, 6), dilations)
def test_transposed_output_size_is_torchs(size, kernel_size, stride, padding, output_padding, dilation):
    options = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    ours = result_or_refusal(
        lambda: transposed_output_size(size, kernel_size=kernel_size, **options), ValueError
    )
    signal, kernel = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel_size)
    torchs = result_or_refusal(lambda: F.conv_transpose1d(signal, kernel, **options).shape[-1], RuntimeError)
    assert ours == torchs


@given(st.integers(1, 8), st.integers(3, 6), strides, st.integers(0, 1), st.integers(0, 1))
def test_a_transposed_convolution_crops_each_side_by_its_own_padding(
    size, kernel_size, stride, before, after
):
    whole = transposed_output_size(size, kernel_size=kernel_size, stride=stride)
    cropped = transposed_output_size(size, kernel_size=kernel_size, stride=stride, padding=(before, after))
    assert cropped == whole - before - after


@given(sizes, kernels, strides, st.integers(0, 4))
def test_output_padding_restores_the_size_that_a_stride_rounded_away(size, kernel_size, stride, padding):
    room = size + 2 * padding - kernel_size
    assume(room >= 0)
    window = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    shrunk = output_size(size, **window)
    assert transposed_output_size(shrunk, output_padding=room % stride, **window) == size


@given(sizes, windows)
def test_coverage_is_the_gradient_of_the_sum_of_all_outputs(size, window):
    reads, before, after = reads_by_gradient(size, window)
    assert list(coverage(size, **window)) == reads[before : before + size]
    assert unused_padding(size, **window) == (reads[:before].count(0), reads[before + size :].count(0))
    assert len(reads) == before + size + after


@given(sizes, windows)
def test_a_pixel_is_unread_exactly_where_the_gradient_is_zero(size, window):
    reads, before, _ = reads_by_gradient(size, window)
    assert unread(size, **window) == tuple(i for i in range(size) if reads[before + i] == 0)


@given(sizes, windows)
def test_windows_start_where_torch_cuts_them(size, window):
    before, after = resolve_padding(size, **window)
    reach = window["dilation"] * (window["kernel_size"] - 1) + 1
    assume(before + size + after >= reach)
    cut = torch.arange(-before, size + after).unfold(0, reach, window["stride"])  # (windows, reach)
    starts = window_starts(size, **window)
    assert list(starts) == cut[:, 0].tolist()
    assert len(starts) == output_size(size, **window)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@given(sizes, kernels, dilations)
def test_same_in_the_pytorch_convention_gives_torchs_values(size, kernel_size, dilation):
    pads = resolve_padding(
        size, kernel_size=kernel_size, padding="same", dilation=dilation, convention="pytorch"
    )
    signal = torch.arange(1.0, size + 1, dtype=torch.float64)[None, None]
    kernel = (
        2.0 ** torch.arange(kernel_size, dtype=torch.float64)[None, None]
    )  # no two taps alike: fixes the phase
    expected = F.conv1d(signal, kernel, padding="same", dilation=dilation)
    assert torch.equal(F.conv1d(F.pad(signal, pads), kernel, dilation=dilation), expected)


@pytest.mark.parametrize(
    "function", [output_size, resolve_padding, window_starts, coverage, unread, unused_padding]
)
def test_same_with_a_stride_is_refused_in_the_pytorch_convention_as_by_torch(function):
    with pytest.raises(
        ValueError, match=r'padding="same" must have stride=1 in the "pytorch" .* got stride=2'
    ):
        function(28, kernel_size=3, stride=2, padding="same", convention="pytorch")
    with pytest.raises(ValueError, match="strided"):
        torch.nn.Conv2d(1, 1, 3, stride=2, padding="same")


@given(sizes, kernels, strides, dilations)
def test_same_gives_the_ceiling_and_splits_its_padding_as_documented(size, kernel_size, stride, dilation):
    window = {"kernel_size": kernel_size, "stride": stride, "padding": "same", "dilation": dilation}
    size_out = math.ceil(size / stride)
    total = max(0, (size_out - 1) * stride + dilation * (kernel_size - 1) + 1 - size)
    before, after = resolve_padding(size, **window)
    assert output_size(size, **window) == output_size(size, convention="onnx-lower", **window) == size_out
    assert (before, before + after) == (total // 2, total)
    assert resolve_padding(size, convention="onnx-lower", **window) == (after, before)


@given(sizes, kernels, strides, dilations)
def test_full_reads_every_overlap_and_valid_none_of_the_border(size, kernel_size, stride, dilation):
    window = {"kernel_size": kernel_size, "dilation": dilation}
    reach = dilation * (kernel_size - 1)
    assert resolve_padding(size, stride=stride, padding="full", **window) == (reach, reach)
    assert resolve_padding(size, stride=stride, padding="valid", **window) == (0, 0)
    # With all overlaps present, no pixel is favored: this is what padding of k - 1 buys.
    assert set(coverage(size, padding="full", **window)) == {kernel_size}


@given(st.integers(1, 30), st.integers(1, 7), st.integers(0, 4))
def test_relationships_of_dumoulin_and_visin(size, kernel_size, padding):
    assume(size + 2 * padding >= kernel_size)
    assert output_size(size, kernel_size=kernel_size, padding=padding) == size + 2 * padding - kernel_size + 1
    assert output_size(size, kernel_size=kernel_size, padding="full") == size + kernel_size - 1
    if kernel_size % 2:
        assert output_size(size, kernel_size=kernel_size, padding=kernel_size // 2) == size


@given(sizes, st.integers(1, 5), strides, st.integers(0, 3), dilations)
def test_dilation_is_a_larger_kernel_to_the_output_size(size, kernel_size, stride, padding, dilation):
    dilated = kernel_size + (kernel_size - 1) * (dilation - 1)
    assume(size + 2 * padding >= dilated)
    options = {"stride": stride, "padding": padding}
    assert output_size(size, kernel_size=kernel_size, dilation=dilation, **options) == output_size(
        size, kernel_size=dilated, **options
    )


@given(sizes, kernels, strides, st.integers(0, 4))
def test_padding_is_consumed_evenly_when_the_stride_divides_the_room(size, kernel_size, stride, padding):
    room = size + 2 * padding - kernel_size
    assume(room >= 0)
    assume(stride <= kernel_size)  # beyond the kernel, gaps can leave padding unread on either side
    dropped = room % stride
    before, after = unused_padding(size, kernel_size=kernel_size, stride=stride, padding=padding)
    assert (before, after) == (0, min(dropped, padding))
