"""The table of `helpers.anatomy`: its rows, its remarks, and what it refuses."""

import copy
from dataclasses import fields

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.anatomy import IncompleteAnatomy, LayerRow, anatomy, load_model
from helpers.layers import BlurPool2d, Conv2dSame


class Model(nn.Module):
    """Modules by name, and a forward over them."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.run = forward
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, image):
        return self.run(self, image)


def by_name(table):
    return table.drop_duplicates("name", keep="last").set_index("name")


def last(model, size):
    return anatomy(model, size).iloc[-1]


def resnet18():
    return by_name(anatomy(load_model("torchvision:resnet18"), 224))


# --- rows


def test_the_columns_are_those_that_the_row_documents():
    table = anatomy(nn.Conv2d(1, 1, 3), 5)
    assert list(table.columns) == [field.name for field in fields(LayerRow)]
    assert all(f"    {name}: " in LayerRow.__doc__ for name in table.columns)


def test_rows_follow_the_execution_not_the_registration():
    model = Model(lambda self, x: self.first(self.second(x)), first=nn.ReLU(), second=nn.Conv2d(1, 1, 3))
    assert list(anatomy(model, 5).name) == ["second", "first"]


def test_the_stem_of_a_resnet():
    stem = resnet18().loc["conv1"]
    assert (stem.type, stem.output_shape, stem.groups) == ("Conv2d", (1, 64, 112, 112), 1)
    assert (stem.kernel_size, stem.stride, stem.dilation) == ((7, 7), (2, 2), (1, 1))
    assert (stem.padding, stem.padding_unread) == (((3, 3), (3, 3)), ((0, 1), (0, 1)))
    assert (stem.receptive_field, stem.jump, stem.start) == ((7, 7), (2, 2), (-3, -3))
    assert (stem.parameters, stem.macs) == (9408, 118_013_952)
    assert (stem.activation_bytes, stem.pixels_unread) == (64 * 112 * 112 * 4, 0)
    assert stem.note == "padding uneven at this size: 3 read before, 2 after"


def test_a_residual_sum_has_a_row_and_the_larger_field_of_its_branches():
    rows = resnet18()
    main_branch, shortcut = rows.loc["layer2.0.bn2"], rows.loc["layer2.0.downsample.1"]
    total = rows.loc["layer2.0.add"]
    assert (shortcut.receptive_field, main_branch.receptive_field) == ((43, 43), (67, 67))
    assert (total.receptive_field, total.jump, total.start) == ((67, 67), (8, 8), (-33, -33))


def test_a_strided_1x1_convolution_throws_three_quarters_away():
    assert resnet18().loc["layer2.0.downsample.0"].note == (
        "stride 2 exceeds kernel 1: 75% of its own input is never read"
    )


def test_parameters_add_up_to_those_of_the_model_even_where_some_never_run():
    model = load_model("torchvision:googlenet")
    table = anatomy(model, 224)
    assert table.parameters.sum() == sum(parameter.numel() for parameter in model.parameters())
    idle = table[table.note.str.contains("not used in this run")]
    assert list(idle.name) == ["aux1", "aux2"]
    assert idle.parameters.sum() == table.parameters.sum() - 6_624_904  # what torchvision publishes for it


def test_a_layer_that_runs_twice_counts_its_parameters_once():
    model = Model(
        lambda self, x: self.conv(self.conv(x)), conv=nn.Conv2d(1, 1, 3, padding=1), idle=nn.Linear(2, 2)
    )
    table = anatomy(model, 8)
    assert list(table.name) == ["conv", "conv", "idle"]
    assert list(table.parameters) == [10, 0, 6]
    assert [field and field[0] for field in table.receptive_field] == [3, 5, None]
    assert table.note[1] == "shares parameters with conv"


def test_memory_counts_where_it_is_new():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.ReLU(), nn.Flatten(), nn.Dropout())
    assert list(anatomy(model, (4, 1, 5, 5)).activation_bytes) == [288, 0, 288, 0, 0]
    assert list(anatomy(model.double(), (4, 1, 5, 5)).activation_bytes) == [576, 0, 576, 0, 0]


def test_the_first_model_of_the_sources_loses_the_rows_and_columns_that_they_did_not_see():
    def network(stride):  # SOURCES.md, section 2: A has stride 2, B stride 1
        return nn.Sequential(
            nn.Conv2d(1, 32, 3, stride),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.LazyLinear(128),
            nn.ReLU(),
            nn.Linear(128, 10),
        )

    for stride, unread, parameters, macs in ((2, 159, 53_002, 0.378), (1, 108, 225_034, 2.631)):
        model = network(stride)
        model(torch.zeros(1, 1, 28, 28))
        table = anatomy(model, 28)
        assert table.pixels_unread.iloc[-1] == unread
        assert table.parameters.sum() == parameters
        assert table.macs.sum() / 1e6 == pytest.approx(macs, abs=5e-4)
        assert table.receptive_field[5] == ((17, 17) if stride == 2 else (10, 10))


# --- what is seen through


def test_a_network_of_functions_alone():
    weight = nn.Parameter(torch.ones(4, 4, 3, 3))

    def forward(self, x):
        x = F.max_pool2d(F.relu(F.conv2d(x, self.weight, stride=2)), 2)
        return F.adaptive_avg_pool2d(x + F.conv2d(F.pad(x, (1, 1, 1, 1)), self.weight), 1).flatten(1)

    model = Model(forward)
    model.weight = weight
    table = anatomy(model, (4, 29, 31))
    assert list(table.name) == ["convolution", "relu", "max_pool2d", "convolution_1", "add", "mean"]
    assert list(table.parameters) == [144, 0, 0, 0, 0, 0]
    assert table.padding[3] == ((1, 1), (1, 1))  # that of F.pad, which has no row of its own
    assert list(table.receptive_field)[:5] == [(3, 3), (3, 3), (5, 5), (13, 13), (13, 13)]
    assert table.kernel_size[5] == (7, 7)
    assert table.note[5] == "the map has shrunk to one pixel; every unit sees all that is read"


def test_padding_by_a_layer_of_its_own_counts_for_the_window():
    table = anatomy(nn.Sequential(nn.ZeroPad2d((0, 1, 2, 3)), nn.Conv2d(1, 1, 3, 2, 1)), 28)
    assert list(table.padding) == [((2, 3), (0, 1)), ((3, 4), (1, 2))]
    assert table.padding_unread[1] == ((0, 0), (0, 0))
    assert list(table.start) == [(-2, 0), (-3, -1)]


def test_layers_that_pad_inside_are_one_row():
    table = anatomy(nn.Sequential(Conv2dSame(3, 4, 3, 2), BlurPool2d(4)), 28)
    assert list(table.type) == ["Conv2dSame", "BlurPool2d"]
    assert list(table.padding) == [((0, 1), (0, 1)), ((1, 1), (1, 1))]
    assert list(table.padding_unread) == [((0, 0), (0, 0)), ((0, 1), (0, 1))]
    assert table.note[1].startswith("padding is filled from the map: reflection")


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_every_padding_mode_has_the_same_geometry(mode):
    row = last(nn.Conv2d(1, 1, 5, padding=2, padding_mode=mode), 9)
    assert (row.padding, row.receptive_field, row.start) == (((2, 2), (2, 2)), (5, 5), (-2, -2))
    assert ("filled from the map" in row.note) == (mode != "zeros")


def test_axes_may_differ_and_be_one_or_three():
    row = last(nn.Conv2d(3, 4, (3, 1), (2, 1), (1, 0), (2, 1)), (20, 9))
    assert (row.kernel_size, row.stride, row.dilation) == ((3, 1), (2, 1), (2, 1))
    assert (row.padding, row.receptive_field, row.output_shape) == (((1, 1), (0, 0)), (5, 1), (1, 4, 9, 9))
    row = last(nn.Sequential(nn.Conv1d(2, 4, 5, 2), nn.MaxPool1d(2)), 50)
    assert (row.output_shape, row.receptive_field, row.jump, row.pixels_unread) == ((1, 4, 11), (7,), (4,), 3)
    row = last(nn.Conv3d(2, 4, (1, 3, 5), (1, 2, 2)), (4, 20, 21))
    assert (row.output_shape, row.receptive_field, row.pixels_unread) == ((1, 4, 4, 9, 9), (1, 3, 5), 84)


def test_a_transposed_convolution_halves_the_jump():
    table = anatomy(nn.Sequential(nn.Conv2d(1, 1, 3, 2, 1), nn.ConvTranspose2d(1, 1, 4, 2, 1)), 28)
    assert list(table.jump) == [(2, 2), (1, 1)]
    assert list(table.receptive_field) == [(3, 3), (5, 5)]
    row = last(nn.ConvTranspose2d(1, 1, 2, 3), 5)
    assert row.jump == pytest.approx((1 / 3, 1 / 3))
    assert row.note == "stride 3 exceeds kernel 2: some units read nothing"


def test_adaptive_pooling_is_a_window_where_the_size_divides():
    row = last(nn.AdaptiveAvgPool2d((4, 3)), (28, 15))
    assert (row.kernel_size, row.stride, row.jump, row.note) == ((7, 5), (7, 5), (7, 5), "")
    row = last(nn.AdaptiveMaxPool2d(3), 10)
    assert (row.kernel_size, row.stride, row.receptive_field) == ((4, 4), (3, 3), (4, 4))
    assert row.note == "windows of unequal size: (3, 3) does not divide (10, 10), the largest is shown"


def test_unfolding_is_a_window_and_a_matrix_product_of_it_a_convolution():
    convolution = last(nn.Conv2d(3, 8, 3, 2, 1), 28)
    model = Model(
        lambda self, x: self.weights(self.taps(x).transpose(1, 2)),
        taps=nn.Unfold(3, padding=1, stride=2),
        weights=nn.Linear(27, 8),
    )
    table = anatomy(model, 28)
    unfolded, product = table.iloc[0], table.iloc[1]
    columns = ["kernel_size", "stride", "padding", "padding_unread", "receptive_field", "note"]
    assert list(unfolded[columns]) == list(convolution[columns])
    assert product.macs == convolution.macs
    assert product.pixels_unread == convolution.pixels_unread == 0
    with pytest.raises(
        IncompleteAnatomy,
        match=r"large enough .*: at layer 'Unfold' \(Unfold\), kernel_size must span at most 8 .* got 9 ",
    ):
        anatomy(nn.Unfold(9), (3, 8, 8))


def test_unequal_jumps_are_reported():
    model = Model(
        lambda self, x: self.strided(x)[..., :14, :14] + self.plain(x),
        strided=nn.Conv2d(1, 1, 3, 2, 1),
        plain=nn.Conv2d(1, 1, 15),
    )
    row = last(model, 28)
    assert row["name"] == "add"
    assert row.note == "paths of unequal jump: 1, 2"
    assert row.receptive_field == (16, 16)  # unit 0 spans -1 to 14


def test_squeeze_and_excitation_shows_every_unit_the_whole_input():
    rows = by_name(anatomy(load_model("torchvision:efficientnet_b0"), 224))
    gate = rows.loc["features.1.0.block.1.mul"]
    assert gate.receptive_field == (229, 229)
    assert gate.jump == (2, 2)
    assert gate.note == "receptive field 7 without the global paths"
    assert "every unit sees the whole input" in rows.loc["features.1.0.block.1.avgpool"].note


def test_a_sequence_model_sees_the_whole_input():
    model = Model(
        lambda self, x: self.lstm(self.flatten(self.pool(self.conv(x))).transpose(1, 2))[0][:, -1],
        conv=nn.Conv2d(1, 4, 3, padding=1),
        pool=nn.MaxPool2d(2),
        flatten=nn.Flatten(2),
        lstm=nn.LSTM(4, 8, batch_first=True, bidirectional=True),
    )
    table = by_name(anatomy(model, 28))
    assert table.loc["flatten"].receptive_field == (4, 4)
    assert table.loc["lstm"].receptive_field == (30, 30)
    assert table.loc["lstm"].note == "every unit sees the whole input"
    assert table.loc["lstm"].macs == 196 * 2 * (4 + 8) * 4 * 8


def test_attention_sees_the_whole_input_and_windowed_attention_its_window():
    table = anatomy(load_model("torchvision:vit_b_32"), 224)
    first = table[table.type == "MultiheadAttention"].iloc[0]
    assert first.note == "every unit sees the whole input; receptive field 32 without the global paths"
    table = anatomy(load_model("torchvision:swin_t"), 224)
    windows = table[table.type == "ShiftedWindowAttention"]
    assert windows.iloc[0].receptive_field == (28, 28)  # 7 patches of 4 pixels
    assert "shifts the map around its edges" in windows.iloc[1].note


def test_flattening_mixes_nothing_but_the_layer_after_it_does():
    rows = by_name(anatomy(load_model("torchvision:alexnet"), 224))
    assert rows.loc["classifier.0"].receptive_field == (195, 195)  # dropout on 9216 numbers
    assert rows.loc["classifier.1"].receptive_field == (355, 355)
    assert rows.loc["classifier.1"].note == "every unit sees the whole input"


def test_what_a_stack_never_reads_is_noted_where_it_is_lost():
    table = by_name(anatomy(load_model("torchvision:squeezenet1_0"), 224))
    assert set(table.pixels_unread) == {224**2 - 223**2}
    assert table.loc["features.0"].note == (
        "of its own input it never reads 1 of 224 rows and 1 of 224 columns; "
        "447 input pixels are never read up to here"
    )
    assert table.note.str.contains("input pixels are never read").sum() == 1


def test_a_weight_made_of_others_belongs_to_its_layer():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)))
    table = anatomy(model, 9)
    assert list(table.name) == ["0"]
    assert table.parameters[0] == sum(parameter.numel() for parameter in model.parameters())


def test_modules_outside_the_registry_are_named():
    hidden = [nn.Conv2d(3, 4, 3)]
    row = last(Model(lambda self, x: hidden[0](x)), 8)
    assert (row["name"], row.receptive_field) == ("(Conv2d, not registered)", (3, 3))


# --- what is not


class Outside(nn.Module):
    def forward(self, image):
        return torch.from_numpy(image.numpy() * 2)


def test_a_module_that_leaves_torch_is_named_and_what_it_reads_is_unknown():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), Outside(), nn.Conv2d(4, 2, 3))
    row = anatomy(model, 28).iloc[1]
    assert row["type"] == "Outside"
    assert set(row.unknown) == {"receptive_field", "jump", "start", "pixels_unread", "macs"}
    assert "computes outside torch's operators: what it reads and costs is not known" in row.note
    assert "receptive field unknown, at most 29" in row.note
    assert "this table is of one random image" in row.note
    assert "receptive_field" in last(model, 28).unknown


def test_an_operator_that_nothing_tells_about_is_named():
    """The image decides from where it gathers."""
    table = anatomy(Model(lambda self, x: x.gather(2, self.conv(x).argsort(2)), conv=nn.Conv2d(1, 1, 1)), 8)
    opaque = table[table.note.str.contains("cannot see through")]
    assert list(opaque.type) == ["gather"]
    assert "receptive_field" in table.unknown.iloc[-1]
    assert "receptive field unknown, at most 8" in table.note.iloc[-1]


def test_writing_through_a_view_is_followed():
    def forward(self, x):
        shifted = torch.zeros_like(x)
        shifted[..., 1:] = x[..., :-1]
        return self.conv(shifted)

    row = last(Model(forward, conv=nn.Conv2d(1, 1, 3)), 8)
    assert (row.receptive_field, row.pixels_unread, row.unknown) == ((3, 3), 8, ())
    assert last(Model(forward, conv=nn.Conv2d(1, 1, 3)), (1, 1, 1100, 1100)).note.startswith(
        "reads memory that was written through a view: what it reads is not known"
    )


def test_control_flow_on_data_is_followed_for_one_image_and_noted():
    def forward(self, x):
        x = self.stem(x)
        return self.plain(x) if bool(x.abs().mean() > 1e9) else self.strided(x)

    model = Model(forward, stem=nn.Conv2d(3, 4, 3), plain=nn.Conv2d(4, 4, 5), strided=nn.Conv2d(4, 4, 3, 2))
    table = anatomy(model, 28)
    assert table.note[0].startswith("looks at values (Tensor.item() cannot be called on meta tensors)")
    assert table.name.iloc[-2] == "strided"
    assert (table.name.iloc[-1], table.note.iloc[-1]) == (
        "plain",
        "not used in this run, which is in evaluation mode",
    )
    with pytest.raises(
        IncompleteAnatomy, match=r"looks at the values of its input.*build it with weights"
    ) as caught:
        anatomy(model.to("meta"), 28)
    assert caught.value.table.name[0] == "stem"


def test_no_convolution_at_all_is_said():
    table = anatomy(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), (1, 28, 28))
    assert list(table.note) == ["no convolution or pooling in this model", "every unit sees the whole input"]
    assert list(table.receptive_field) == [(1, 1), (28, 28)]


# --- the model stays as it is


@pytest.mark.parametrize("needs_numbers", [False, True])
def test_the_model_is_not_changed(needs_numbers):
    look = Model(lambda self, x: x * float(x.mean())) if needs_numbers else nn.Identity()
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), look, nn.Dropout())
    model[1].eval()
    before, modes = copy.deepcopy(model.state_dict()), [module.training for module in model.modules()]
    state, fast = torch.get_rng_state(), torch.backends.mha.get_fastpath_enabled()
    table = anatomy(model, 9)
    assert table.note.str.contains("one random image").any() == needs_numbers
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.backends.mha.get_fastpath_enabled() == fast
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not nn.modules.module._global_forward_hooks


# --- what is refused


def test_an_input_too_small_is_blamed_on_the_layer_and_the_rows_before_are_kept():
    message = (
        r"input_size must be large enough for the model, got 20: at layer 'features.20' \(MaxPool2d\), "
        r"kernel_size must span at most 1 pixels for size=1 .* got 2 with dilation=1, which spans 2"
    )
    with pytest.raises(IncompleteAnatomy, match=message) as caught:
        anatomy(load_model("torchvision:vgg11"), 20)
    assert list(caught.value.table.name) == [f"features.{index}" for index in range(20)]


def test_a_layer_that_does_not_fit_is_named_with_its_input():
    with pytest.raises(IncompleteAnatomy, match=r"layer '1' \(Linear\) fails on \(1, 2352\)") as caught:
        anatomy(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), 28)
    assert list(caught.value.table.name) == ["0"]
    with pytest.raises(ValueError, match=r"layer 'Embedding' \(Embedding\) fails on .*scalar types"):
        anatomy(nn.Embedding(10, 3), 28)
    with pytest.raises(ValueError, match=r"expected input.* to have 1 channels"):
        anatomy(nn.Conv2d(1, 1, 3), (3, 28, 28))
    with pytest.raises(ValueError, match=r"layer '0' \(BatchNorm2d\)"):
        anatomy(nn.Sequential(nn.BatchNorm2d(4)), (3, 8, 8))


def test_a_sum_in_place_that_does_not_fit_is_refused():
    model = Model(lambda self, x: self.conv(x).add_(x), conv=nn.Conv2d(1, 1, 3))
    with pytest.raises(IncompleteAnatomy, match=r"layer 'Model' \(Model\) fails on \(1, 1, 8, 8\)"):
        anatomy(model, 8)


def test_a_function_that_fails_is_reached_by_rows():
    model = Model(lambda self, x: F.max_pool2d(F.avg_pool2d(x, 3), 9))
    with pytest.raises(
        IncompleteAnatomy,
        match=r"large enough .*: at layer 'Model' \(Model\), kernel_size must span at most 2 .* got 9 ",
    ) as caught:
        anatomy(model, (3, 8, 8))
    assert list(caught.value.table.type) == ["avg_pool2d"]


class TwoInputs(nn.Module):
    def forward(self, image, mask):
        return image * mask


@pytest.mark.parametrize(
    ("model", "size", "kind", "message"),
    [
        (
            TwoInputs(),
            8,
            ValueError,
            r"model must take one image, got TwoInputs with forward\(image, mask\) .*: wrap it",
        ),
        (
            nn.LazyConv2d(3, 3),
            8,
            ValueError,
            "must have parameters with shapes, got LazyConv2d with the lazy parameter 'weight': run it",
        ),
        ("resnet18", 8, TypeError, "model must be a torch.nn.Module, got 'resnet18' of type str"),
        (nn.Conv2d, 8, TypeError, "model must be a torch.nn.Module, got .* of type type"),
        (nn.Conv2d(1, 1, 1), "28", TypeError, "input_size must be a whole number, got '28' of type str"),
        (nn.Conv2d(1, 1, 1), (8, 2.5), TypeError, r"input_size\[1\] must be a whole number, got 2.5"),
        (nn.Conv2d(1, 1, 1), 0, ValueError, "input_size must be at least 1, got 0"),
        (nn.Conv2d(1, 1, 1), (8,), ValueError, "input_size must hold 2 to 4 numbers for this model"),
        (nn.Conv2d(1, 1, 1), (1, 1, 1, 8, 8), ValueError, r"got \(1, 1, 1, 8, 8\)"),
    ],
)
def test_bad_input_is_refused(model, size, kind, message):
    with pytest.raises(kind, match=message):
        anatomy(model, size)


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        (8, (1, 5, 8, 8)),
        (np.int64(8), (1, 5, 8, 8)),
        ((8, 6), (1, 5, 8, 6)),
        ((5, 8, 6), (1, 5, 8, 6)),
        ([2, 5, 8, 6], (2, 5, 8, 6)),
    ],
)
def test_what_the_input_size_leaves_out_is_filled_in(size, shape):
    assert last(nn.Sequential(nn.ReLU(), nn.Conv2d(5, 5, 1)), size).output_shape == shape
