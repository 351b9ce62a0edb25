"""What anatomy says a unit reads, against autograd: a pixel is read where its gradient is not zero.

`ANATOMY_EXAMPLES=3000 pytest --hypothesis-show-statistics` tries more networks, and counts what they contain.
"""

import os

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision.models import get_model

from helpers.anatomy import anatomy
from helpers.anatomy.axis import AT_MOST, EXACT
from helpers.anatomy.paths import bound_of
from helpers.anatomy.spans import members
from helpers.anatomy.trace import Tracer
from helpers.arithmetic import Layer, network_unread, trace

CHANNELS = 2


class Apply(nn.Module):
    """A function as a module; its representation is what Hypothesis prints."""

    def __init__(self, name, function, *parts):
        super().__init__()
        self.name, self.function, self.parts = name, function, nn.ModuleList(parts)

    def forward(self, image):
        return self.function(image, *self.parts)

    def extra_repr(self):
        return self.name


def leveled(model):
    """The model with positive weights that average: no gradient vanishes by chance, none explodes."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model.eval().double()


def image_of(*shape):
    """A positive image, small enough that no sum of a residual block reaches the plateau of a ReLU6."""
    return (
        torch.linspace(0.01, 0.03, int(np.prod(shape)), dtype=torch.float64).reshape(shape).requires_grad_()
    )


def pixels_with_gradient(image, value):
    (gradient,) = torch.autograd.grad(value, image, retain_graph=True, allow_unused=True)
    return torch.zeros(image.shape[2:], dtype=bool) if gradient is None else (gradient != 0).any(1)[0]


def pixels_said(paths, unit):
    """What the unit at a place of the map reads, by anatomy: for each path, its rows times its columns."""
    said = np.zeros([axis.size for axis in paths[0]], dtype=bool)
    for path in paths:
        rows, columns = (
            members(
                axis.reads[
                    tuple(min(place, size - 1) for place, size in zip(unit, axis.shape, strict=False))
                ],
                axis.size,
            )
            for axis in path
        )
        said |= np.multiply.outer(rows, columns)
    return torch.from_numpy(said)


pairs = {low: st.tuples(st.integers(low, low + 2), st.integers(low, low + 2)) for low in (0, 1)}


@st.composite
def convolutions(draw):
    kernel_size, padding = draw(pairs[1]), draw(pairs[0])
    mode = draw(st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"]))
    return nn.Conv2d(
        CHANNELS, CHANNELS, kernel_size, draw(pairs[1]), padding, draw(pairs[1]), padding_mode=mode
    )


@st.composite
def poolings(draw):
    kernel_size = draw(pairs[1])
    return nn.AvgPool2d(
        kernel_size,
        stride=draw(pairs[1]),
        padding=tuple(draw(st.integers(0, size // 2)) for size in kernel_size),
        ceil_mode=draw(st.booleans()),
    )


@st.composite
def transposed_convolutions(draw):
    stride = draw(pairs[1])
    return nn.ConvTranspose2d(
        CHANNELS,
        CHANNELS,
        draw(pairs[1]),
        stride,
        padding=draw(st.integers(0, 1)),
        output_padding=tuple(draw(st.integers(0, step - 1)) for step in stride),
        dilation=draw(pairs[1]),
    )


@st.composite
def residual_blocks(draw):
    kernel_size = draw(st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3])))
    branch = nn.Conv2d(CHANNELS, CHANNELS, kernel_size, padding="same")
    return Apply("image + branch(image)", lambda image, part: image + part(image), branch)


def cross():
    row, column = (nn.Conv2d(CHANNELS, CHANNELS, size, padding="same") for size in ((1, 3), (3, 1)))
    return Apply(
        "row(image) + column(image)", lambda image, one, other: one(image) + other(image), row, column
    )


def halves(image):
    """Two maps of one shape and unequal jumps: every second pixel, and a corner."""
    height, width = (image.shape[-2] + 1) // 2, (image.shape[-1] + 1) // 2
    return image[..., ::2, ::2] + image[..., :height, :width]


def windows(image):
    """The mean over windows of 2x3, back in place, by way of seven dimensions and two permutations."""
    batch, channels, height, width = image.shape
    image = image[..., : height // 2 * 2, : width // 3 * 3]
    cut = image.reshape(batch, channels, height // 2, 2, width // 3, 3).permute(0, 2, 4, 3, 5, 1)
    tokens = cut.flatten(3, 4).flatten(0, 2)  # (windows, 6, channels)
    mixed = tokens + tokens.mean(1, keepdim=True)
    back = mixed.reshape(batch, height // 2, width // 3, 2, 3, channels).permute(0, 5, 1, 3, 2, 4)
    return back.reshape(image.shape)


def unfolded(image):
    """The mean of each window that `F.unfold` lays out, back in its place."""
    batch, _, height, width = image.shape
    taps = F.unfold(image, (3, 2), dilation=(1, 2), padding=1, stride=(2, 1))
    means = taps.mean(1, keepdim=True).expand(-1, CHANNELS, -1)
    return means.reshape(batch, CHANNELS, (height - 1) // 2 + 1, width)


def weights_of_the_image(image):
    """A convolution whose kernel is computed from the whole image."""
    kernel = image.mean((2, 3)).reshape(CHANNELS, 1, 1, 1).expand(-1, 1, 2, 2)
    return F.conv2d(1 + image, 1 + kernel, groups=CHANNELS)


def rows_of_another_order(image):
    index = torch.arange(image.shape[2] - 1, -1, -2)
    return image.index_select(2, index) + image[:, [1, 0]][:, :, ::2].flip(2)[:, :, : len(index)]


def written(image):
    """Every second column of another map, and rows that are overwritten."""
    other = torch.zeros_like(image)
    other[..., ::2] = image[..., : (image.shape[-1] + 1) // 2]
    other[..., :2, :] = 0
    return other


def depth(image):
    """Blocks of 2x2 as channels, and back as the mean of each."""
    batch, channels, height, width = image.shape
    image = image[..., : height // 2 * 2, : width // 2 * 2]
    cut = image.reshape(batch, channels, height // 2, 2, width // 2, 2).permute(0, 1, 3, 5, 2, 4)
    return cut.reshape(batch, channels * 4, height // 2, width // 2)[:, :CHANNELS]


def folded(image):
    """Overlapping windows, mixed and added up in their places; `F.fold` has no rule."""
    height, width = image.shape[2:]
    taps = F.unfold(image, 2)
    return F.fold(taps + taps.mean(1, keepdim=True), (height, width), 2)


def sampled(image):
    """Points of a turned grid that does not depend on the image; `F.grid_sample` has no rule."""
    turn = torch.tensor([[[0.83, 0.31, 0.07], [-0.23, 0.91, 0.013]]], dtype=image.dtype)
    grid = F.affine_grid(turn, (1, CHANNELS, 5, 4), align_corners=False)
    return F.grid_sample(image, grid.expand(image.shape[0], -1, -1, -1), align_corners=False)


def added_at(image):
    """Rows added up at the places that an index says; `scatter_add` has no rule."""
    index = (torch.arange(image.shape[2]) // 2)[:, None].expand(image.shape)
    return torch.zeros_like(image).scatter_add(2, index, image)[:, :, : (image.shape[2] + 1) // 2]


def taken(image):
    """Pixels by an index for each place."""
    index = torch.arange(image.shape[3]).flip(0).expand(image[:, :, :3].shape)
    return image.gather(3, index)


# Where maps are multiplied, 1 is added first: times a unit of padding, which is 0, no gradient would be left.
functions = {
    "unfold": unfolded,
    "windows in dimensions of their own": lambda image: image.unfold(2, 3, 2).unfold(-2, 2, 1).mean((4, 5)),
    "gate": lambda image: (1 + image) * image.mean((2, 3), keepdim=True).sigmoid(),
    "strip": lambda image: image + image.mean(3, keepdim=True),
    "halves": halves,
    "windows": windows,
    "flip": lambda image: image.flip(3) + image,
    "roll": lambda image: image.roll((1, 2), (2, 3)),
    "side by side": lambda image: torch.cat([image, torch.zeros_like(image), image.flip(2)], 2),
    "channels": lambda image: torch.cat([image, image * 2], 1)[:, 1:3],
    "pad": lambda image: F.pad(image, (2, 0, 1, -1)),
    "turned": lambda image: image.transpose(2, 3),
    "squares": lambda image: (1 + image) @ (1 + image).transpose(2, 3),
    "shuffle": lambda image: F.pixel_shuffle(image.repeat(1, 4, 1, 1), 2),
    "weights of the image": weights_of_the_image,
    "rows of another order": rows_of_another_order,
    "written": written,
    "depth": depth,
    "sums up to here": lambda image: image.cumsum(2),
    "fold": folded,
    "sampled": sampled,
    "added at": added_at,
    "taken": taken,
    "antialiased": lambda image: F.interpolate(image, size=(4, 3), mode="bilinear", antialias=True),
    "fold of unfold": lambda image: F.fold(F.unfold(image, 2), image.shape[2:], 2),
    "one channel of a block": lambda image: F.pixel_unshuffle(
        F.pad(image, (0, image.shape[-1] % 2, 0, image.shape[-2] % 2)), 2
    )[:, 1:3],
    "in place": lambda image: image.clone().mul_(2).relu_(),
}
KINDS = {
    "weights of the image": "weights computed from the image",
    **dict.fromkeys(("rows of another order", "taken", "added at"), "a gather or scatter"),
    **dict.fromkeys(("fold", "sampled", "added at", "antialiased"), "an operator that is measured"),
    **dict.fromkeys(("windows", "depth", "turned", "written", "roll", "flip", "unfold"), "views"),
}
named = st.sampled_from(sorted(functions)).map(lambda name: Apply(name, functions[name]))
blocks = st.one_of(
    convolutions(),
    convolutions(),
    poolings(),
    transposed_convolutions(),
    residual_blocks(),
    st.builds(cross),
    named,
    st.sampled_from(["nearest", "nearest-exact", "bilinear"]).map(
        lambda mode: nn.Upsample(scale_factor=1.5, mode=mode)
    ),
    st.just(nn.AdaptiveAvgPool2d((3, 4))),
    st.just(nn.Softplus()),
)


networks = st.one_of(  # most of them with a function, which says more than one more convolution
    st.lists(blocks, min_size=1, max_size=4),
    st.tuples(named, blocks, blocks).map(list),
    st.tuples(blocks, named, blocks).map(list),
    st.tuples(blocks, named, named, blocks).map(list),
)


def paths_of(model, image):
    """What anatomy knows of the model's output, unit by unit."""
    tracer = Tracer(model, image)
    with tracer.watching():
        return tracer._records.of(model(image)).paths


