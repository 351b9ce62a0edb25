"""Sizes without end: counting one by one is the oracle, and for a huge axis a small one."""

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st

from helpers.arithmetic import (
    Layer,
    coverage,
    network_unread,
    output_size,
    receptive_field,
    resolve_padding,
    trace,
    transposed_output_size,
    unread,
    unused_padding,
    window_starts,
)
from helpers.arithmetic.indices import Indices, read_by_windows

BILLION = 10**9
SIZES = [2**31, 2**63 - 1, 2**63, 2**64 + 1, 10**30]

settings_of_layers = st.fixed_dictionaries(
    {
        "kernel_size": st.integers(1, 40),
        "stride": st.integers(1, 30),
        "dilation": st.integers(1, 30),
        "padding": st.one_of(
            st.integers(0, 60),
            st.tuples(st.integers(0, 60), st.integers(0, 60)),
            st.sampled_from(["valid", "same", "full"]),
        ),
    },
    optional={"convention": st.sampled_from(["tensorflow", "onnx-lower"])},
)


def taps(window):
    return range(0, window["dilation"] * window["kernel_size"], window["dilation"])


def reads(size, window):
    """How many windows read each index, counted one by one; indices of padding included."""
    starts = window_starts(size, **window)
    counts = {}
    for index in (start + tap for start in starts for tap in taps(window)):
        counts[index] = counts.get(index, 0) + 1
    return counts


def fits(size, **window):
    try:
        return output_size(size, **window) > 0
    except ValueError:
        return False


@given(st.integers(1, 200), settings_of_layers)
def test_what_is_read_is_what_counting_finds(size, window):
    assume(fits(size, **window))
    counts, (before, after) = reads(size, window), resolve_padding(size, **window)
    assert coverage(size, **window) == tuple(counts.get(index, 0) for index in range(size))
    assert unread(size, **window) == tuple(index for index in range(size) if index not in counts)
    assert unused_padding(size, **window) == (
        sum(index not in counts for index in range(-before, 0)),
        sum(index not in counts for index in range(size, size + after)),
    )


@given(st.integers(1, 200), st.lists(settings_of_layers, max_size=4))
def test_what_a_stack_reads_is_what_counting_finds(size, windows):
    sizes = [size]
    for window in windows:
        assume(fits(sizes[-1], **window))
        sizes.append(output_size(sizes[-1], **window))
    needed = set(range(sizes.pop()))
    for size_in, window in zip(reversed(sizes), reversed(windows), strict=False):
        starts = window_starts(size_in, **window)
        needed = {starts[unit] + tap for unit in needed for tap in taps(window)} & set(range(size_in))
    expected = tuple(index for index in range(size) if index not in needed)
    assert network_unread(size, [Layer(**window) for window in windows]) == expected


spans = st.lists(st.integers(0, 30), min_size=2, max_size=6, unique=True).map(
    lambda ends: [(a, b) for a, b in zip(sorted(ends)[::2], sorted(ends)[1::2], strict=False)]
)


@st.composite
def index_sets(draw):
    period = draw(st.integers(1, 6))
    residues = draw(st.sets(st.integers(0, period - 1), min_size=1))
    return Indices(period, {residue: draw(spans) for residue in sorted(residues)})


def members(indices):
    return {
        indices.period * q + residue
        for residue, held in indices.spans.items()
        for a, b in held
        for q in range(a, b)
    }


@given(
    index_sets(),
    st.integers(-20, 20),
    st.integers(1, 12),
    st.integers(1, 30),
    st.integers(1, 12),
    st.integers(1, 300),
)
@example(Indices(1, {0: [(0, 4)]}), 0, 1, 3, 5, 20)  # copies with one index between them
def test_a_set_of_indices_is_read_through_a_window(units, first, stride, kernel_size, dilation, size):
    read = read_by_windows(units, first=first, stride=stride, kernel_size=kernel_size, dilation=dilation)
    expected = {
        first + stride * unit + dilation * tap for unit in members(units) for tap in range(kernel_size)
    }
    assert members(read) == expected
    inside = expected & set(range(size))
    assert read.below(size).total() == len(inside)
    assert read.below(size).missing(size) == tuple(sorted(set(range(size)) - inside))


