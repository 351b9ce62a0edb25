"""The sources' networks: their published sizes, parameters, cost, and Keras's initial weights."""

import copy
import math
from collections import OrderedDict

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.arithmetic import Layer, macs, trace
from helpers.layers import Conv2dSame
from helpers.models import (
    CNNBiLSTM,
    LastStates,
    MapToSequence,
    fashion_cnn,
    keras_init_,
    layers_of,
    mnist_cnn,
)
from helpers.sources import MNIST_SETTINGS

MNIST = [(stride, padding) for stride in (1, 2) for padding in ("same", "valid", "same-pytorch")]
MODELS = {
    **{f"mnist-{s}-{p}": lambda s=s, p=p: mnist_cnn(stride=s, padding=p) for s, p in MNIST},
    "A": lambda: fashion_cnn(stride=2),
    "B": lambda: fashion_cnn(stride=1),
    "C": CNNBiLSTM,
}

# SOURCES.md sections 1, 2 and 4: parameters; pixels a side after conv1, pool1, conv2, pool2.
PUBLISHED = {
    "mnist-1-same": (421_642, [28, 14, 14, 7]),
    "mnist-2-same": (53_002, [14, 7, 4, 2]),
    "mnist-1-valid": (225_034, [26, 13, 11, 5]),
    "mnist-2-valid": (28_426, [13, 6, 2, 1]),
    "mnist-1-same-pytorch": (421_642, [28, 14, 14, 7]),
    "mnist-2-same-pytorch": (53_002, [14, 7, 4, 2]),
    "A": (53_002, [13, 6, 4, 2]),
    "B": (225_034, [26, 13, 11, 5]),
    "C": (51_274, [28, 14]),
}
# Layer by layer, output pixels times weights: for A, B and C the published 0.378, 2.631 and 9.861 million.
MACS = {
    "mnist-1-same": 28**2 * 288 + 14**2 * 18_432 + 3136 * 128 + 1280,
    "mnist-2-same": 14**2 * 288 + 4**2 * 18_432 + 256 * 128 + 1280,
    "mnist-1-valid": 26**2 * 288 + 11**2 * 18_432 + 1600 * 128 + 1280,
    "mnist-2-valid": 13**2 * 288 + 2**2 * 18_432 + 64 * 128 + 1280,
    "A": 13**2 * 288 + 4**2 * 18_432 + 256 * 128 + 1280,
    "B": 26**2 * 288 + 11**2 * 18_432 + 1600 * 128 + 1280,
    "C": 28**2 * 288 + 196 * 2 * 256 * (32 + 64) + 1280,
}


def outputs(model):
    """Shape of every named layer's output for two images."""
    shapes, image = {}, torch.zeros(2, 1, 28, 28)
    for name, layer in model.named_children():
        image = layer(image)
        shapes[name] = tuple(image.shape)
    return shapes


def multiplications(model):
    """MACs of a model for one image: its layers by `arithmetic`, an LSTM as a dense layer at every step."""
    total, shapes = 0, outputs(model)
    for name, layer in model.named_children():
        if isinstance(layer, nn.Conv2d):
            total += macs(layer.in_channels, layer.out_channels, layer.kernel_size, shapes[name][2:])
        elif isinstance(layer, nn.Linear):
            total += macs(layer.in_features, layer.out_features, kernel_size=1, output_size=1)
        elif isinstance(layer, nn.LSTM):
            steps = shapes["sequence"][1]
            total += 2 * macs(layer.input_size + layer.hidden_size, 4 * layer.hidden_size, 1, (steps, 1))
    return total


@pytest.mark.parametrize("name", MNIST_SETTINGS)
def test_the_layers_of_a_setting_make_the_maps_of_its_network(name):
    setting = MNIST_SETTINGS[name]
    assert name == f"s{setting.stride}-{setting.padding}"
    shapes = outputs(mnist_cnn(**setting._asdict()))
    maps = [shapes[layer][2] for layer in ("conv1", "pool1", "conv2", "pool2")]
    assert [row.size for row in trace(28, layers_of(setting))] == maps