def is_as_said(paths, units, expected, *, padded):
    """Whether what some units read together is what anatomy says; at least that, where it only knows so.

    A rough path has the right first and last row and column, but counts padding as if it were read.
    """
    if not paths:
        return not expected.any()
    said = torch.stack([pixels_said(paths, unit) for unit in units]).any(0)
    bound = max(map(bound_of, paths), default=EXACT)
    if bound == EXACT:
        return torch.equal(said, expected)
    if bool((expected & ~said).any()):
        return False
    sides = zip((expected.any(1), expected.any(0)), (said.any(1), said.any(0)), strict=True)
    return padded or bound == AT_MOST or all(ends(one) == ends(other) for one, other in sides)


def ends(kept):
    found = kept.nonzero().flatten().tolist()
    return (found[0], found[-1]) if found else ()


def wrong_units(model, image, places=None, *, padded=False):
    """The places of the output whose units read, by their gradient, something else than anatomy says."""
    output, paths = model(image), paths_of(model, image)

    def is_wrong(row, column):
        expected = pixels_with_gradient(image, output[0, :, row, column].sum())
        units = [(0, channel, row, column) for channel in range(output.shape[1])]
        return not is_as_said(paths, units, expected, padded=padded)

    return [place for place in places or np.ndindex(*output.shape[2:]) if is_wrong(*place)]


