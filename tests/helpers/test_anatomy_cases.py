"""Public cases of models that were read wrongly: each with its right value, or declared unknown."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.anatomy import IncompleteAnatomy, anatomy
from helpers.anatomy.table import to_text, total_cost


class Model(nn.Module):
    """Modules by name, and a forward over them."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.run = forward
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, *args, **kwargs):
        return self.run(self, *args, **kwargs)


def last(model, size, **options):
    table = anatomy(model, size, **options)
    return table[~table.note.str.contains("not used in this run")].iloc[-1]


# --- every tensor argument counts


def conditional(self, x):
    kernel = self.lin(x.mean((2, 3))).view(3, 1, 3, 3)
    return F.conv2d(x, kernel, stride=2, groups=3)


WHOLE = {
    "weight": Model(conditional, lin=nn.Linear(3, 27)),
    "bias": Model(lambda self, x: F.conv2d(x, self.c.weight, x.mean((0, 2, 3))), c=nn.Conv2d(3, 3, 3)),
    "transposed weight": Model(
        lambda self, x: F.conv_transpose2d(x, self.lin(x.mean((2, 3))).view(3, 1, 3, 3)), lin=nn.Linear(3, 27)
    ),
    "batch norm": Model(
        lambda self, x: F.batch_norm(
            x, torch.zeros(3, device=x.device), torch.ones(3, device=x.device), x.mean((0, 2, 3)), None
        )
    ),
    "running mean": Model(lambda self, x: F.batch_norm(x, x.mean((0, 2, 3)), torch.ones(3, device=x.device))),
    "group norm": Model(lambda self, x: F.group_norm(x, 3, x.mean((0, 2, 3)), x.amax((0, 2, 3)))),
    "layer norm": Model(lambda self, x: F.layer_norm(x, (16,), x.mean((0, 1, 2)))),
    "prelu": Model(lambda self, x: F.prelu(x, x.mean((0, 2, 3)))),
    "linear": Model(lambda self, x: F.linear(x, x.mean((0, 1)).t())),
    "addmm": Model(lambda self, x: torch.addmm(x.mean((0, 1, 2)), x[0, 0], x[0, 1])),
    "where": Model(lambda self, x: torch.where(x.mean((2, 3), keepdim=True) > 0, x, x * 2)),
    "lerp": Model(lambda self, x: torch.lerp(x, x * 2, x.mean())),
    "fill": Model(lambda self, x: torch.zeros_like(x).fill_(x.mean())),
}


@pytest.mark.parametrize("name", WHOLE)
def test_every_tensor_argument_counts(name):
    row = last(WHOLE[name], (3, 16, 16))
    if row.receptive_field is None:
        assert {"receptive_field", "pixels_unread"} <= set(row.unknown)
    else:
        assert min(row.receptive_field) >= 16
        assert row.pixels_unread == 0


def test_weights_that_pictures_make_are_read_by_every_unit():
    row = last(WHOLE["weight"], (3, 16, 16))
    assert (row.receptive_field, row.pixels_unread, row.unknown) == ((16, 16), 0, ())


# --- gathering


def video(self, x):
    return self.c(x.index_select(2, torch.arange(0, 16, 2)))


def test_index_select_with_constants_is_followed():
    for forward in (
        video,
        lambda self, x: self.c(x.index_select(2, torch.arange(0, 16, 2, device=x.device))),
        lambda self, x: self.c(x[:, :, torch.arange(0, 16, 2)]),
        lambda self, x: self.c(x[:, :, ::2]),
    ):
        row = last(Model(forward, c=nn.Conv2d(3, 4, 3)), (3, 16, 12))
        assert (row.receptive_field, row.jump, row.pixels_unread) == ((5, 3), (2, 1), 96)


def test_reordered_channels_keep_their_field():
    row = last(Model(lambda self, x: self.c(x[:, [2, 1, 0]]), c=nn.Conv2d(3, 4, 3)), (3, 8, 8))
    assert (row.receptive_field, row.jump, row.pixels_unread) == ((3, 3), (1, 1), 0)


def test_an_index_computed_from_the_image_is_unknown():
    forward = lambda self, x: x.index_select(2, x.mean((0, 1, 3)).argsort())  # noqa: E731
    row = last(Model(forward), (3, 8, 8))
    assert row.receptive_field is None
    assert {"receptive_field", "jump", "start"} <= set(row.unknown)


