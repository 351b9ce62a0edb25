"""The layers against torch's own operations and Keras's records, eager, traced, compiled and exported."""

import io
import json
import operator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch.export import Dim

from helpers.arithmetic import output_size, resolve_padding
from helpers.layers import (
    AvgPool2dSame,
    BlurPool2d,
    Conv1dSame,
    Conv2dSame,
    Conv3dSame,
    ConvTranspose2dSame,
    MaxPool2dSame,
    same_padding,
)

axis = st.tuples(st.integers(1, 20), st.integers(1, 6), st.integers(1, 7), st.integers(1, 3))
small_axis = st.tuples(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))

GOLDEN = Path(__file__).parents[1] / "golden" / "conventions.json"
RECORD = json.loads(GOLDEN.read_text(encoding="utf-8"))

CONVOLUTIONS = {1: Conv1dSame, 2: Conv2dSame, 3: Conv3dSame}
TORCH_CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}

# Of each kind: padding that is even, odd by one, by content, and a stride beyond the kernel.
GRAPHS = {
    "even": lambda: Conv2dSame(2, 3, 3, 1),
    "odd": lambda: Conv2dSame(2, 3, 3, 2),
    "by 3": lambda: Conv2dSame(2, 3, 5, 3),
    "beyond": lambda: Conv2dSame(2, 3, 2, 3),
    "shortcut": lambda: Conv2dSame(2, 3, 1, 2),
    "reflect": lambda: Conv2dSame(2, 3, 3, 2, dilation=2, padding_mode="reflect"),
    "circular": lambda: Conv2dSame(2, 3, 3, 2, padding_mode="circular"),
    "1d": lambda: Conv1dSame(2, 3, 5, 3),
    "3d": lambda: Conv3dSame(2, 3, 3, (1, 2, 2)),
    "maximum": lambda: MaxPool2dSame(3, 2),
    "average": lambda: AvgPool2dSame(3, 2),
    "transposed": lambda: ConvTranspose2dSame(2, 3, 3, 2),
    "blur": lambda: BlurPool2d(2, kernel_size=4, stride=3),
}
SIZES = [(8, 17, 9), (7, 20, 8), (12, 13, 7), (9, 9, 12)]


def published_padding(size, kernel_size, stride, dilation):
    """SAME as TensorFlow's documentation has it: by the remainder, where the code goes by the ceiling."""
    reach = (kernel_size - 1) * dilation + 1
    total = max(reach - (size % stride or stride), 0)
    return total // 2, total - total // 2


def images(height, width, channels=2):
    generator = torch.Generator().manual_seed(height * 100 + width)
    return torch.rand((2, channels, height, width), generator=generator)


class Side(nn.Module):
    """Several layers on one input, so that one graph tests them all."""

    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, input):
        return tuple(layer(input) for layer in self.layers)


class UpTo(nn.Module):
    """Down and up again, to the size of the image."""

    def __init__(self):
        super().__init__()
        self.down, self.up = Conv2dSame(2, 3, 4, 2), ConvTranspose2dSame(3, 2, 4, 2)

    def forward(self, image):
        return self.up(self.down(image), output_size=image.shape)


def inputs_of(axes):
    generator = torch.Generator().manual_seed(0)
    return [torch.rand((2, 2, *size[:axes]), generator=generator) for size in SIZES]


def module_and_inputs(name):
    """A layer in evaluation mode, and an input of each size."""
    return GRAPHS[name]().eval(), inputs_of({"1d": 1, "3d": 3}.get(name, 2))


def all_of(axes):
    """All layers of so many axes side by side, and an input of each size."""
    names = [name for name in GRAPHS if {"1d": 1, "3d": 3}.get(name, 2) == axes]
    layers = [GRAPHS[name]() for name in names] + ([UpTo()] if axes == 2 else [])
    return Side(layers).eval(), inputs_of(axes)