@settings(max_examples=int(os.environ.get("ANATOMY_EXAMPLES", "100")))
@given(networks, st.tuples(st.integers(5, 11), st.integers(5, 11)), st.data())
def test_every_unit_of_a_network_reads_what_its_gradient_says(parts, size, data):
    model = leveled(nn.Sequential(*parts))
    image = image_of(1, CHANNELS, *size)
    try:
        output = model(image)
    except RuntimeError:
        assume(False)
    assume(output.numel() > 0 and max(output.shape) < 40)
    place = st.tuples(*(st.integers(0, length - 1) for length in output.shape[2:]))
    places = data.draw(st.lists(place, min_size=3, max_size=3))
    assert wrong_units(model, image, places, padded=True) == []
    row = anatomy(model, (CHANNELS, *size)).iloc[-1]
    if "pixels_unread" not in row.unknown and row.receptive_field is not None:
        assert row.pixels_unread == (~pixels_with_gradient(image, output.sum())).sum()
    for kind in {KINDS.get(part.name) for part in parts if isinstance(part, Apply)} - {None}:
        event(kind)
    event("fields known" if "receptive_field" not in row.unknown else "fields unknown")
    event("unread known" if "pixels_unread" not in row.unknown else "unread unknown")


def test_columns_that_become_alike_where_rows_are_joined_can_be_read_in_windows():
    """The grid tells columns apart in some rows alone; windows over rows leave all columns the same."""
    model = nn.Sequential(
        Apply("added at", added_at), Apply("sampled", sampled), nn.AdaptiveAvgPool2d((3, 4))
    )
    assert wrong_units(leveled(model), image_of(1, CHANNELS, 5, 5)) == []


