"""The census of torchvision's models, against anatomy's tables, module lists, arithmetic and the papers."""

from dataclasses import fields

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torchvision import models as torchvision_models

from helpers.anatomy import WindowRow, anatomy, census, load_model, padding_kind
from helpers.anatomy.counting import _WindowCounter
from helpers.arithmetic import coverage, output_size


@pytest.fixture(scope="module")
def everything():
    return census()


def convolutions(table, name):
    return table[(table.model == name) & (table.type == "convolution")]


def test_the_columns_are_those_that_the_row_documents(everything):
    assert list(everything.columns) == [field.name for field in fields(WindowRow)]
    assert all(f"    {name}: " in WindowRow.__doc__ for name in everything.columns)


def test_every_classification_model_is_counted(everything):
    names = torchvision_models.list_models(module=torchvision_models)
    assert list(everything.model.unique()) == names
    orders = everything.groupby(["model", "type"]).order
    assert orders.agg(list).map(lambda found: found == list(range(len(found)))).all()


# Plain, with branches, with kernels of unequal axes, with squeeze and excitation, with one convolution.
@pytest.mark.parametrize("name", ["alexnet", "googlenet", "inception_v3", "mobilenet_v3_small", "vit_b_32"])
def test_rows_are_those_of_the_anatomy(everything, name):
    counted = everything[everything.model == name]
    table = anatomy(load_model(f"torchvision:{name}"), 224)
    read = table[table.type.isin(["Conv2d", "MaxPool2d", "max_pool2d", "avg_pool2d"])]
    read = read[read.kernel_size.notna()]  # what did not run has none
    assert len(counted) == len(read) > 0
    for one, other in zip(counted.itertuples(), read.itertuples(), strict=True):
        assert (one.type == "convolution") == (other.type == "Conv2d")
        assert (one.kernel_size, one.stride, one.dilation) == (
            other.kernel_size,
            other.stride,
            other.dilation,
        )
        assert tuple((cells, cells) for cells in one.padding) == other.padding
        assert one.output_size == other.output_shape[2:]
        for axis in (0, 1):
            window = {
                setting: getattr(one, setting)[axis]
                for setting in ("kernel_size", "stride", "padding", "dilation")
            }
            ceils = name == "googlenet" and one.type == "pooling"
            assert output_size(one.size[axis], **window, ceil_mode=ceils) == one.output_size[axis]


def test_convolutions_are_as_many_as_the_modules(everything):
    counts = everything[everything.type == "convolution"].model.value_counts()
    for name in ("convnext_tiny", "densenet121", "efficientnet_b0", "regnet_y_400mf", "swin_t"):
        modules = load_model(f"torchvision:{name}").modules()
        assert counts[name] == sum(isinstance(module, nn.Conv2d) for module in modules)


def test_what_is_no_window_of_a_fixed_size_is_left_out():
    model = nn.Sequential(
        nn.ConvTranspose2d(1, 1, 2, 2), nn.AvgPool2d(2), nn.Unfold(1), nn.Unflatten(2, (8, 8))
    )
    with _WindowCounter("a model") as watch:
        nn.Sequential(model, nn.AdaptiveAvgPool2d(2))(torch.empty(1, 1, 8, 8, device="cpu"))
    assert [(row.type, row.kernel_size) for row in watch.rows] == [("pooling", (2, 2))]


def test_vgg16_is_what_its_paper_says(everything):
    """Simonyan & Zisserman 2015, configuration D: 3x3, stride 1, padding 1; pooling 2x2, stride 2."""
    table = everything[everything.model == "vgg16"]
    settings = table.groupby("type")[["kernel_size", "stride", "padding", "padding_kind"]].agg(set)
    assert list(settings.loc["convolution"]) == [{(3, 3)}, {(1, 1)}, {(1, 1)}, {"same"}]
    assert list(settings.loc["pooling"]) == [{(2, 2)}, {(2, 2)}, {(0, 0)}, {"patches"}]
    assert list(table.type.value_counts()[["convolution", "pooling"]]) == [13, 5]
    assert list(table[table.type == "pooling"].output_size) == [(size, size) for size in (112, 56, 28, 14, 7)]