MOVED = {
    "gather": (lambda x: x.gather(2, torch.zeros(1, 3, 1, 8, dtype=torch.long, device=x.device)), 56),
    "take_along_dim": (lambda x: torch.take_along_dim(x, torch.tensor([[[[1, 3]]]], device=x.device), 3), 48),
    "rot90": (lambda x: x.rot90(1, (2, 3)), 0),
    "diagonal": (lambda x: x.diagonal(0, 2, 3), None),
    "slice assignment": (lambda x: torch.slice_scatter(x, torch.zeros_like(x[:, :, :2]), 2, 0, 2), 16),
    "index_fill": (lambda x: x.index_fill(3, torch.tensor([0, 7], device=x.device), 0.0), 16),
    "advanced": (lambda x: x[:, :, torch.tensor([0, 1])[:, None], torch.tensor([0, 2])], 60),
    "frames": (lambda x: x.flatten(2).unfold(2, 8, 16), None),
    "tril": (lambda x: x.tril(), None),
    "select": (lambda x: x[:, :, 3:5], 48),
}


@pytest.mark.parametrize("name", MOVED)
def test_what_only_moves_pixels_is_followed(name):
    function, unread = MOVED[name]
    row = last(Model(lambda self, x: function(x)), (3, 8, 8))
    if unread is None:  # rows and columns are mixed: declared unknown
        assert row.unknown == ("pixels_unread",)
    else:
        assert (row.pixels_unread, row.unknown) == (unread, ())


# --- places


@pytest.mark.parametrize(("size", "patch"), [(256, 16), (64, 8), (16, 4), (224, 16)])
def test_patches_by_reshape_have_no_wrong_jump(size, patch):
    def forward(self, x):
        b, c, h, w = x.shape
        x = x.reshape(b, c, h // patch, patch, w // patch, patch).permute(0, 2, 4, 3, 5, 1)
        return self.lin(x.reshape(b, -1, patch * patch * c))

    row = last(Model(forward, lin=nn.Linear(patch * patch * 3, 8)), (1, 3, size, size))
    assert row.receptive_field == (patch, patch)
    assert set(row.jump) <= {patch, None}
    assert (row.pixels_unread, row.unknown) == (0, ())


def space_to_depth(x):
    b, c, h, w = x.shape
    return x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).reshape(b, 4 * c, h // 2, w // 2)


def merging(x):
    x = x.permute(0, 2, 3, 1)
    x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
    return x.permute(0, 3, 1, 2)


@pytest.mark.parametrize("fold", [space_to_depth, merging, lambda x: F.pixel_unshuffle(x, 2)])
def test_space_to_depth_keeps_its_jump(fold):
    model = Model(
        lambda self, x: self.b(self.a(fold(x))), a=nn.Conv2d(12, 8, 3, padding=1), b=nn.Conv2d(8, 8, 3, 2)
    )
    table = anatomy(model, (1, 3, 32, 24))
    rows = table[table.type == "Conv2d"]
    assert list(rows.jump) == [(2, 2), (4, 4)]
    assert list(rows.receptive_field) == [(6, 6), (10, 10)]


def test_padding_beside_units_at_unequal_distances_adds_nothing_to_a_field():
    model = Model(
        lambda self, x: self.b(F.interpolate(self.a(x), size=(11, 11))),
        a=nn.Conv2d(1, 1, 2, 2),
        b=nn.Conv2d(1, 1, 3, padding=1),
    )
    assert last(model, (1, 12, 12)).receptive_field == (4, 4)


def test_a_feature_pyramid_has_the_same_field_along_both_axes():
    class Pyramid(nn.Module):
        def __init__(self):
            super().__init__()
            self.down = nn.ModuleList(nn.Conv2d(4 if i else 3, 4, 3, 2, 1) for i in range(4))
            self.smooth = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x):
            maps = []
            for layer in self.down:
                x = layer(x)
                maps.append(x)
            top = maps.pop()
            while maps:
                lower = maps.pop()
                top = lower + F.interpolate(top, size=lower.shape[-2:])
            return self.smooth(top)

    row = last(Pyramid(), (3, 64, 86))
    assert row.receptive_field[0] == row.receptive_field[1]


# --- unknown is unknown