def test_paths_that_are_the_same_for_every_unit_stay_apart():
    """One window is the whole map: a path of rows, one of columns, and no unit reads the corner of both."""
    model = leveled(nn.Sequential(cross(), nn.AdaptiveAvgPool2d((3, 4)), Apply("windows", windows)))
    assert wrong_units(model, image_of(1, CHANNELS, 5, 5)) == []


@pytest.mark.parametrize("name", functions)
def test_every_unit_of_a_function_reads_what_its_gradient_says(name):
    convolution = nn.Conv2d(CHANNELS, CHANNELS, (3, 2), (1, 2))
    model = leveled(nn.Sequential(Apply(name, functions[name]), convolution))
    assert wrong_units(model, image_of(1, CHANNELS, 7, 8)) == []


PADDED = nn.Conv2d(CHANNELS, CHANNELS, 1, padding=(0, 1))
SPECIAL = {
    "reflect": nn.Conv2d(CHANNELS, CHANNELS, 5, padding=2, padding_mode="reflect"),
    "replicate": nn.Conv2d(CHANNELS, CHANNELS, 5, padding=2, padding_mode="replicate"),
    "circular": nn.Conv2d(CHANNELS, CHANNELS, 5, padding=2, padding_mode="circular"),
    "windows wholly in the padding": nn.Sequential(Apply("squares", functions["squares"]), PADDED),
    "statistics over rows": Apply("layer_norm", lambda image: F.layer_norm(image, image.shape[-1:])),
    "statistics over the map": nn.GroupNorm(1, CHANNELS),
    "aligned corners": nn.Upsample((11, 5), mode="bilinear", align_corners=True),
    "cubic": nn.Upsample((11, 5), mode="bicubic"),
    "unequal windows": nn.AdaptiveAvgPool2d((3, 5)),
    "ceiling": nn.AvgPool2d(3, 2, 1, ceil_mode=True),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_every_unit_of_a_special_layer_reads_what_its_gradient_says(name):
    assert wrong_units(leveled(SPECIAL[name]), image_of(1, CHANNELS, 7, 8)) == []


def test_tokens_are_followed_one_by_one():
    model = Apply("tokens", lambda image: F.avg_pool2d(image, 2).flatten(2).transpose(1, 2)[:, 1:4])
    image = image_of(1, CHANNELS, 8, 6)
    assert anatomy(model, (CHANNELS, 8, 6)).pixels_unread.iloc[-1] == 48 - 3 * 4
    assert (~pixels_with_gradient(image, model(image).sum())).sum() == 48 - 3 * 4


def test_three_axes_are_followed_like_two():
    model = nn.Sequential(nn.Conv3d(CHANNELS, CHANNELS, 1), nn.AvgPool3d((1, 2, 3)), nn.MaxPool3d(2))
    row = anatomy(model, (CHANNELS, 5, 9, 14)).iloc[-1]
    assert (row.output_shape, row.kernel_size) == ((1, CHANNELS, 2, 2, 2), (2, 2, 2))
    assert (row.receptive_field, row.jump) == ((2, 4, 6), (2, 4, 6))
    assert row.pixels_unread == 5 * 9 * 14 - 4 * 8 * 12


# A stack of one axis: helpers.arithmetic works out the same numbers by formulas, without a single tensor.
layers = st.builds(
    Layer,
    kernel_size=st.integers(1, 4),
    stride=st.integers(1, 4),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.integers(1, 2),
)


@given(st.integers(1, 40), st.lists(layers, min_size=1, max_size=4))
def test_a_stack_along_one_axis_agrees_with_the_formulas(size, stack):
    modules = []
    for layer in stack:
        convolution = nn.Conv1d(1, 1, layer.kernel_size, layer.stride, 0, layer.dilation)
        modules += [nn.ConstantPad1d(layer.padding, 0.0), convolution]
    try:
        expected = trace(size, stack)
    except ValueError:
        with pytest.raises(ValueError, match=r"large enough for the model, .*: at layer .* spans"):
            anatomy(nn.Sequential(*modules), size)
        return
    table = anatomy(nn.Sequential(*modules), size)
    rows = table[table.type == "Conv1d"]
    assert [
        (row.output_shape[-1], *row.jump, *row.receptive_field, *row.start) for row in rows.itertuples()
    ] == [tuple(row[1:]) for row in expected]
    assert list(rows.padding) == [(layer.padding,) for layer in stack]
    assert table.pixels_unread.iloc[-1] == len(network_unread(size, stack))


def averaging(model):
    """The model with means instead of maxima, which pass no gradient to all but one pixel."""
    for name, module in model.named_children():
        if isinstance(module, nn.MaxPool2d):
            settings = module.kernel_size, module.stride, module.padding, module.ceil_mode
            setattr(model, name, nn.AvgPool2d(*settings))
        else:
            averaging(module)
    return model


def outputs_of(model, names, image):
    """What some modules put out, by name."""
    found, modules = {}, dict(model.named_modules())
    hooks = [
        modules[name].register_forward_hook(
            lambda module, args, output, name=name: found.update({name: output})
        )
        for name in names
    ]
    model(image)
    for hook in hooks:
        hook.remove()
    return found


# Model, size of its input, layers of it: early, in the middle, and as deep as a field still fits the input.
DEPTHS = {
    "alexnet": ((239, 255), ["features.0", "features.3", "features.12"]),
    "squeezenet1_1": ((219, 223), ["features.2", "features.7.expand3x3", "features.12.expand3x3"]),
    "resnet18": ((160, 129), ["conv1", "layer1.1.relu", "layer2.1.relu"]),
    "googlenet": ((150, 173), ["conv3.conv", "inception3b.branch4.0", "inception4b.branch3.1.conv"]),
    "mobilenet_v2": ((190, 185), ["features.2.conv.3", "features.5.conv.3", "features.10.conv.3"]),
}


@pytest.mark.parametrize("name", DEPTHS)
def test_fields_and_unread_pixels_of_known_models_are_those_of_the_gradient(name):
    size, places = DEPTHS[name]
    options = {"init_weights": False} if name == "googlenet" else {}
    model = leveled(averaging(get_model(name, weights=None, **options)))
    image = image_of(1, 3, *size)
    table = anatomy(model, size).drop_duplicates("name", keep="last").set_index("name")
    for place, output in outputs_of(model, places, image).items():
        row = table.loc[place]
        units, starts = [], []
        for axis in (0, 1):  # the first unit whose field lies in the input
            unit = -(row.start[axis] // row.jump[axis])
            units.append(unit)
            starts.append(row.start[axis] + unit * row.jump[axis])
            assert starts[axis] + row.receptive_field[axis] <= size[axis]
        read = pixels_with_gradient(image, output[0, :, units[0], units[1]].sum()).nonzero()
        assert read.amin(0).tolist() == starts
        assert (read.amax(0) - read.amin(0) + 1).tolist() == list(row.receptive_field)
        assert row.pixels_unread == (~pixels_with_gradient(image, output.sum())).sum()


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"num_layers": 2, "batch_first": True}])
def test_a_recurrent_layer_reads_all_steps_up_to_its_own(kind, options):
    """On values and on the meta device, where it is followed as one operator."""

    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = kind(2, 3, **options)

        def forward(self, sound):
            order = (0, 2, 1) if options.get("batch_first") else (2, 0, 1)
            return self.layer(sound.permute(order))

    model, sound = Steps().double(), torch.rand(1, 2, 6, dtype=torch.float64, requires_grad=True)
    output, state = model(sound)[0], model(sound)[1]
    tracer = Tracer(model, sound, (2,))
    with tracer.watching():
        followed = model(sound)[0]
    [[axis]] = tracer._records.of(followed).paths
    for step in range(6):
        unit = (0, step) if options.get("batch_first") else (step, 0)
        (gradient,) = torch.autograd.grad(output[unit].sum(), sound, retain_graph=True)
        index = tuple(min(i, size - 1) for i, size in zip((*unit, 0), axis.shape, strict=True))
        assert members(axis.reads[index], 6).tolist() == (gradient != 0).any(1)[0].tolist()
    real, empty = (anatomy(each, (1, 2, 6)) for each in (model, Steps().to("meta")))
    assert real.drop(columns="activation_bytes").equals(empty.drop(columns="activation_bytes"))
    assert isinstance(state, tuple) == (kind is nn.LSTM)