def test_resnet50_is_what_its_paper_says(everything):
    """He et al. 2016, table 1: one 7x7, 16 blocks of 1x1, 3x3, 1x1, and a 1x1 in four shortcuts."""
    counts = convolutions(everything, "resnet50").kernel_size.value_counts()
    assert dict(counts) == {(1, 1): 2 * 16 + 4, (3, 3): 16, (7, 7): 1}


def test_what_the_claims_about_published_networks_rest_on(everything):
    """M-11, M-14, M-18 and G-08 of SOURCES.md."""
    found = everything[everything.type == "convolution"]
    first = found[found.order == 0].set_index("model")
    assert set(first.index[first.stride == (1, 1)]) == {
        name for name in first.index if name.startswith("vgg")
    }
    valid = found[found.padding_kind == "valid"]
    assert set(valid.model) == {"inception_v3", "squeezenet1_0", "squeezenet1_1"}
    assert list(valid.stride.value_counts()[[(2, 2), (1, 1)]]) == [7, 2]


sizes = st.integers(1, 9)


@given(sizes, st.integers(1, 5), st.integers(0, 9), st.integers(1, 3), st.integers(20, 40))
def test_same_is_the_padding_that_keeps_the_size_at_stride_1(kernel_size, stride, padding, dilation, size):
    window = {"kernel_size": kernel_size, "padding": padding, "dilation": dilation}
    assume(dilation * (kernel_size - 1) < size)
    kind = padding_kind(stride=[stride], **{name: [value] for name, value in window.items()})
    keeps = output_size(size, **window) == size
    assert (kind in ("same", "1x1")) == (keeps and (padding > 0 or kernel_size == 1))


@given(sizes, st.integers(1, 9), st.integers(2, 5))
def test_patches_are_windows_that_read_every_pixel_once(kernel_size, stride, count):
    kind = padding_kind(kernel_size=[kernel_size], stride=[stride], padding=[0], dilation=[1])
    pixels = (count - 1) * stride + kernel_size
    once = set(coverage(pixels, kernel_size=kernel_size, stride=stride)) == {1}
    assert (kind == "patches") == (once and kernel_size > 1)
    assert kind in ("1x1", "patches", "valid")


def test_padding_of_unequal_axes():
    flat = {"stride": (1, 1), "dilation": (1, 1)}
    assert padding_kind(kernel_size=(1, 7), padding=(0, 3), **flat) == "same"
    assert padding_kind(kernel_size=(3, 7), padding=(0, 3), **flat) == "other"
    assert padding_kind(kernel_size=(1, 7), padding=(0, 0), **flat) == "valid"
    assert padding_kind(kernel_size=(1, 1), padding=(1, 0), **flat) == "other"


def test_nothing_is_downloaded_and_sizes_follow_the_image(monkeypatch):
    monkeypatch.setattr(
        torch.hub, "load_state_dict_from_url", lambda *args, **kwargs: pytest.fail("a download")
    )
    table = census(["resnet18", "resnet34"], input_size=64)
    assert list(table.model.unique()) == ["resnet18", "resnet34"]
    assert (table["size"][0], table.output_size[0], table.order[0]) == ((64, 64), (32, 32), 0)
    assert table.groups.dropna().eq(1).all()
    assert table.groups[table.type == "pooling"].isna().all()
    assert len(census([])) == 0


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"models": "resnet18"}, TypeError, r"got the string 'resnet18': write \['resnet18'\]"),
        (
            {"models": ["resnet19"]},
            ValueError,
            "must be one that .* names, got 'resnet19': did you mean resnet18",
        ),
        ({"models": ["alexnet"], "input_size": 2.5}, TypeError, "input_size must be a whole number, got 2.5"),
        ({"models": ["alexnet"], "input_size": 0}, ValueError, "input_size must be at least 1, got 0"),
        (
            {"models": ["alexnet"], "input_size": 30},
            ValueError,
            "models must run on one image of input_size=30 pixels, got 'alexnet': ",
        ),
        (
            {"models": ["r3d_18"]},
            ValueError,
            "models must run on one image of input_size=224 pixels, got 'r3d_18': ",
        ),
    ],
)
def test_bad_input_is_refused(arguments, kind, message):
    with pytest.raises(kind, match=message):
        census(**arguments)