@given(st.integers(1, 60), st.integers(0, 10**8), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
def test_a_huge_axis_is_a_small_one_with_more_of_its_middle(size, more, kernel_size, stride, dilation):
    """Where the middle is read, only the ends can be unread, and they are those of the small axis."""
    small, window = size + 100, {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    left = unread(small, **window)
    assume(not any(40 <= index < small - 40 for index in left))
    huge = small + more * stride
    shift = huge - small
    assert unread(huge, **window) == tuple(index + shift * (index >= 40) for index in left)
    assert unused_padding(huge, padding=3, **window) == unused_padding(small, padding=3, **window)
    assert network_unread(huge, [Layer(**window)]) == unread(huge, **window)


def test_short_answers_of_a_billion_pixels():
    assert unread(BILLION, kernel_size=3, stride=2) == (BILLION - 1,)
    assert unread(BILLION, kernel_size=10**8, stride=10**8) == ()
    assert unread(BILLION, kernel_size=3, stride=3, dilation=2) == (
        1,
        *(BILLION - left for left in (4, 2, 1)),
    )
    assert unread(BILLION, kernel_size=3, stride=2, dilation=10**8 + 1, padding="same") == ()
    assert unused_padding(BILLION, kernel_size=7, stride=2, padding=3) == (0, 1)
    assert unused_padding(BILLION, kernel_size=1, padding=5) == (0, 0)
    assert coverage(3, kernel_size=BILLION, padding="full") == (BILLION,) * 3
    shortcut = [Layer(3), Layer(1, stride=2), Layer(3), Layer(1, stride=2)]
    assert network_unread(BILLION, shortcut) == (BILLION - 1,)


@pytest.mark.parametrize("size", SIZES)
def test_no_size_overflows(size):
    assert output_size(size, kernel_size=3) == size - 2
    assert transposed_output_size(size, kernel_size=3, stride=2) == 2 * size + 1
    assert window_starts(size, kernel_size=3, padding=1) == range(-1, size - 1)
    assert resolve_padding(size, kernel_size=3, padding="same") == (1, 1)
    assert unread(size, kernel_size=3) == network_unread(size, [Layer(3)]) == ()
    assert unused_padding(size, kernel_size=3, padding=1) == (0, 0)
    assert trace(size, [Layer(3, name="a")]) == [("a", size - 2, 1, 3, 0)]
    assert output_size(size, kernel_size=size, stride=size, padding=size, dilation=1) == 3
    assert receptive_field([Layer(size, stride=size, dilation=size)]) == ((size - 1) * size + 1, size)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: coverage(10**7 + 1, kernel_size=3), "size must be at most 10,000,000 .* got 10,000,001"),
        (
            lambda: unread(BILLION, kernel_size=3, stride=4),
            "size must leave at most 10,000,000 pixels unread .* got 250,000,000 of 1,000,000,000",
        ),
        (lambda: network_unread(3 * BILLION, [Layer(2, stride=BILLION)]), "at most 10,000,000 pixels unread"),
        (
            lambda: unread(10**20, kernel_size=10**7 + 1, stride=10**7 + 2, dilation=10**7 + 3),
            "must leave at most 1,000,000 separate spans",
        ),
    ],
)
def test_an_answer_without_end_is_refused_with_its_bound(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("value", [torch.tensor(True), torch.tensor([True]), np.array(True)], ids=repr)
def test_a_bool_in_a_tensor_is_no_whole_number(value):
    with pytest.raises(TypeError, match="size must be a whole number, got"):
        output_size(value, kernel_size=1)


def test_a_number_in_a_tensor_is_one():
    assert output_size(torch.tensor(7), kernel_size=3) == 5


@pytest.mark.parametrize(
    "layers",
    ["", "ab", b"", bytearray(), range(0), memoryview(b"")],
    ids=lambda each: f"{type(each).__name__} {len(each)}",
)
def test_what_holds_no_layers_is_refused_even_when_empty(layers):
    for call in (receptive_field, lambda given: trace(8, given), lambda given: network_unread(8, given)):
        with pytest.raises(TypeError, match="layers must be a sequence of Layer, got"):
            call(layers)
