"""Anatomy against numbers that others have published or counted."""

import copy
from functools import cache

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model_weights

from helpers.anatomy import anatomy, load_model
from helpers.arithmetic import macs, parameters

# One model, the smallest or nearly, of each family in torchvision, and a few more.
MODELS = [
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "inception_v3",
    "maxvit_t",
    "mnasnet1_0",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "regnet_x_400mf",
    "regnet_y_400mf",
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "shufflenet_v2_x1_0",
    "squeezenet1_0",
    "swin_t",
    "swin_v2_t",
    "vgg16",
    "vit_b_32",
    "wide_resnet50_2",
]


@cache
def published(name):
    """Parameters, GMACs and input size, out of the metadata of the first weights on ImageNet."""
    weights = get_model_weights(name)["IMAGENET1K_V1"]
    size = weights.transforms.keywords["crop_size"]
    return weights.meta["num_params"], weights.meta["_ops"], size


@cache
def read(name):
    model = load_model(f"torchvision:{name}")
    return model, anatomy(model, published(name)[2])


def flops(model, *shape):
    """What torch's own counter counts."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(torch.empty(shape, device=next(model.parameters()).device))
    return counter.get_total_flops()


@pytest.mark.parametrize("name", MODELS)
def test_parameters_and_macs_are_those_of_torchvisions_metadata(name):
    numbers, gmacs, _ = published(name)
    _, table = read(name)
    assert table.parameters.sum() == pytest.approx(numbers, rel=0.01)
    assert table.macs.sum() / 1e9 == pytest.approx(gmacs, rel=0.01)


@pytest.mark.parametrize("name", MODELS)
def test_torchs_flop_counter_counts_exactly_two_for_each_mac(name):
    model, table = read(name)
    size = published(name)[2]
    assert flops(model, 1, 3, size, size) == 2 * table.macs.sum()


@pytest.mark.parametrize("name", MODELS)
def test_no_layer_of_a_known_model_is_opaque(name):
    _, table = read(name)
    ran = table[~table.note.str.contains("not used in this run")]
    assert not ran.note.str.contains("cannot see through|outside torch|through a view").any()
    assert (ran.receptive_field.notna() | ran.note.str.contains("does not read the input")).all()


OTHERS = {
    "transposed": (nn.ConvTranspose2d(8, 6, 4, 2, 1, groups=2), nn.Conv2d(6, 4, 3, dilation=2)),
    "LSTM": (nn.Flatten(2), nn.Linear(25, 7), nn.LSTM(7, 5, bidirectional=True)),
    "attention": (nn.Flatten(2), nn.TransformerEncoderLayer(25, 5, 32, batch_first=True)),
}


@pytest.mark.parametrize("rest", OTHERS.values(), ids=OTHERS)
def test_the_factor_of_two_holds_beyond_convolutions(rest):
    model = nn.Sequential(nn.Conv2d(3, 8, 4, 4), *rest)
    counted = anatomy(model, (2, 3, 20, 20)).macs.sum()
    assert counted > 2 * macs(3, 8, 4, 5)
    # On the meta device, for on a CPU the counter does not see into the fused LSTM.
    assert flops(copy.deepcopy(model).to("meta"), 2, 3, 20, 20) == 2 * counted


@pytest.mark.parametrize("name", ["alexnet", "mobilenet_v2", "resnext50_32x4d"])
def test_cost_of_each_convolution_is_that_of_the_formula(name):
    model, table = read(name)
    modules, count = dict(model.named_modules()), 0
    for row in table[table.type == "Conv2d"].itertuples():
        layer, count = modules[row.name], count + 1
        channels = layer.in_channels, layer.out_channels
        formula = macs(*channels, layer.kernel_size, row.output_shape[2:], groups=layer.groups)
        assert row.macs == formula
        assert row.parameters == parameters(
            *channels, layer.kernel_size, groups=layer.groups, bias=layer.bias is not None
        )
    assert count == sum(isinstance(module, nn.Conv2d) for module in modules.values())


# Araujo, Norris & Sim 2019: receptive field, jump ("effective stride") and -start ("effective padding").


def test_vgg16_has_the_receptive_fields_of_araujo_et_al():
    _, table = read("vgg16")
    rows = table.set_index("name")
    published_rows = {
        "features.0": (3, 1, 1),
        "features.4": (6, 2, 2),
        "features.9": (16, 4, 6),
        "features.16": (44, 8, 18),
        "features.23": (100, 16, 42),
        "features.30": (212, 32, 90),
    }
    for name, (field, jump, padding) in published_rows.items():
        row = rows.loc[name]
        assert (row.receptive_field, row.jump, row.start) == ((field,) * 2, (jump,) * 2, (-padding,) * 2)


def test_alexnet_has_the_receptive_field_of_araujo_et_al():
    def convolution(kernel_size, **options):
        return nn.Conv2d(1, 1, kernel_size, **options)

    model = nn.Sequential(  # as in TensorFlow's slim library
        convolution(11, stride=4),
        nn.MaxPool2d(3, 2),
        convolution(5, padding="same"),
        nn.MaxPool2d(3, 2),
        *[convolution(3, padding="same") for _ in range(3)],
        nn.MaxPool2d(3, 2),
    )
    row = anatomy(model, 224).iloc[-1]
    assert (row.receptive_field, row.jump, row.start) == ((195, 195), (32, 32), (-64, -64))