def test_an_operator_that_nothing_tells_about_is_unknown_in_table_total_and_note():
    model = Model(
        lambda self, x: self.c(F.embedding((9 * x[:, 0]).long(), self.e.weight).permute(0, 3, 1, 2)),
        e=nn.Embedding(5, 3),
        c=nn.Conv2d(3, 4, 3),
    )
    table = anatomy(model, (3, 8, 8))
    opaque = table[table.type == "embedding"].iloc[0]
    assert opaque.isna().macs
    assert {"receptive_field", "jump", "start", "macs"} <= set(opaque.unknown)
    assert "cannot see through embedding" in opaque.note
    assert table.pixels_unread.isna()[opaque.name]
    assert "MACs of 1 layers are unknown" in total_cost(table)
    assert "?" in to_text(table)


# --- where rules end, what an operator reads is measured


def windows_again(self, x):
    taps = F.unfold(x, 3)
    return F.fold(taps + taps.mean(1, keepdim=True), (8, 8), 3)


GRID = F.affine_grid(torch.tensor([[[0.5, 0, 0], [0, 0.5, 0]]]), (1, 2, 4, 4), align_corners=False)
MEASURED = {
    "fold of unfold": (windows_again, (5, 5)),
    "grid_sample": (lambda self, x: F.grid_sample(x, GRID.to(x.device), align_corners=False), (2, 2)),
    "antialiased": (lambda self, x: F.interpolate(x, (4, 4), mode="bilinear", antialias=True), (4, 4)),
    "scatter_add": (
        lambda self, x: torch.zeros_like(x).scatter_add(
            2, (torch.arange(8, device=x.device) // 2).view(8, 1).expand(1, 3, 8, 8), x
        ),
        (2, 1),
    ),
    "fractional": (lambda self, x: F.fractional_max_pool2d(x, 2, output_size=4), (2, 2)),
    "cdist": (lambda self, x: torch.cdist(x, x + 1), (8, 8)),
    "determinant": (lambda self, x: torch.linalg.inv(x), (8, 8)),
}


@pytest.mark.parametrize("name", MEASURED)
def test_an_operator_without_a_rule_is_measured(name):
    function, field = MEASURED[name]
    table = anatomy(Model(function), (3, 8, 8))
    row = table.iloc[-1]
    assert "measured on random values" in " ".join(table.note)
    assert row.receptive_field == field
    assert "macs" in row.unknown  # how it computes is not seen


def test_the_table_goes_on_behind_a_measured_operator():
    model = Model(lambda self, x: self.c(windows_again(self, x)), c=nn.Conv2d(3, 4, 3))
    assert last(model, (3, 8, 8)).receptive_field == (7, 7)


ADDRESSES = {
    "grid": lambda self, x: F.grid_sample(x, x.permute(0, 2, 3, 1)[..., :2], align_corners=False),
    "gather": lambda self, x: x.gather(2, x.argsort(2)),
    "unpool": lambda self, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    "taps kept apart": lambda self, x: F.fold(F.unfold(x, 3), (8, 8), 3),  # each pixel reads but itself
    "there and back": lambda self, x: torch.fft.irfft2(torch.fft.rfft2(x) * 2),
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_what_values_decide_or_what_is_kept_apart_is_unknown(name):
    row = last(Model(ADDRESSES[name]), (3, 8, 8))
    assert {"receptive_field", "jump", "start", "pixels_unread"} <= set(row.unknown)


def test_a_fourier_transform_reads_all():
    row = last(Model(lambda self, x: torch.fft.fft2(x).abs()), (3, 8, 8))
    assert (row.receptive_field, row.pixels_unread) == ((8, 8), 0)


def test_deformable_convolution():
    operators = pytest.importorskip("torchvision.ops")
    parts = {
        "offset": nn.Conv2d(64, 18, 3, padding=1),
        "deform": operators.DeformConv2d(64, 64, 3, padding=1),
    }
    table = anatomy(Model(lambda self, x: self.deform(x, self.offset(x)), **parts).to("meta"), (64, 64, 64))
    row = table.iloc[-1]
    assert (row.macs, row.parameters) == (150_994_944, 64 * 64 * 9 + 64)
    assert "receptive_field" in row.unknown  # the image decides where it reads
    fixed = Model(
        lambda self, x: self.deform(x, torch.zeros(1, 18, 8, 8)), deform=operators.DeformConv2d(3, 4, 3)
    )
    row = last(fixed, (3, 10, 10))
    assert (row.receptive_field, row.jump, row.pixels_unread) == ((3, 3), (1, 1), 0)


# --- empty tensors, final views


def test_empty_tensors_are_followed():
    assert anatomy(
        Model(lambda self, x: self.c(x)[:0].reshape(0, 2, 2, 49), c=nn.Conv2d(1, 4, 3)), (1, 9, 9)
    ).shape[0]
    assert anatomy(Model(lambda self, x: self.c(x)[:, :0].flatten(1), c=nn.Conv2d(1, 4, 3)), (1, 9, 9)).shape[
        0
    ]


def test_a_final_crop_has_the_last_row():
    row = last(Model(lambda self, x: self.c(x)[..., 1:-1, 1:-1], c=nn.Conv2d(1, 4, 3)), (1, 9, 9))
    assert (row["name"], row.output_shape, row.pixels_unread) == ("output", (1, 4, 5, 5), 81 - 49)
    assert (row.macs, row.parameters, row.activation_bytes) == (0, 0, 0)


# --- which axes are the image


class Attention(nn.Module):
    """A Conv1d over channels that is registered before the Conv2d."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Conv1d(1, 1, 3, padding=1)
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        x = self.conv(x)
        gate = self.gate(x.mean((2, 3)).unsqueeze(1)).transpose(1, 2).unsqueeze(3)
        return x * gate


def test_a_whole_shape_is_taken_as_given():
    row = last(Attention(), (1, 3, 32, 32))
    assert (row.output_shape, row.receptive_field, row.unknown) == ((1, 8, 30, 30), (32, 32), ())


def test_the_convolution_that_is_registered_first_need_not_be_what_reads_the_image():
    row = last(Attention(), 32)
    assert (row.output_shape, row.receptive_field) == ((1, 8, 30, 30), (32, 32))


def test_batch_and_time():
    model = Model(lambda self, x: self.c(x.unsqueeze(1)), c=nn.Conv1d(1, 4, 10, 5))
    table = anatomy(model, (1, 1600))
    assert (table.receptive_field[0], table.jump[0], table.pixels_unread[0]) == ((10,), (5,), 0)
    assert table.note[0].startswith("assumed: (1, 1600) is the whole shape")


def test_batch_time_and_features():
    model = Model(lambda self, x: self.c(x.unsqueeze(1)), c=nn.Conv2d(1, 4, 3, 2))
    table = anatomy(model, (1, 1000, 80))
    assert (table.receptive_field[0], table.jump[0]) == ((3, 3), (2, 2))
    assert table.pixels_unread[0] == 1000 * 80 - 999 * 79
    along_time = Model(lambda self, x: self.c(x.transpose(1, 2)), c=nn.Conv1d(80, 4, 3, 2))
    row = last(along_time, (1, 1000, 80))
    assert (row.receptive_field, row.jump, row.pixels_unread) == ((3,), (2,), 1)


def test_channels_last():
    model = Model(lambda self, x: self.c(x.permute(0, 3, 1, 2)), c=nn.Conv2d(3, 4, 3, 2))
    for options in ({}, {"image_dims": (1, 2)}):
        table = anatomy(model, (1, 16, 20, 3), **options)
        row = table.iloc[-1]
        assert (row.receptive_field, row.jump, row.pixels_unread) == ((3, 3), (2, 2), 16 + 20 - 1)
        assert ("assumed: the image lies along dimension 1 and 2" in table.note[0]) == (not options)


def test_pooling_alone_along_one_and_three_axes():
    assert last(nn.MaxPool1d(2), (1, 3, 33)).pixels_unread == 1
    assert last(nn.MaxPool3d(2), (1, 3, 5, 4, 4)).pixels_unread == 16


def test_several_inputs():
    two = Model(lambda self, image, mask: self.c(image * mask), c=nn.Conv2d(3, 4, 3))
    for sizes in ([(1, 3, 8, 8), (1, 1, 8, 8)], {"image": (1, 3, 8, 8), "mask": (1, 1, 8, 8)}):
        table = anatomy(two, sizes)
        assert table.receptive_field.iloc[-1] == (3, 3)
        assert "the image is input" in table.note[0]

    class Named(nn.Conv2d):
        def forward(self, batch):
            return super().forward(batch["image"])

    assert last(Named(3, 4, 3), {"image": (1, 3, 8, 8), "mask": (1, 1)}).receptive_field == (3, 3)


def test_a_fault_of_the_package_is_not_told_as_the_models(monkeypatch):
    def fail(call):
        raise IndexError("tuple index out of range")

    monkeypatch.setattr("helpers.anatomy.trace.output_paths", fail)
    with pytest.raises(IncompleteAnatomy, match="a fault of its own, not of the model"):
        anatomy(nn.Conv2d(1, 1, 3), 8)


# --- masks


def masked(kernel_size, kind):
    mask = torch.ones(kernel_size, kernel_size)
    middle = kernel_size // 2
    mask[middle, middle + (kind == "B") :] = 0
    mask[middle + 1 :] = 0
    return mask


class Masked(nn.Conv2d):
    def __init__(self, *args, kind, in_place, **options):
        super().__init__(*args, **options)
        self.register_buffer("mask", masked(self.kernel_size[0], kind))
        self.in_place = in_place

    def forward(self, x):
        if not self.in_place:
            return F.conv2d(x, self.weight * self.mask, self.bias, self.stride, self.padding)
        self.weight.data *= self.mask
        return super().forward(x)


@pytest.mark.parametrize("in_place", [False, True])
def test_masked_kernels_read_what_their_mask_leaves(in_place):
    model = nn.Sequential(
        Masked(1, 4, 5, padding=2, kind="A", in_place=in_place),
        Masked(4, 4, 3, padding=1, kind="B", in_place=in_place),
    )
    row = last(model, (1, 12, 12))
    assert (row.receptive_field, row.pixels_unread) == ((4, 7), 1)
    assert last(model.to("meta"), (1, 12, 12)).unknown or not in_place


def written_behind(x, before, after):
    longer = torch.zeros(*x.shape[:2], x.shape[2] + before + after, device=x.device)
    longer[..., before : before + x.shape[2]] = x
    return longer


def scattered(x, before, after):
    longer = torch.zeros(*x.shape[:2], x.shape[2] + before + after, device=x.device)
    return longer.slice_scatter(x, 2, before, before + x.shape[2])


def joined(x, before, after):
    return torch.cat([x.new_zeros(*x.shape[:2], before), x, x.new_zeros(*x.shape[:2], after)], 2)


@pytest.mark.parametrize("padded", [joined, written_behind, scattered])
@pytest.mark.parametrize("sides", [(2, 0), (0, 2), (2, 1)])
def test_padding_by_hand_is_padding(padded, sides):
    """Zeros joined on, or a longer tensor that is written into: the first window starts before the image."""
    by_hand = Model(lambda self, x: self.c(padded(x, *sides)), c=nn.Conv1d(1, 2, 3, 2))
    by_torch = Model(lambda self, x: self.c(F.pad(x, sides)), c=nn.Conv1d(1, 2, 3, 2))
    columns = ["receptive_field", "jump", "start", "pixels_unread", "macs", "unknown"]
    assert last(by_hand, (1, 20))[columns].tolist() == last(by_torch, (1, 20))[columns].tolist()
    assert last(by_hand, (1, 20)).start == (-sides[0],)


# --- maps too large to say of each unit, once they are flat, what it reads

FLAT = {
    "there and back": lambda self, x: 2 * self.c(x).flatten(2).reshape(self.c(x).shape),
    "softmax over tokens": lambda self, x: self.c(x).flatten(2).transpose(1, 2).softmax(1),
    "half of the tokens": lambda self, x: self.c(x).flatten(2)[..., ::2] + 1,
}


@pytest.mark.parametrize("name", FLAT)
def test_units_whose_order_is_lost_read_at_most_what_all_of_them_read(name):
    row = last(Model(FLAT[name], c=nn.Conv2d(1, 1, 3)), (1, 1500, 1500))
    assert {"receptive_field", "pixels_unread"} <= set(row.unknown)
    assert "every unit sees the whole input" not in row.note


def test_units_that_are_joined_need_no_order():
    row = last(Model(lambda self, x: self.c(x).flatten(2).mean(2), c=nn.Conv2d(1, 1, 3)), (1, 1500, 1500))
    assert row.receptive_field == (1500, 1500)
    assert "receptive_field" not in row.unknown
