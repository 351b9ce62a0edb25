"""Multiplications and parameters: torch's own counters are the oracle, published totals the examples."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import AlexNet_Weights, VGG16_Weights

from helpers.arithmetic import Layer, macs, output_size, parameters, trace

sides = st.integers(1, 4)
size_or_pair = st.one_of(sides, st.tuples(sides, sides))


@settings(max_examples=50)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), size_or_pair, size_or_pair, st.booleans())
def test_counts_are_torchs(groups, in_per_group, out_per_group, kernel_size, map_size, bias):
    channels = (groups * in_per_group, groups * out_per_group)
    layer = torch.nn.Conv2d(*channels, kernel_size, groups=groups, bias=bias)
    assert parameters(*channels, kernel_size, groups=groups, bias=bias) == sum(
        weight.numel() for weight in layer.parameters()
    )
    image = torch.zeros(1, channels[0], *np.broadcast_to(np.add(kernel_size, map_size) - 1, 2))
    with FlopCounterMode(display=False) as counter:
        layer(image)
    # torch counts a multiplication and an addition as two.
    assert 2 * macs(*channels, kernel_size, map_size, groups=groups) == counter.get_total_flops()


@given(st.integers(1, 6), st.integers(1, 6), st.integers(2, 6))
def test_groups_must_divide_both_channel_counts(in_channels, out_channels, groups):
    assume(in_channels % groups or out_channels % groups)
    for count in (
        lambda: macs(in_channels, out_channels, 3, 8, groups=groups),
        lambda: parameters(in_channels, out_channels, 3, groups=groups),
    ):
        with pytest.raises(
            ValueError, match=f"groups must divide .*{in_channels}.*{out_channels}.* got {groups}"
        ):
            count()


def test_alexnets_first_layer_as_cs231n_counts_it():
    units = 96 * output_size(227, kernel_size=11, stride=4) ** 2
    assert units == 290_400
    assert parameters(3, 96, 11) == 34_944
    assert macs(3, 96, 11, 55) == units * 11 * 11 * 3


def dense(inputs, outputs):
    return inputs, outputs, 1, 1


# in_channels, out_channels, kernel_size, output_size of every layer with weights, torchvision's variants
ALEXNET = [
    *[(3, 64, 11, 55), (64, 192, 5, 27), (192, 384, 3, 13), (384, 256, 3, 13), (256, 256, 3, 13)],
    *[dense(256 * 36, 4096), dense(4096, 4096), dense(4096, 1000)],
]
VGG16 = [
    *[(3, 64, 3, 224), (64, 64, 3, 224), (64, 128, 3, 112), (128, 128, 3, 112)],
    *[(128, 256, 3, 56), (256, 256, 3, 56), (256, 256, 3, 56), (256, 512, 3, 28), (512, 512, 3, 28)],
    *[(512, 512, 3, 28), (512, 512, 3, 14), (512, 512, 3, 14), (512, 512, 3, 14)],
    *[dense(512 * 49, 4096), dense(4096, 4096), dense(4096, 1000)],
]


@pytest.mark.parametrize(
    ("layers", "weights", "published"),
    [
        (ALEXNET, AlexNet_Weights.IMAGENET1K_V1, (61_100_840, 0.714)),
        (VGG16, VGG16_Weights.IMAGENET1K_V1, (138_357_544, 15.47)),
    ],
    ids=["AlexNet", "VGG-16"],
)
def test_published_totals(layers, weights, published):
    counted = sum(parameters(*layer[:3]) for layer in layers)
    billions = sum(macs(*layer) for layer in layers) / 1e9
    assert (weights.meta["num_params"], weights.meta["_ops"]) == pytest.approx(published, abs=0.005)
    assert counted == weights.meta["num_params"]
    assert billions == pytest.approx(weights.meta["_ops"], abs=0.005)


def source_model(first, second):
    """Layers with weights of the sources' two-convolution network: (in, out, kernel_size, output_size)."""
    pool = Layer(2, stride=2)
    sizes = [row.size for row in trace(28, [Layer(3, *first), pool, Layer(3, *second), pool])]
    flat = 64 * sizes[3] ** 2
    return [(1, 32, 3, sizes[0]), (32, 64, 3, sizes[2]), dense(flat, 128), dense(128, 10)]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((1, "same"), (1, "same"), 421_642),
        ((2, "same"), (2, "same"), 53_002),
        ((1, "valid"), (1, "valid"), 225_034),
        ((2, "valid"), (2, "valid"), 28_426),
        ((2, "valid"), (1, "valid"), 53_002),
    ],
    ids=["(1, same)", "(2, same)", "(1, valid) and B", "(2, valid)", "A"],
)
def test_parameters_of_the_sources_models(first, second, expected):
    assert sum(parameters(*layer[:3]) for layer in source_model(first, second)) == expected


