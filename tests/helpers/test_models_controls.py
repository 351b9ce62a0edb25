"""The networks of the controls: what they read, what they share with the sources' ones, how they begin."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.arithmetic import Layer, network_unread, receptive_field
from helpers.layers import BlurPool2d
from helpers.models import (
    CNNBiLSTM,
    LastStates,
    MapToSequence,
    cnn,
    fashion_cnn,
    hybrid_cnn,
    keras_init_,
    small_cnn,
)
from helpers.models.cnn import features, map_shape

STRIDES = st.lists(st.integers(1, 2), min_size=1, max_size=3)


def seeded(model, seed=0):
    keras_init_(model, torch.Generator().manual_seed(seed))
    return model.eval()


def linear(layers):
    """The same windows, summing: so that the gradient of a unit shows all that it can depend on."""
    for name, layer in layers.items():
        if isinstance(layer, nn.MaxPool2d):
            layers[name] = nn.AvgPool2d(layer.kernel_size, layer.stride)
        elif isinstance(layer, nn.Conv2d):
            layer.weight.data.fill_(1)
        elif isinstance(layer, nn.ReLU):
            layers[name] = nn.Identity()
    return nn.Sequential(layers)


def dependence(unit_of, layers):
    """Which pixels of a row the chosen units of the last map depend on, by gradient."""
    image = torch.zeros(1, 1, 28, 28, requires_grad=True)
    unit_of(linear(layers)(image)).sum().backward()
    return (image.grad[0, 0] != 0).any(0)


def windows(strides, pools, padding):
    for stride, pool in zip(strides, pools, strict=True):
        yield Layer(3, stride, {"same": "same", "valid": 0, "same-pytorch": 1}[padding])
        if pool is not None:
            yield Layer(pool[0], stride=pool[1])


@settings(max_examples=40)
@given(st.data(), STRIDES, st.sampled_from(["same", "valid", "same-pytorch"]))
def test_what_a_network_reads_is_what_arithmetic_says(data, strides, padding):
    choices = st.sampled_from([None, (2, 2), (3, 4), (3, 2)])
    pools = tuple(data.draw(st.lists(choices, min_size=len(strides), max_size=len(strides))))
    stack = list(windows(strides, pools, padding))
    try:
        unread = network_unread(28, stack)
    except ValueError:  # shrunk away
        return
    layers = features(strides=strides, padding=padding, channels=(2,) * len(strides), pools=pools)
    assert tuple((~dependence(lambda last: last, layers)).nonzero().flatten().tolist()) == unread


@pytest.mark.parametrize(
    ("arguments", "shape", "unread"),
    [
        ({"strides": (1, 1)}, (64, 5, 5), 2),
        ({"strides": (1, 1), "border": (1, 1)}, (64, 6, 6), 0),
        ({"strides": (2, 2)}, (64, 1, 1), 7),
        ({"strides": (2, 2), "border": (4, 5)}, (64, 2, 2), 0),
        ({"strides": (2, 2), "pools": ((2, 2), None)}, (64, 2, 2), 7),
        ({"strides": (2, 1)}, (64, 2, 2), 3),
        ({"strides": (2, 1), "border": (2, 3)}, (64, 3, 3), 0),
        ({"strides": (1, 1), "pools": ((3, 4), (2, 2))}, (64, 2, 2), 3),
    ],
)
def test_a_border_lets_a_network_read_every_pixel(arguments, shape, unread):
    assert map_shape(features(**arguments)) == shape
    read = dependence(lambda last: last, features(**arguments))
    assert int((~read).sum()) == unread
    assert read[: 28 - unread].all()  # what is not read lies at the end


def test_stride_one_pooled_like_a_has_as_receptive_fields():
    """Equal jumps, fields and maps: only where the subsampling takes place differs."""
    like_a = [Layer(3), Layer(3, stride=4), Layer(3), Layer(2, stride=2)]
    a = [Layer(3, stride=2), Layer(2, stride=2), Layer(3), Layer(2, stride=2)]
    assert receptive_field(like_a) == receptive_field(a) == (17, 8)
    for pools, strides in ((((3, 4), (2, 2)), (1, 1)), ((), (2, 1))):
        layers = features(strides=strides, pools=pools)
        read = dependence(lambda last: last[:, :, 0, 0], layers)
        assert int(read.sum()) == 17


def test_an_average_makes_the_size_of_the_map_decide_no_parameters():
    sizes = {
        sum(
            parameter.numel()
            for parameter in cnn(strides=strides, padding=padding, head="average").parameters()
        )
        for strides in ((1, 1), (2, 1), (2, 2))
        for padding in ("same", "valid")
    }
    assert sizes == {28_426}


def test_an_average_is_the_mean_over_the_map():
    model = seeded(cnn(strides=(1, 1), head="average"))
    image = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    average = list(model.named_children()).index(("average", model.average))
    torch.testing.assert_close(model[: average + 2](image), model[:average](image).mean((2, 3)))


@pytest.mark.parametrize("pooling", ["blur", "max-blur"])
def test_a_blur_keeps_maps_and_parameters_as_pooling_has_them(pooling):
    blurred, pooled = (cnn(strides=(1, 1), padding="same", pooling=kind) for kind in (pooling, "max"))
    assert [p.shape for p in blurred.parameters()] == [p.shape for p in pooled.parameters()]
    assert sum(isinstance(layer, BlurPool2d) for layer in blurred.modules()) == 2


def test_max_blur_takes_the_maximum_before_it_blurs():
    pool = cnn(strides=(1,), padding="same", channels=(1,), pooling="max-blur").pool1
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, 10, 10] = 1
    widened = nn.functional.max_pool2d(image, 2, stride=1)
    torch.testing.assert_close(pool(image), BlurPool2d(1)(widened))
    assert pool(image).sum() == pytest.approx(1.0)  # four cells of 1, a quarter of which is sampled


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_the_padding_mode_is_that_of_every_convolution(mode):
    model = cnn(strides=(1, 1), padding="same", padding_mode=mode)
    assert {layer.padding_mode for layer in model.modules() if isinstance(layer, nn.Conv2d)} == {mode}
    white = seeded(model).conv1(torch.ones(1, 1, 28, 28))
    assert torch.allclose(white, white[:, :, 14:15, 14:15], atol=1e-6) == (mode != "zeros")


@pytest.mark.parametrize("strides", [(1, 1), (1, 2), (2, 2)])
def test_networks_of_the_same_layers_begin_alike_whatever_their_strides(strides):
    first, other = seeded(cnn(strides=(2, 1), head="average")), seeded(cnn(strides=strides, head="average"))
    assert all(map(torch.equal, first.parameters(), other.parameters()))


def test_a_and_b_without_dropout_begin_as_with_it():
    for stride in (1, 2):
        assert all(
            map(
                torch.equal,
                seeded(fashion_cnn(stride=stride)).parameters(),
                seeded(cnn(strides=(stride, 1))).parameters(),
            )
        )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (partial(cnn, strides=(1, 1), padding="full"), "padding must be one of 'same', 'valid'.*got 'full'"),
        (partial(cnn, strides=(1, 1), pooling="mean"), "pooling must be one of 'max', 'blur'.*got 'mean'"),
        (partial(cnn, strides=(1, 1), padding_mode="ones"), "padding_mode must be one of .*got 'ones'"),
        (partial(cnn, strides=(1, 1), head="max"), "head must be one of 'flatten', 'average', got 'max'"),
        (
            partial(cnn, strides=(1, 1, 1)),
            r"channels and pools must have an entry .* for strides=\(1, 1, 1\)",
        ),
        (partial(cnn, strides=(1, 1), pools=(None,)), r"got channels=\(32, 64\) and pools=\(None,\)"),
        (
            partial(cnn, strides=(0, 1)),
            "strides, padding and pools must leave maps that conv1 can take, got 28 x 28: ",
        ),
        (partial(cnn, strides=(1, 1), pools=((2, 2), (40, 2))), "maps that pool2 can take, got 11 x 11"),
        (partial(hybrid_cnn, strides=(8, 8), padding="valid"), "maps that conv2 can take, got 2 x 2"),
        (
            partial(hybrid_cnn, reading="cols"),
            "reading must be one of 'pixels', 'rows', 'columns', got 'cols'",
        ),
    ],
)
def test_what_cannot_be_built_is_said(build, message):
    with pytest.raises(ValueError, match=message):
        build()


# --- hybrids


def test_the_hybrid_by_default_is_model_c():
    first, second = seeded(CNNBiLSTM()), seeded(hybrid_cnn())
    assert [name for name, _ in first.named_children()] == [name for name, _ in second.named_children()]
    image = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(first(image), second(image))


def test_rows_and_columns_are_lines_of_the_map():
    image = torch.arange(2 * 3 * 4).reshape(1, 2, 3, 4)  # (N, C, H, W)
    rows, columns = MapToSequence("rows")(image), MapToSequence("columns")(image)
    assert (rows.shape, columns.shape) == ((1, 3, 8), (1, 4, 6))
    for line in range(3):
        assert torch.equal(rows[0, line].reshape(4, 2), image[0, :, line].T)
    for line in range(4):
        assert torch.equal(columns[0, line].reshape(3, 2), image[0, :, :, line].T)
    for reading, features_of_a_step in (("pixels", 2), ("rows", 8), ("columns", 6)):
        sequence = MapToSequence(reading)
        assert sequence.width(2, 3, 4) == features_of_a_step == sequence(image).shape[2]


def test_a_shuffled_order_is_one_permutation_for_every_network():
    image = torch.rand(2, 3, 14, 14)
    first, again = (MapToSequence(shuffled=True)(image) for _ in range(2))
    in_order = MapToSequence()(image)
    assert torch.equal(first, again)
    assert not torch.equal(first, in_order)
    assert torch.equal(first.sum(2).sort().values, in_order.sum(2).sort().values)


def test_one_direction_is_the_forward_half_of_two():
    two = LastStates(3, 4)
    one = LastStates(3, 4, bidirectional=False)
    one.load_state_dict({name: value for name, value in two.state_dict().items() if "reverse" not in name})
    sequence = torch.rand(2, 5, 3)
    torch.testing.assert_close(one(sequence), two(sequence)[:, :4])
    assert len(list(one.parameters())) == 3


@pytest.mark.parametrize(
    ("arguments", "steps", "parameters"),
    [
        ({}, (196, 32), 51_274),
        ({"strides": (2,)}, (49, 32), 51_274),
        ({"strides": (1, 1), "padding": "valid"}, (25, 64), 86_154),
        ({"reading": "rows"}, (14, 448), 264_266),
        ({"reading": "columns"}, (14, 448), 264_266),
        ({"reading": "rows", "units": 14}, (14, 448), 52_466),
        ({"units": 96, "bidirectional": False}, (196, 32), 50_826),
        ({"shuffled": True}, (196, 32), 51_274),
    ],
)
def test_sequences_and_sizes_of_the_hybrids(arguments, steps, parameters):
    model = hybrid_cnn(**arguments)
    place = list(dict(model.named_children())).index("sequence")
    assert model[: place + 1](torch.zeros(1, 1, 28, 28)).shape[1:] == steps
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(
    ("settings", "side", "parameters"),
    [
        ({}, 5, 5_258),
        ({"padding": "same"}, 7, 9_098),
        ({"strides": (2, 2)}, 1, 1_418),
        ({"strides": (2, 2), "border": 9}, 2, 1_898),
        ({"strides": (2, 1), "padding": "same", "convention": "onnx-lower", "channels": (4, 6)}, 3, 812),
        ({"kernel_size": 5, "padding": (2, 1), "pool": False}, 26, 111_594),
    ],
)
def test_sizes_of_the_networks_that_a_page_trains(settings, side, parameters):
    model = small_cnn(**settings)
    maps = model[:-2](torch.zeros(2, 1, 28, 28))
    assert maps.shape[2:] == (side, side)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(
    ("settings", "layer"),
    [
        ({"kernel_size": 7, "strides": (4, 1)}, "conv2"),
        ({"strides": (4, 4)}, "pool2"),
        ({"strides": (2, 2), "kernel_size": 6}, "pool2"),
    ],
)
def test_a_layer_without_a_map_is_named(settings, layer):
    with pytest.raises(ValueError, match=f"must leave maps that {layer} can take"):
        small_cnn(**settings)
