"""Arithmetic backwards: small bounds are tried by hand, and what was found is run forward."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.arithmetic import (
    Layer,
    coverage,
    dense_features,
    depth_for_field,
    inputs_per_output,
    kernel_for_field,
    network_unread,
    output_size,
    receptive_field,
    solve,
    stack_sizes,
    trace,
    unread,
    unused_padding,
)

cheap = settings(max_examples=25)
sizes = st.integers(1, 12)
kinds = st.sampled_from(["convolution", "pooling", "transposed"])
layers = st.builds(
    Layer,
    kernel_size=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.one_of(st.integers(0, 1), st.sampled_from(["same", "valid"])),
    dilation=st.integers(1, 2),
    kind=kinds,
)


def settings_by_hand(size, kind, *, ceil_mode=False):
    """Every setting of small bounds with its output, by `output_size` alone."""
    for k, s, p, after, d, extra in product(range(1, 5), range(1, 4), range(3), (0, 1), (1, 2), range(3)):
        window = {"kernel_size": k, "stride": s, "padding": (p, p + after), "dilation": d, "kind": kind}
        window |= {"ceil_mode": ceil_mode, "output_padding": extra}
        try:
            yield (k, s, (p, p + after), d, extra), output_size(size, **window)
        except ValueError:
            continue


def told(found):
    layer = found.layer
    return layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.output_padding


BOUNDS = {"kernel_size": range(1, 5), "stride": range(1, 4), "padding": range(3), "dilation": range(1, 3)}


@cheap
@given(size=sizes, output=sizes, kind=kinds, uneven=st.booleans(), ceil_mode=st.booleans())
def test_nothing_within_the_bounds_is_missed_and_nothing_else_is_found(size, output, kind, uneven, ceil_mode):
    ceil_mode = ceil_mode and kind == "pooling"
    found = solve(size, output, kind=kind, uneven=uneven, ceil_mode=ceil_mode, **BOUNDS)
    tried = dict(settings_by_hand(size, kind, ceil_mode=ceil_mode))
    allowed = {each: made for each, made in tried.items() if uneven or each[2][0] == each[2][1]}
    right = sorted(each for each, made in allowed.items() if made == output)
    assert sorted(map(told, found.fit)) == right
    assert bool(found.nearest) == (not right)
    if not right:
        least = min(abs(made - output) for made in tried.values())
        assert sorted(map(told, found.nearest)) == sorted(
            each for each, made in tried.items() if abs(made - output) == least
        )


@cheap
@given(size=sizes, output=sizes, kind=kinds)
def test_what_a_solution_wastes_is_what_the_other_functions_say(size, output, kind):
    found = solve(size, output, kind=kind, **BOUNDS)
    for each in found.fit or found.nearest:
        window = each.layer.window
        assert each.output == output_size(size, **window)
        assert each.unread == len(unread(size, **window)) == coverage(size, **window).count(0)
        assert each.unused == unused_padding(size, **window)
        assert each.empty == inputs_per_output(size, **window).count(0)


def test_sensible_settings_come_first():
    halved = solve(28, 14).fit
    assert [each.layer.kernel_size for each in halved[:2]] == [2, 4]
    assert (halved[-1].layer.kernel_size, halved[-1].unread) == (1, 14)
    doubled = solve(14, 28, kind="transposed", stride=2).fit
    assert [each.layer.kernel_size for each in doubled[:2]] == [2, 4]
    assert [each.layer.output_padding for each in doubled if each.layer.kernel_size == 3] == [1]
    tripled = solve(5, 13, kernel_size=range(3, 7), stride=3, kind="transposed").fit
    assert [each.layer.kernel_size for each in tripled] == [3, 6, 3, 5, 4, 5]  # 5 and 4 draw a checkerboard
    wastes = [(each.empty, each.unread) for each in doubled]
    assert wastes == sorted(wastes)


@pytest.mark.parametrize("kind", ["convolution", "transposed"])
def test_torch_makes_the_same_sizes(kind):
    make = nn.Conv2d if kind == "convolution" else nn.ConvTranspose2d
    for each in solve(9, 5 if kind == "convolution" else 19, kind=kind, **BOUNDS).fit:
        layer = each.layer
        extra = {"output_padding": layer.output_padding} if kind == "transposed" else {}
        module = make(
            1, 1, layer.kernel_size, layer.stride, layer.padding[0], dilation=layer.dilation, **extra
        )
        assert module(torch.zeros(1, 1, 9, 9)).shape[-1] == each.output


def test_any_of_the_sizes_may_be_free():
    found = solve(range(20, 40), 14, kernel_size=3, stride=2, padding=1)
    assert sorted(each.size for each in found.fit) == [27, 28]
    outputs = solve(28, range(1, 29), kernel_size=3, stride=range(1, 4), padding=1)
    assert sorted(each.output for each in outputs.fit) == [10, 14, 28]
    odd = solve(28, 14, kernel_size=range(1, 8, 2), stride=2, padding=(0, 1))
    assert [told(each)[0] for each in odd.fit] == [3]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"size": 0}, "size must be at least 1, got 0"),
        ({"output": range(0, 4)}, "output must be at least 1, got 0"),
        (
            {"kernel_size": range(3, 3)},
            r"kernel_size must be a range that holds something, got range\(3, 3\)",
        ),
        (
            {"kernel_size": range(1, 10**9)},
            "kernel_size must be bounded so that at most 100,000 settings are tried, got 95,999,999,904: fix",
        ),
        ({"output_padding": 1}, 'output_padding must be 0 for kind="convolution", got 1'),
        ({"kind": "resize"}, "kind must be one of 'convolution', 'pooling', 'transposed', got 'resize'"),
        ({"ceil_mode": True}, 'ceil_mode must be False for kind="convolution", got True'),
        ({"padding": (1, -1)}, r"padding\[1\] must be at least 0, got -1"),
    ],
)
def test_impossible_wishes_are_refused_by_name(wish, message):
    with pytest.raises(ValueError, match=message):
        solve(**{"size": 28, "output": 14} | wish)


def test_wrong_kinds_are_refused():
    with pytest.raises(TypeError, match=r"size must be a whole number, got 2\.5"):
        solve(2.5, 1)
    with pytest.raises(TypeError, match="uneven must be True or False, got 1"):
        solve(4, 2, uneven=1)


# --- fields


@cheap
@given(
    field=st.integers(2, 200), depth=st.integers(1, 5), stride=st.integers(1, 3), dilation=st.integers(1, 3)
)
def test_the_kernel_for_a_field_is_the_smallest(field, depth, stride, dilation):
    found = kernel_for_field(field, depth=depth, stride=stride, dilation=dilation)
    seen = [
        receptive_field([Layer(kernel_size, stride, dilation=dilation)] * depth).size
        for kernel_size in (found.value - 1 or 1, found.value)
    ]
    assert seen == [found.one_less, found.receptive_field]
    assert seen[0] < field <= seen[1]


@cheap
@given(field=st.integers(2, 200), block=st.lists(layers.filter(lambda each: not each.grows), max_size=3))
def test_the_depth_for_a_field_is_the_least(field, block):
    if receptive_field(block).size == 1:
        with pytest.raises(ValueError, match="layers must span more than 1 pixel"):
            depth_for_field(field, block)
        return
    found = depth_for_field(field, block)
    seen = [receptive_field(block * repeats).size for repeats in (found.value - 1, found.value)]
    assert seen == [found.one_less, found.receptive_field]
    assert seen[0] < field <= seen[1]


def test_a_field_of_a_billion_takes_no_billion_steps():
    assert depth_for_field(10**9 + 1, [Layer(3)]).value == 5 * 10**8
    assert depth_for_field(190, [Layer(3), Layer(2, kind="pooling")]) == (6, 190, 94)  # reached, not passed
    with pytest.raises(ValueError, match="depth must be at most 100,000, got 1,000,000,000"):
        kernel_for_field(31, depth=10**9)
    with pytest.raises(ValueError, match='layers must be convolutions and poolings, got kind="resize"'):
        depth_for_field(31, [Layer(2, kind="resize")])
    with pytest.raises(ValueError, match="field must be at least 2, got 1"):
        kernel_for_field(1)


# --- stacks


@cheap
@given(stack=st.lists(layers, max_size=4))
def test_sizes_of_a_stack_are_those_that_run(stack):
    found = stack_sizes(stack, range(1, 25))
    runs, lossless = [], []
    for size in range(1, 25):
        try:
            trace(size, stack)
        except ValueError:
            continue
        runs.append(size)
        lossless += [size] * (not network_unread(size, stack))
    assert found.works == tuple(runs)
    assert found.lossless == tuple(lossless)
    assert found.smallest == (runs[0] if runs else found.smallest)
    assert runs or found.smallest is None or found.smallest > 24


def test_the_smallest_size_is_found_beyond_the_range():
    stack = [Layer(3, stride=2)] * 8
    found = stack_sizes(stack, range(1, 9))
    assert found == (511, (), ())
    trace(511, stack)
    with pytest.raises(ValueError, match="shrinks the map below one pixel"):
        trace(510, stack)
    assert stack_sizes([Layer(2_000_000)], 7).smallest is None


def test_skip_connections_decide_what_works():
    stack = [Layer(2, kind="pooling"), Layer(2, kind="pooling"), Layer(4, kind="resize")]
    assert stack_sizes(stack, range(3, 14), skips=[(0, 3)]) == (4, (4, 8, 12), (4, 8, 12))
    shaped = [Layer(3, 2, kind="transposed", output_shape=9)]
    assert stack_sizes(shaped, range(1, 9)) == (4, (4,), (4,))


def test_ranges_of_a_stack_are_bounded():
    with pytest.raises(ValueError, match="sizes must be so few that with 20 layers at most 1,000,000 steps"):
        stack_sizes([Layer(3)] * 20, range(1, 10**9))
    with pytest.raises(ValueError, match="sizes must be at least 1, got 0"):
        stack_sizes([Layer(3)], range(0, 9))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_number_for_the_dense_layer_is_what_torch_flattens(dimensions):
    conv, pool = getattr(nn, f"Conv{dimensions}d"), getattr(nn, f"MaxPool{dimensions}d")
    net = nn.Sequential(conv(1, 4, 3, stride=2, padding=1), pool(3), nn.Flatten())
    size = (25, 31, 38)[:dimensions]
    stack = [Layer(3, 2, 1), Layer(3, kind="pooling")]
    found = dense_features(size, stack, channels=4, dimensions=dimensions)
    assert net(torch.zeros(1, 1, *size)).shape == (1, found)
    assert dense_features(9, [], channels=2, dimensions=dimensions) == 2 * 9**dimensions


def test_whatever_comes_out_is_found_where_no_output_is_wanted():
    found = solve(9, None, kernel_size=range(2, 5), stride=2, padding=range(2))
    assert found.nearest == ()
    assert {each.output for each in found.fit} == {
        output_size(9, kernel_size=k, stride=2, padding=p) for k, p in product(range(2, 5), range(2))
    }
    assert len(found.fit) == 6