@pytest.mark.parametrize(
    ("first", "millions"), [((2, "valid"), 0.378), ((1, "valid"), 2.631)], ids=["A", "B"]
)
def test_macs_of_models_a_and_b(first, millions):
    total = sum(macs(*layer) for layer in source_model(first, (1, "valid")))
    assert round(total / 1e6, 3) == millions


def test_numpy_integers_become_plain_ones():
    assert type(macs(np.int8(100), np.int8(100), np.int8(3), (np.int8(100), np.int8(100)))) is int
    assert type(parameters(np.int8(100), np.int8(100), np.int8(3))) is int
    assert parameters(np.int8(100), np.int8(100), np.int8(3)) == 90_100


@settings(max_examples=50)
@given(
    st.sampled_from(["convolution", "transposed"]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(1, 2),
    st.integers(1, 3),
    st.integers(1, 4),
)
def test_counts_in_every_dimension_are_torchs(
    kind, dimensions, groups, in_per_group, out_per_group, kernel_size, size
):
    channels = (groups * in_per_group, groups * out_per_group)
    name = f"Conv{'Transpose' if kind == 'transposed' else ''}{dimensions}d"
    layer = getattr(torch.nn, name)(*channels, kernel_size, groups=groups)
    settings = {"groups": groups, "dimensions": dimensions, "kind": kind}
    assert parameters(*channels, kernel_size, **settings) == sum(
        weight.numel() for weight in layer.parameters()
    )
    size_in = size if kind == "transposed" else size + kernel_size - 1
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(1, channels[0], *(size_in,) * dimensions))
    sizes = {"input_size": size} if kind == "transposed" else {"output_size": size}
    assert 2 * macs(*channels, kernel_size, **sizes, **settings) == counter.get_total_flops()


def test_costs_of_transposed_layers_and_poolings():
    assert macs(3, 1, 2, input_size=2, kind="transposed") == 48
    assert macs(32, 1, 3, input_size=1, kind="transposed") == 288
    for kind in ("pooling", "resize"):
        assert macs(8, 8, 2, 14, kind=kind) == parameters(8, 8, 2, kind=kind) == 0
    assert macs(1, 2, (3,), (10,), dimensions=1) == 60
    assert parameters(3, 64, (3, 7, 7), dimensions=3, bias=False) == 28_224  # R3D's stem


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"kind": "transposed"},
            "input_size must be the one size given for kind=.transposed., got output_size=8",
        ),
        ({"output_size": None}, "output_size must be the one size given"),
        ({"input_size": 8}, "output_size must be the one size given"),
        ({"dimensions": 4}, "dimensions must be 1, 2 or 3, got 4"),
        ({"kind": "dense"}, "kind must be one of 'convolution', .* got 'dense'"),
        (
            {"dimensions": 3, "kernel_size": (3, 3)},
            r"one number or three, \(depth, height, width\), got \(3, 3\)",
        ),
        ({"dimensions": 1, "kernel_size": (3, 3)}, r"must be one number, \(length,\), got \(3, 3\)"),
    ],
)
def test_costs_refuse_what_they_cannot_count(changed, message):
    given = {"in_channels": 2, "out_channels": 2, "kernel_size": 3, "output_size": 8} | changed
    with pytest.raises(ValueError, match=message):
        macs(**given)
    with pytest.raises(TypeError, match="dimensions must be a whole number, got the bool True"):
        macs(2, 2, 3, 8, dimensions=True)