def assert_same_maps(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(torch.as_tensor(ours), theirs, rtol=1e-4, atol=1e-6)


def named_dimensions(axes):
    return ({axis + 2: Dim("dhw"[axis], min=4, max=64) for axis in range(axes)},)


# --- Conv2dSame in eager mode


@given(st.one_of(st.lists(axis, min_size=1, max_size=2), st.lists(small_axis, min_size=3, max_size=3)))
def test_pads_as_tensorflow_publishes_and_convolves_as_torch(axes):
    sizes, kernel_size, stride, dilation = zip(*axes, strict=True)
    layer = CONVOLUTIONS[len(axes)](2, 4, kernel_size, stride, dilation=dilation, groups=2)
    image = torch.rand((2, 2, *sizes), generator=torch.Generator().manual_seed(sum(sizes)))
    padded = F.pad(image, [side for axis in reversed(axes) for side in published_padding(*axis)])
    convolve = TORCH_CONVOLUTIONS[len(axes)]
    expected = convolve(padded, layer.weight, layer.bias, stride, 0, dilation, 2)
    torch.testing.assert_close(layer(image), expected)
    assert expected.shape[2:] == tuple(
        output_size(size, kernel_size=1, stride=step, padding="same")
        for size, step in zip(sizes, stride, strict=True)
    )


@given(axis)
def test_pads_are_those_of_arithmetic(settings):
    size, kernel_size, stride, dilation = settings
    pads = resolve_padding(size, kernel_size=kernel_size, stride=stride, padding="same", dilation=dilation)
    assert same_padding(size, kernel_size, stride, dilation) == pads


@pytest.mark.parametrize("padding_mode", ["reflect", "replicate", "circular"])
def test_padding_modes_pad_the_same_pixels(padding_mode):
    layer = Conv2dSame(2, 3, kernel_size=(4, 3), stride=(1, 2), padding_mode=padding_mode)
    padded = F.pad(images(8, 8), (0, 1, 1, 2), mode=padding_mode)
    torch.testing.assert_close(layer(images(8, 8)), F.conv2d(padded, layer.weight, layer.bias, (1, 2)))


def test_weights_load_from_conv2d_and_back_and_give_its_result_at_stride_1():
    plain = nn.Conv2d(2, 3, (3, 5), padding="same", dilation=2, bias=False)
    layer = Conv2dSame(2, 3, (3, 5), dilation=2, bias=False)
    layer.load_state_dict(plain.state_dict())
    plain.load_state_dict(layer.state_dict())
    assert torch.equal(layer(images(9, 8)), plain(images(9, 8)))


def test_same_shape_as_padding_1_but_the_other_samples():
    dense = nn.Conv2d(2, 3, 3, padding=1)
    strided, same = nn.Conv2d(2, 3, 3, 2, padding=1), Conv2dSame(2, 3, 3, 2)
    strided.load_state_dict(dense.state_dict())
    same.load_state_dict(dense.state_dict())
    whole = dense(images(28, 28))
    torch.testing.assert_close(strided(images(28, 28)), whole[..., ::2, ::2])
    torch.testing.assert_close(same(images(28, 28)), whole[..., 1::2, 1::2])


@pytest.mark.parametrize(("size", "stride", "copies"), [(28, 1, 0), (27, 2, 0), (28, 3, 0), (28, 2, 1)])
def test_copies_the_image_only_where_padding_is_uneven(monkeypatch, size, stride, copies):
    calls = []
    pad = F.pad
    monkeypatch.setattr(F, "pad", lambda *args, **kwargs: calls.append(args) or pad(*args, **kwargs))
    Conv2dSame(2, 3, kernel_size=3, stride=stride)(images(size, size))
    assert len(calls) == copies


def test_keeps_dtype_and_channels_last():
    layer = Conv2dSame(2, 3, kernel_size=3, stride=2, dtype=torch.float64)
    out = layer(images(8, 8).double().to(memory_format=torch.channels_last))
    assert out.dtype == torch.float64
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_gradient_reaches_every_weight_and_pixel():
    layer = Conv2dSame(2, 3, kernel_size=3, stride=2)
    image = images(8, 8).requires_grad_()
    layer(image).sum().backward()
    assert image.grad.count_nonzero() == image.numel()
    assert layer.weight.grad.count_nonzero() == layer.weight.numel()


def test_says_in_its_repr_that_it_pads():
    assert "padding=same" in repr(Conv2dSame(2, 3, kernel_size=3, stride=2))


@pytest.mark.parametrize("name", GRAPHS)
def test_takes_an_input_without_a_batch_as_torch_does_and_no_other_rank(name):
    module, (image, *_) = module_and_inputs(name)
    torch.testing.assert_close(module(image[0]), module(image)[0])
    for wrong in (image[0, 0], image[None]):
        with pytest.raises(ValueError, match=r"input must be \(N, C, .*\) or \(C, .*\), got shape"):
            module(wrong)


@pytest.mark.parametrize("name", ["kernel_size", "stride", "dilation"])
@pytest.mark.parametrize(
    ("kind", "channels", "bad"),
    [
        (Conv1dSame, (2, 3), (0,)),
        (Conv2dSame, (2, 3), (1, 0)),
        (Conv3dSame, (2, 3), (1, 1, 0)),
        (ConvTranspose2dSame, (2, 3), (0, 1)),
        (MaxPool2dSame, (), (1, 0)),
        (AvgPool2dSame, (), (1, 0)),
    ],
)
def test_refuses_settings_below_1_and_fractions(kind, channels, bad, name):
    good = {"kernel_size": 3, "stride": 2}
    if name == "dilation" and kind is AvgPool2dSame:
        return
    with pytest.raises(ValueError, match=f"{name}.* must be at least 1, got 0"):
        kind(*channels, **{**good, name: bad})
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        kind(*channels, **{**good, name: 0})
    with pytest.raises(TypeError, match=f"{name} must be a whole number, got 1.5"):
        kind(*channels, **{**good, name: 1.5})


def test_refuses_a_padding_left_over_from_conv2d():
    with pytest.raises(TypeError):
        Conv2dSame(2, 3, 3, 2, 1)
    with pytest.raises(TypeError):
        Conv2dSame(2, 3, 3, 2, padding=1)


def test_a_map_too_small_for_its_own_content_is_refused_with_what_works():
    for mode, size in (("reflect", 2), ("circular", 1)):
        layer = Conv2dSame(2, 3, kernel_size=5, padding_mode=mode)
        match = f'padding_mode must be "zeros" or "replicate" where {size} pixels .*, got .{mode}'
        with pytest.raises(ValueError, match=match):
            layer(images(size, 9))
    with pytest.raises(ValueError, match=r"padding_mode must be one of 'zeros', .*, got 'mirror'"):
        Conv2dSame(2, 3, kernel_size=5, padding_mode="mirror")


# --- the poolings


def windows_or_nan(image, rows, columns):
    """The pixels of each window; not a number where there is padding. Shape (N, C, H', W', taps)."""
    padded = F.pad(image, (*published_padding(*columns), *published_padding(*rows)), value=torch.nan)
    _, kernel_size, stride, dilation = zip(rows, columns, strict=True)
    for dim in (2, 3):
        reach = dilation[dim - 2] * (kernel_size[dim - 2] - 1) + 1
        padded = padded.unfold(dim, reach, stride[dim - 2])
    return padded[..., :: dilation[0], :: dilation[1]].flatten(start_dim=4)


@given(rows=axis, columns=axis)
def test_poolings_read_the_pixels_and_not_the_padding(rows, columns):
    (height, *_), (width, *_) = rows, columns
    _, kernel_size, stride, dilation = zip(rows, columns, strict=True)
    image = images(height, width)
    taps = windows_or_nan(image, rows, columns)
    maximum = MaxPool2dSame(kernel_size, stride, dilation=dilation)(image)
    torch.testing.assert_close(maximum, taps.nan_to_num(-torch.inf).amax(dim=-1))
    near = windows_or_nan(image, (*rows[:3], 1), (*columns[:3], 1))
    torch.testing.assert_close(AvgPool2dSame(kernel_size, stride)(image), near.nanmean(dim=-1))


def test_a_stride_left_out_is_the_kernel_as_in_torch():
    for ours, torchs in ((MaxPool2dSame, nn.MaxPool2d), (AvgPool2dSame, nn.AvgPool2d)):
        torch.testing.assert_close(ours((2, 3))(images(8, 9)), torchs((2, 3))(images(8, 9)))
        assert isinstance(ours(2), torchs)
        assert "padding=same" in repr(ours(2))


def test_a_maximum_never_is_the_padding():
    lowest = torch.full((1, 1, 3, 3), -torch.inf)
    assert MaxPool2dSame(2)(lowest).unique().tolist() == [-torch.inf]
    assert MaxPool2dSame(2)(torch.full((1, 1, 3, 3), -128, dtype=torch.int8)).unique().tolist() == [-128]


# --- ConvTranspose2dSame


@given(rows=axis, columns=axis, data=st.data())
def test_transposed_is_the_gradient_of_conv2d_same(rows, columns, data):
    sizes, kernel_size, stride, dilation = zip(rows, columns, strict=True)
    down = Conv2dSame(2, 4, kernel_size, stride, dilation=dilation, groups=2, bias=False)
    up = ConvTranspose2dSame(4, 2, kernel_size, stride, dilation=dilation, groups=2, bias=False)
    up.load_state_dict(down.state_dict())
    image = images(*sizes).requires_grad_()
    maps = down(image)
    values = torch.rand_like(maps)
    (expected,) = torch.autograd.grad(maps, image, values)
    asked = data.draw(st.sampled_from([sizes, image.shape]), label="output_size")
    torch.testing.assert_close(up(values, output_size=asked), expected)
    whole = tuple(map(operator.mul, maps.shape[2:], stride))
    torch.testing.assert_close(up(values), up(values, output_size=whole))
    assert up(values).shape[2:] == whole


def test_transposed_lands_one_pixel_after_torchs_even_crop():
    torchs = nn.ConvTranspose2d(2, 3, 3, 2, padding=1, output_padding=1)
    ours = ConvTranspose2dSame(2, 3, 3, 2)
    ours.load_state_dict(torchs.state_dict())
    torch.testing.assert_close(ours(images(8, 8))[..., 1:, 1:], torchs(images(8, 8))[..., :-1, :-1])


def test_a_size_that_does_not_lead_to_the_input_is_refused():
    up = ConvTranspose2dSame(2, 3, 3, 2)
    for wrong in (14, (16, 17), (1, 3, 16, 14)):
        with pytest.raises(ValueError, match="output_size must be from 15 to 16, which lead to this input"):
            up(images(8, 8), output_size=wrong)


# --- what Keras, TensorFlow and JAX computed (tests/golden/record_conventions.py)


def along(size, values, axes):
    """Values along the first of some axes."""
    return torch.as_tensor(values, dtype=torch.float64).view(1, 1, size, *(1,) * (axes - 1))


def convolved(kind, axes, size, kernel_size, stride, dilation):
    ones = (1,) * (axes - 1)
    layer = kind(1, 1, (kernel_size, *ones), (stride, *ones), dilation=(dilation, *ones), bias=False).double()
    layer.weight.data[:] = along(kernel_size, 16.0 ** np.arange(kernel_size), axes)
    return [layer(along(size, range(1, size + 1), axes))]


def pooled(size, kernel_size, stride):
    """The first and the last pixel of each window: maxima of -1, -2, ... and of ..., -2, -1."""
    pool = MaxPool2dSame((kernel_size, 1), (stride, 1))
    first = -pool(-along(size, range(1, size + 1), 2))
    last = size + 1 + pool(-along(size, range(size, 0, -1), 2))
    return [first, last]


def recorded_cases():
    """Each table of "same" with the axes of a layer of ours; the rule of 3-D alone is none of ours."""
    for table in RECORD["tables"]:
        kept = [name for name in table["recorded_by"] if not name.endswith("-3d")]
        if table["padding"] != "same" or table["operation"] == "transposed_to_size" or not kept:
            continue
        for axes in sorted({{"1d": 1, "3d": 3}.get(name[-2:], 2) for name in table["recorded_by"]}):
            if axes == 2 or table["operation"] == "convolution":
                yield pytest.param(table, axes, id=f"{table['operation']}-{axes}d-{'-'.join(kept)}")


@pytest.mark.parametrize(("table", "axes"), list(recorded_cases()))
def test_every_recorded_output_is_that_of_the_layer(table, axes):
    operation = table["operation"]
    for size, kernel_size, stride, dilation, size_out, *recorded in table["rows"]:
        if operation == "max_pooling":
            outputs = pooled(size, kernel_size, stride)
        elif operation == "average_pooling":
            mean = AvgPool2dSame((kernel_size, 1), (stride, 1))(along(size, range(1, size + 1), 2))
            outputs = [(60 * mean).round(decimals=6)]
        else:
            kind = ConvTranspose2dSame if operation == "transposed" else CONVOLUTIONS[axes]
            outputs = convolved(kind, axes, size, kernel_size, stride, dilation)
        for output, expected in zip(outputs, recorded, strict=True):
            values = output.flatten().tolist()
            ends = values if len(values) <= 2 * RECORD["ends"] else values[:4] + values[-4:]
            assert (len(values), ends) == (size_out, expected), (size, kernel_size, stride, dilation)


# --- traced, compiled and exported

# aot_eager traces forward and backward as the default backend does, and needs no C++ compiler on the machine.
BACKEND = "aot_eager"


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_compiles_to_one_graph_for_all_sizes(axes):
    torch._dynamo.reset()
    module, inputs = all_of(axes)
    counter = CompileCounterWithBackend("eager")  # what is asked here is what dynamo captures
    compiled = torch.compile(module, dynamic=True, fullgraph=True, backend=counter)
    with torch.no_grad():  # the gradient follows from the forward pass, and would take most of the time
        for image in inputs:
            assert_same_maps(compiled(image), module(image))
    assert counter.frame_count == 1


def test_compiles_with_static_shapes():
    torch._dynamo.reset()
    module, (image, *_) = module_and_inputs("odd")
    compiled = torch.compile(module, dynamic=False, fullgraph=True, backend=BACKEND)
    torch.testing.assert_close(compiled(image), module(image))
    (expected,) = torch.autograd.grad(module(image).sum(), module.weight)
    torch.testing.assert_close(torch.autograd.grad(compiled(image).sum(), module.weight)[0], expected)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.filterwarnings("ignore:.*torch.jit.trace:FutureWarning")
def test_one_trace_serves_every_size(axes):
    module, inputs = all_of(axes)
    traces = [torch.jit.trace(module, inputs[0]), torch.fx.symbolic_trace(module)]
    for image in inputs:
        for traced in traces:
            assert_same_maps(traced(image), module(image))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_one_export_serves_every_size_in_torch_and_onnx(axes):
    module, inputs = all_of(axes)
    program = torch.export.export(module, (inputs[0],), dynamic_shapes=named_dimensions(axes))
    evaluator = ReferenceEvaluator(torch.onnx.export(program, dynamo=True, verbose=False).model_proto)
    for image in inputs:
        expected = [maps.detach() for maps in module(image)]
        assert_same_maps(program.module()(image), expected)
        assert_same_maps(evaluator.run(None, {evaluator.input_names[0]: image.numpy()}), expected)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Constant folding:UserWarning")
def test_the_exporter_before_serves_every_size_too(axes):
    module, inputs = all_of(axes)
    free = {"x": {axis: f"axis {axis}" for axis in range(2, 2 + axes)}}
    file = io.BytesIO()
    torch.onnx.export(module, (inputs[0],), file, dynamo=False, input_names=["x"], dynamic_axes=free)
    evaluator = ReferenceEvaluator(onnx.load_from_string(file.getvalue()))
    for image in inputs:
        expected = [maps.detach() for maps in module(image)]
        assert_same_maps(evaluator.run(None, {"x": image.numpy()}), expected)


def test_a_fixed_size_exports_to_a_single_conv_node():
    module = GRAPHS["odd"]().eval()
    exported = torch.onnx.export(module, (images(28, 28),), dynamo=True, verbose=False)
    (node,) = exported.model_proto.graph.node
    assert node.op_type == "Conv"
    assert [list(a.ints) for a in node.attribute if a.name == "pads"] == [[0, 0, 1, 1]]


# --- BlurPool2d


@given(st.integers(8, 20), st.integers(8, 20), st.integers(1, 7), st.integers(1, 4))
def test_blur_is_repeated_averaging_then_striding(height, width, kernel_size, stride):
    image = images(height, width)
    before, after = (kernel_size - 1) // 2, kernel_size // 2
    blurred = F.pad(image, (before, after, before, after), mode="reflect")
    for _ in range(kernel_size - 1):  # a binomial filter is the mean of two neighbors, again and again
        blurred = F.avg_pool2d(blurred, kernel_size=2, stride=1)
    out = BlurPool2d(2, kernel_size, stride)(image)
    torch.testing.assert_close(out, blurred[..., ::stride, ::stride])
    assert out.shape[-2:] == (-(-height // stride), -(-width // stride))


def test_finest_stripes_become_gray_instead_of_aliasing():
    stripes = torch.tensor([0.0, 1.0]).repeat(8, 4)[None]  # (1, 8, 8), columns 0 and 1 in turn
    assert set(stripes[..., ::2].flatten().tolist()) == {0.0}
    assert set(BlurPool2d(1)(stripes).flatten().tolist()) == {0.5}


def test_blur_learns_and_stores_nothing_but_moves_with_the_model():
    blur = BlurPool2d(2)
    assert not list(blur.parameters())
    assert not blur.state_dict()
    assert blur.double().weight.dtype == torch.float64


@pytest.mark.parametrize("name", ["channels", "kernel_size", "stride"])
def test_blur_refuses_settings_below_1(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        BlurPool2d(**{"channels": 2, name: 0})
