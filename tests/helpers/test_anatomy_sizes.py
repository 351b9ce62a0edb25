"""At which sizes a model runs, and where it stops at the others: the arithmetic of stacks is the oracle."""

import pytest
import torch
from torch import nn

from helpers.anatomy import stops_by_size
from helpers.arithmetic import Layer, stack_sizes


def test_a_stack_stops_where_the_arithmetic_says():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 5, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.ConvTranspose2d(4, 4, 2, 2, 1),
        nn.Flatten(),
    )
    stack = [Layer(5, 2), Layer(2, kind="pooling"), Layer(2, 2, 1, kind="transposed")]
    found = stops_by_size(net, range(1, 40))
    works = tuple(size for size, stop in found.items() if stop is None)
    assert works == stack_sizes(stack, range(1, 40)).works
    assert [found[size].layer for size in (4, 6, 8)] == ["0", "2", "3"]
    assert "Kernel size can't be greater than actual input size" in found[4].reason
    assert net.training
    assert not net[0].weight.is_meta


class Skipping(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.MaxPool2d(4), nn.Upsample(scale_factor=4)

    def forward(self, x):
        return x + self.up(self.down(x)) if x.shape[-1] > 1 else x[:0]


def test_the_model_itself_stops_where_its_maps_do_not_fit():
    found = stops_by_size(Skipping(), range(4, 17))
    assert [size for size, stop in found.items() if stop is None] == [4, 8, 12, 16]
    assert found[5].layer == ""
    assert "length 4" in found[5].reason
    assert stops_by_size(Skipping(), [1, 3]) == {
        1: ("", "the output holds nothing, its shape is (0, 3, 1, 1)"),
        3: ("down", stops_by_size(Skipping(), [3])[3].reason),
    }


class Looking(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3)

    def forward(self, x):
        y = self.conv(x)
        return y if y.sum().item() < 1e9 else x


def test_a_model_that_looks_at_values_runs_with_its_own():
    found = stops_by_size(Looking(), range(1, 5))
    assert [bool(stop) for stop in found.values()] == [True, True, False, False]
    without = stops_by_size(Looking().to("meta"), [2, 8])
    assert "meta" in without[8].reason


def test_wrong_arguments_are_refused():
    conv = nn.Conv2d(1, 1, 3)
    with pytest.raises(ValueError, match="sizes must be at least 1, got 0"):
        stops_by_size(conv, range(3))
    with pytest.raises(ValueError, match="sizes must hold at most 10,000 sizes, got more"):
        stops_by_size(conv, range(1, 10**12))
    with pytest.raises(TypeError, match=r"model must be a torch\.nn\.Module, got 3"):
        stops_by_size(3, [8])
    assert stops_by_size(conv.to(torch.float64), []) == {}
    assert stops_by_size(conv, [3]) == {3: None}
