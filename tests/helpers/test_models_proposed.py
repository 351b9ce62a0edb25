"""Layers and networks of the literature: against their definitions, and against torch's own layers."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.models import PartialConv2d, PolyphasePool2d, cnn, residual_cnn


def image(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=30)
@given(down=st.integers(0, 11), right=st.integers(0, 11), stride=st.sampled_from([2, 3]))
def test_polyphase_sampling_moves_with_the_image(down, right, stride):
    maps = image(2, 3, 12, 12)
    kept, moved = (PolyphasePool2d(stride)(each) for each in (maps, maps.roll((down, right), (2, 3))))
    for one, other in zip(kept, moved, strict=True):  # each image has a phase of its own
        shifts = [other.roll((-y, -x), (1, 2)) for y in range(12 // stride) for x in range(12 // stride)]
        assert any(torch.equal(one, each) for each in shifts)


def test_polyphase_sampling_keeps_the_grid_of_the_largest_norm():
    maps = image(1, 2, 4, 4)
    grids = [maps[:, :, row::2, column::2] for row in range(2) for column in range(2)]
    largest = max(grids, key=lambda grid: grid.square().sum())
    assert torch.equal(PolyphasePool2d()(maps), largest)
    assert torch.equal(PolyphasePool2d(1)(maps), maps)
    assert repr(PolyphasePool2d(3)) == "PolyphasePool2d(stride=3)"


def test_polyphase_sampling_refuses_what_it_cannot_divide():
    with pytest.raises(ValueError, match="multiples of 2, got 4 x 5"):
        PolyphasePool2d()(image(1, 1, 4, 5))
    with pytest.raises(ValueError, match="stride must be"):
        PolyphasePool2d(0)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_a_partial_convolution_scales_by_what_of_its_window_is_image(stride, bias):
    layer = PartialConv2d(2, 3, 3, stride, bias=bias).double()
    maps = image(2, 2, 6, 7)
    found = layer(maps)
    before, after = ((0, 1), (1, 1)) if stride == 2 else ((1, 1), (1, 1))  # of 6 rows and of 7 columns
    padded, inside = (
        F.pad(each, (*after, *before)) for each in (maps, torch.ones(1, 1, 6, 7, dtype=torch.float64))
    )
    windows = F.avg_pool2d(inside, 3, stride)  # the share that is image
    expected = F.conv2d(padded, layer.weight, stride=stride) / windows
    expected = expected if layer.bias is None else expected + layer.bias[:, None, None]
    torch.testing.assert_close(found, expected)


def test_a_partial_convolution_is_a_plain_one_where_no_padding_is():
    layer = PartialConv2d(1, 2, 3).double()
    maps = image(1, 1, 8, 8)
    plain = F.conv2d(maps, layer.weight, layer.bias)
    torch.testing.assert_close(layer(maps)[..., 1:-1, 1:-1], plain)
    assert not torch.allclose(
        layer(maps)[..., 0, :], F.conv2d(maps, layer.weight, layer.bias, padding=1)[..., 0, :]
    )


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({}, [28, 28, 14, 7]),
        ({"stem": (7, 2), "stem_pool": True}, [7, 7, 4, 2]),
        ({"stem": (4, 4), "strides": (1, 1), "channels": (8, 8)}, [7, 7, 7]),
    ],
)
def test_sizes_of_a_residual_network(options, sizes):
    model, maps, found = residual_cnn(**options), torch.zeros(2, 1, 28, 28), []
    for name, layer in model.named_children():
        maps = layer(maps)
        if name.startswith(("relu", "pool", "block")):
            found.append(maps.shape[-1])
    assert found[-len(sizes) :] == sizes
    assert maps.shape == (2, 10)


def test_the_shortcut_of_a_residual_network_is_added():
    model = residual_cnn(strides=(1,), channels=(8,))
    for parameter in model.block1.parameters():
        nn.init.zeros_(parameter)
    maps = torch.rand(1, 8, 5, 5)
    assert torch.equal(model.block1(maps), maps)  # positive, so that ReLU leaves it
    assert isinstance(model.block1.shortcut, nn.Identity)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            partial(residual_cnn, strides=(1, 2)),
            r"strides must have an entry for each of channels, got \(1, 2\)",
        ),
        (partial(residual_cnn, stem=(0, 1)), "stem must be"),
        (partial(cnn, strides=(1, 1), kernel_sizes=(3,)), r"kernel_sizes must have an entry .* got \(3,\)"),
    ],
)
def test_networks_that_cannot_be_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_kernel_sizes_and_poolings_of_the_literature_make_the_layers_that_they_name():
    model = cnn(strides=(1, 2), kernel_sizes=(5, 6), padding="same", pools=(None, None))
    assert (model.conv1.kernel_size, model.conv2.kernel_size) == ((5, 5), (6, 6))
    unshuffled = cnn(strides=(1, 1), padding="same", pools=((2, 2), None), pooling="space-to-depth")
    assert unshuffled.conv2.in_channels == 4 * unshuffled.conv1.out_channels
    names = list(dict(cnn(strides=(1,), padding="same", pooling="polyphase").named_children()))
    assert names[:3] == ["conv1", "relu1", "pool1"]
    assert isinstance(cnn(strides=(1,), padding="same", padding_mode="partial").conv1, PartialConv2d)