@pytest.mark.parametrize("name", MODELS)
def test_sizes_and_parameters_are_the_published_ones(name):
    model = MODELS[name]()
    parameters, sizes = PUBLISHED[name]
    shapes = outputs(model)
    assert sum(p.numel() for p in model.parameters()) == parameters
    maps = [shapes[layer][2:] for layer in ("conv1", "pool1", "conv2", "pool2") if layer in shapes]
    assert maps == [(size, size) for size in sizes]
    assert list(shapes.values())[-1] == (2, 10)


@pytest.mark.parametrize("name", MACS)
def test_cost_is_the_published_one(name):
    assert multiplications(MODELS[name]()) == MACS[name]


@pytest.mark.parametrize(("stride", "size", "jump"), [(2, 17, 8), (1, 10, 4)])
def test_receptive_field_of_a_and_b(stride, size, jump):
    model = fashion_cnn(stride=stride)
    names = ("conv1", "pool1", "conv2", "pool2")
    windows = [model.get_submodule(name) for name in names]
    sides = [(torch.tensor(w.kernel_size).max().item(), torch.tensor(w.stride).max().item()) for w in windows]
    row = trace(28, [Layer(*side) for side in sides])[-1]
    assert (row.receptive_field, row.jump) == (size, jump)


def test_same_is_tensorflows_phase_and_same_pytorch_is_not():
    assert isinstance(mnist_cnn(stride=2, padding="same").conv1, Conv2dSame)
    tensorflow, pytorch = mnist_cnn(stride=2, padding="same"), mnist_cnn(stride=2, padding="same-pytorch")
    pytorch.load_state_dict(tensorflow.state_dict())
    image = torch.rand((1, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    shifted = image.roll((1, 1), dims=(2, 3))  # the same map one pixel further, but for the border
    torch.testing.assert_close(pytorch.conv1(shifted)[..., 1:, 1:], tensorflow.conv1(image)[..., :-1, :-1])
    assert not torch.allclose(pytorch(image), tensorflow(image))


def test_relu_after_pooling_learns_what_the_sources_order_learns_to_the_bit():
    ours = mnist_cnn(stride=1, padding="same")
    layers = OrderedDict(ours.named_children())
    order = ["conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "flatten", "fc1", "relu3", "fc2"]
    theirs = copy.deepcopy(nn.Sequential(OrderedDict((name, layers[name]) for name in order)))
    assert list(layers) != order
    assert layers.keys() == set(order)
    random = torch.Generator().manual_seed(0)
    images = torch.rand((32, 1, 28, 28), generator=random)
    images *= images > 0.8  # black, as the images are, so that many sums are equal
    labels = torch.randint(10, (32,), generator=random)
    for model in (ours, theirs):
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    for weights, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(weights, expected, rtol=0, atol=0)


def test_dropout_is_in_the_fashion_models_only():
    rates = {
        name: [m.p for m in make().modules() if isinstance(m, nn.Dropout)] for name, make in MODELS.items()
    }
    assert rates == {name: [0.5] if name in "ABC" else [] for name in MODELS}


@pytest.mark.parametrize("stride", [0, 3, -1, "2", None])
def test_refuses_another_stride(stride):
    for build in (lambda: mnist_cnn(stride=stride, padding="same"), lambda: fashion_cnn(stride=stride)):
        with pytest.raises(ValueError, match="stride must be one of 1, 2, got"):
            build()


def test_refuses_another_padding():
    with pytest.raises(
        ValueError, match="padding must be one of 'same', 'valid', 'same-pytorch', got 'full'"
    ):
        mnist_cnn(stride=1, padding="full")


# --- the LSTM


def by_hand(lstm, sequence, suffix):
    """One direction of an LSTM as its equations say, with the one bias that Keras has."""
    w_input, w_hidden = getattr(lstm, f"weight_ih_{suffix}"), getattr(lstm, f"weight_hh_{suffix}")
    hidden = cell = torch.zeros(len(sequence), lstm.hidden_size)
    for step in sequence.unbind(1):
        gates = step @ w_input.T + hidden @ w_hidden.T + getattr(lstm, f"bias_ih_{suffix}")
        enter, keep, new, leave = gates.chunk(4, dim=1)
        cell = keep.sigmoid() * cell + enter.sigmoid() * new.tanh()
        hidden = leave.sigmoid() * cell.tanh()
    return hidden


def test_last_states_are_the_equations_in_both_directions():
    lstm, sequence = LastStates(3, 4), torch.rand(2, 5, 3)
    expected = torch.cat(
        (by_hand(lstm, sequence, "l0"), by_hand(lstm, sequence.flip(1), "l0_reverse")), dim=1
    )
    torch.testing.assert_close(lstm(sequence), expected)


def test_one_bias_a_gate_that_stays_alone_through_copies_and_training():
    lstm = copy.deepcopy(LastStates(3, 4)).double()
    assert {name for name, _ in lstm.named_parameters()} == {
        f"{kind}_l0{suffix}" for kind in ("weight_ih", "weight_hh", "bias_ih") for suffix in ("", "_reverse")
    }
    optimizer = torch.optim.SGD(lstm.parameters(), lr=1.0)
    lstm(torch.rand(2, 5, 3, dtype=torch.float64)).sum().backward()
    before = lstm.bias_ih_l0.clone()
    optimizer.step()
    assert not torch.equal(before, lstm.bias_ih_l0)
    assert lstm.bias_hh_l0.count_nonzero() == 0
    lstm.load_state_dict(LastStates(3, 4).state_dict())


def test_a_map_is_read_row_by_row():
    image = torch.arange(2 * 3 * 2).reshape(1, 2, 3, 2)  # (N, C, H, W)
    sequence = MapToSequence()(image)
    assert sequence.shape == (1, 6, 2)
    assert sequence[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert torch.equal(sequence[0, 3], image[0, :, 1, 1])


# --- Keras's initial weights


def initialized(name, seed=0):
    model = MODELS[name]()
    keras_init_(model, torch.Generator().manual_seed(seed))
    return model


@pytest.mark.parametrize(
    ("layer", "fans"),
    [("conv1", (9, 288)), ("conv2", (288, 576)), ("fc1", (3136, 128)), ("fc2", (128, 10))],
)
def test_weights_are_uniform_within_glorots_limit(layer, fans):
    module = initialized("mnist-1-same").get_submodule(layer)
    limit = math.sqrt(6 / sum(fans))
    weights = module.weight.detach()
    assert 0.97 * limit < weights.abs().max() <= limit
    # A uniform draw on [-limit, limit] has this spread; three standard errors for the smallest layer.
    assert weights.std() == pytest.approx(limit / math.sqrt(3), rel=3 * math.sqrt(0.2 / weights.numel()))
    assert module.bias.count_nonzero() == 0


@pytest.mark.parametrize("suffix", ["l0", "l0_reverse"])
def test_lstm_starts_as_kerass(suffix):
    lstm = initialized("C").lstm
    limit = math.sqrt(6 / (32 + 256))
    assert 0.97 * limit < getattr(lstm, f"weight_ih_{suffix}").detach().abs().max() <= limit
    recurrent = getattr(lstm, f"weight_hh_{suffix}").detach().T  # (64, 256), as Keras holds it
    torch.testing.assert_close(recurrent @ recurrent.T, torch.eye(64), atol=1e-5, rtol=0)
    assert getattr(lstm, f"bias_ih_{suffix}").tolist() == [0.0] * 64 + [1.0] * 64 + [0.0] * 128


@pytest.mark.parametrize("name", ["mnist-2-valid", "C"])
def test_weights_depend_on_the_generator_alone(name):
    first = initialized(name).state_dict()
    torch.manual_seed(99)
    again, other = initialized(name).state_dict(), initialized(name, seed=1).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not any(torch.equal(first[key], other[key]) for key in first if "weight" in key)


def test_init_leaves_the_global_stream_alone():
    model = CNNBiLSTM()
    before = torch.get_rng_state()
    keras_init_(model, torch.Generator().manual_seed(0))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("layer", [nn.LSTM(2, 3), nn.BatchNorm2d(4)])
def test_init_refuses_a_layer_it_has_no_rule_for(layer):
    with pytest.raises(TypeError, match=f"got layer '1' of type {type(layer).__name__}"):
        keras_init_(nn.Sequential(nn.ReLU(), layer), torch.Generator())
