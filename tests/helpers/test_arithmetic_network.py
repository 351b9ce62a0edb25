"""Stacks of layers on one axis: autograd is the oracle, the sources' networks are the examples."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers.arithmetic import (
    Layer,
    ReceptiveField,
    TraceRow,
    network_unread,
    receptive_field,
    resolve_padding,
    trace,
)

convolutions = st.builds(
    Layer,
    kernel_size=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.one_of(
        st.integers(0, 2),
        st.tuples(st.integers(0, 2), st.integers(0, 2)),
        st.sampled_from(["same", "full", "valid"]),
    ),
    dilation=st.integers(1, 2),
    convention=st.sampled_from(["tensorflow", "onnx-lower"]),
)
poolings = st.builds(
    Layer, kernel_size=st.integers(2, 3), stride=st.integers(1, 4), padding=st.integers(0, 1)
)
unpadded = st.builds(
    Layer, kernel_size=st.integers(1, 4), stride=st.integers(1, 5), dilation=st.integers(1, 2)
)
stacks = st.lists(st.one_of(convolutions, poolings), max_size=4)


def forward(signal, layers):
    """The stack in torch, with weights of one: a gradient is zero only where nothing is read."""
    for layer in layers:
        pads = resolve_padding(
            signal.shape[-1],
            kernel_size=layer.kernel_size,
            stride=layer.stride,
            padding=layer.padding,
            dilation=layer.dilation,
            convention=layer.convention,
        )
        kernel = torch.ones(1, 1, layer.kernel_size, dtype=signal.dtype)
        signal = F.conv1d(F.pad(signal, pads), kernel, stride=layer.stride, dilation=layer.dilation)
    return signal


def indices_read(size, layers, unit=None):
    """Input indices with a gradient: of the whole last map, or of one unit."""
    signal = torch.zeros(1, 1, size, dtype=torch.float64, requires_grad=True)
    out = forward(signal, layers)[0, 0]
    (out.sum() if unit is None else out[unit]).backward()
    return signal.grad[0, 0].nonzero()[:, 0].tolist()


def fits(size, layers):
    try:
        return bool(trace(size, layers)) or not layers
    except ValueError:
        return False


@given(st.integers(1, 24), stacks)
def test_network_unread_is_where_the_gradient_is_zero(size, layers):
    assume(fits(size, layers))
    assert network_unread(size, layers) == tuple(sorted(set(range(size)) - set(indices_read(size, layers))))


@given(st.lists(unpadded, min_size=1, max_size=3))
def test_receptive_field_is_the_span_of_a_units_gradient(layers):
    size = 2  # units in the last map; walk back to the input that gives them
    for layer in reversed(layers):
        size = (size - 1) * layer.stride + layer.dilation * (layer.kernel_size - 1) + 1
    first, second = indices_read(size, layers, unit=0), indices_read(size, layers, unit=1)
    assert receptive_field(layers) == (first[-1] - first[0] + 1, second[0] - first[0])


@given(st.integers(200, 230), st.lists(convolutions, min_size=1, max_size=3))
def test_a_trace_places_the_units_where_the_gradient_finds_them(size, layers):
    rows = trace(size, layers)
    assert [row.size for row in rows] == [
        forward(torch.zeros(1, 1, size), layers[: depth + 1]).shape[-1] for depth in range(len(layers))
    ]
    last = rows[-1]
    inside = -(last.start // last.jump)  # the first unit that starts in the input, not in the padding
    read = indices_read(size, layers, unit=inside)
    assert read[0] == last.start + inside * last.jump
    assert read[-1] - read[0] + 1 == last.receptive_field


@given(st.integers(1, 24), stacks)
def test_a_stack_that_does_not_fit_is_refused_as_by_torch(size, layers):
    try:
        forward(torch.zeros(1, 1, size), layers)
    except RuntimeError:
        for function in (trace, network_unread):
            with pytest.raises(ValueError, match="shrinks the map below one pixel"):
                function(size, layers)
    else:
        assert fits(size, layers)


@given(stacks)
def test_receptive_field_grows_by_the_jump_of_the_layers_before(layers):
    expected = 1 + sum(
        (layer.dilation * (layer.kernel_size - 1))
        * int(np.prod([earlier.stride for earlier in layers[:depth]]))
        for depth, layer in enumerate(layers)
    )
    assert receptive_field(layers).size == expected


@pytest.mark.parametrize("ceiling", [1, 2, 5])
def test_pooling_is_a_layer_like_any_other(ceiling):
    layers = [Layer(3), Layer(2, stride=2), Layer(3, stride=ceiling), Layer(2, stride=2)]
    signal = torch.zeros(1, 1, 29, requires_grad=True)
    map_ = F.avg_pool1d(F.conv1d(signal, torch.ones(1, 1, 3)), 2)
    F.avg_pool1d(F.conv1d(map_, torch.ones(1, 1, 3), stride=ceiling), 2).sum().backward()
    assert network_unread(29, layers) == tuple((signal.grad[0, 0] == 0).nonzero()[:, 0].tolist())


def test_no_layers_see_one_pixel_and_read_everything():
    assert receptive_field([]) == ReceptiveField(size=1, jump=1)
    assert trace(5, []) == []
    assert network_unread(5, []) == ()


# (stride, padding) of the two convolutions, each followed by a pooling of 2; SOURCES.md sections 1, 2 and 5.
SOURCE_NETWORKS = {
    "(1, same)": ((1, "same"), (1, "same"), 0),
    "(2, same)": ((2, "same"), (2, "same"), 0),
    "(1, valid)": ((1, "valid"), (1, "valid"), 108),
    "A": ((2, "valid"), (1, "valid"), 159),
    "(2, valid)": ((2, "valid"), (2, "valid"), 343),
    "B": ((1, "valid"), (1, "valid"), 108),
}


def source_stack(first, second):
    pool = Layer(2, stride=2)
    return [Layer(3, *first), pool, Layer(3, *second), pool]


def forward_2d(image, layers):
    for layer in layers:
        before, after = resolve_padding(
            image.shape[-1], kernel_size=layer.kernel_size, stride=layer.stride, padding=layer.padding
        )
        kernel = torch.ones(1, 1, layer.kernel_size, layer.kernel_size, dtype=image.dtype)
        image = F.conv2d(F.pad(image, (before, after, before, after)), kernel, stride=layer.stride)
    return image


@pytest.mark.parametrize(("first", "second", "missed"), SOURCE_NETWORKS.values(), ids=SOURCE_NETWORKS)
def test_pixels_the_sources_networks_never_read(first, second, missed):
    layers = source_stack(first, second)
    lost = network_unread(28, layers)
    assert 28**2 - (28 - len(lost)) ** 2 == missed
    assert lost == tuple(range(28 - len(lost), 28))  # always the bottom rows and the right columns
    image = torch.zeros(1, 1, 28, 28, dtype=torch.float64, requires_grad=True)
    forward_2d(image, layers).sum().backward()
    assert int((image.grad == 0).sum()) == missed


def test_the_map_and_field_of_the_sources_networks():
    last = {
        name: trace(28, source_stack(first, second))[-1][1:4]
        for name, (first, second, _) in SOURCE_NETWORKS.items()
    }
    # size, jump and receptive field after the second pooling
    assert last == {
        "(1, same)": (7, 4, 10),
        "(2, same)": (2, 16, 21),
        "(1, valid)": (5, 4, 10),
        "A": (2, 8, 17),
        "(2, valid)": (1, 16, 21),
        "B": (5, 4, 10),
    }


def vgg16():
    layers = []
    for block, count in enumerate((2, 2, 3, 3, 3), start=1):
        layers += [Layer(3, padding="same", name=f"conv{block}_{number}") for number in range(1, count + 1)]
        layers.append(Layer(2, stride=2, padding="same", name=f"pool{block}"))
    return layers


def test_araujo_vgg16_end_points():
    rows = {row.name: (row.receptive_field, row.jump, -row.start) for row in trace(224, vgg16())}
    published = {
        "conv1_1": (3, 1, 1),
        "pool1": (6, 2, 2),
        "pool2": (16, 4, 6),
        "pool3": (44, 8, 18),
        "pool4": (100, 16, 42),
        "pool5": (212, 32, 90),
    }
    assert {name: rows[name] for name in published} == published
    assert receptive_field(vgg16()) == (212, 32)


def test_araujo_alexnet():
    pool = Layer(3, stride=2)
    same3 = Layer(3, padding="same")
    layers = [Layer(11, stride=4), pool, Layer(5, padding="same"), pool, same3, same3, same3, pool]
    last = trace(224, layers)[-1]
    assert (last.receptive_field, last.jump, -last.start) == (195, 32, 64)


def test_names_fall_back_to_the_position():
    rows = trace(28, [Layer(3), Layer(2, stride=2, name="pool")])
    assert [row.name for row in rows] == ["layer 1", "pool"]
    assert rows[0] == TraceRow(name="layer 1", size=26, jump=1, receptive_field=3, start=0)


def test_numpy_integers_become_plain_ones():
    layer = Layer(np.int64(3), stride=np.uint8(2), padding=np.int32(1), dilation=np.int8(1))
    assert layer == Layer(3, stride=2, padding=1)
    assert all(type(number) is int for number in trace(np.uint8(200), [layer, layer])[-1][1:])
    assert all(type(index) is int for index in network_unread(np.uint8(200), [Layer(3, stride=np.uint8(4))]))
