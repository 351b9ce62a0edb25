"""Conv2dSame and BlurPool2d against torch's own operations, eager, compiled and exported."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch.export import Dim

from helpers.arithmetic import resolve_padding
from helpers.layers import BlurPool2d, Conv2dSame, same_padding

axis = st.tuples(st.integers(1, 20), st.integers(1, 6), st.integers(1, 7), st.integers(1, 3))

# Kernel size, stride, dilation, padding mode: even, odd by one, stride beyond the kernel, padding by content.
SETTINGS = [
    (3, 1, 1, "zeros"),
    (3, 2, 1, "zeros"),
    (5, 3, 1, "zeros"),
    (3, 4, 1, "zeros"),
    (3, 2, 2, "reflect"),
]
SIZES = [(8, 17), (7, 20), (12, 13), (9, 9)]


def published_padding(size, kernel_size, stride, dilation):
    """SAME as TensorFlow's documentation has it: by the remainder, where the code goes by the ceiling."""
    reach = (kernel_size - 1) * dilation + 1
    total = max(reach - (size % stride or stride), 0)
    return total // 2, total - total // 2


def images(height, width, channels=2):
    generator = torch.Generator().manual_seed(height * 100 + width)
    return torch.rand((2, channels, height, width), generator=generator)


def traced_module(name):
    if name == "blur":
        return BlurPool2d(2, kernel_size=4, stride=3)
    kernel_size, stride, dilation, padding_mode = name
    return Conv2dSame(2, 3, kernel_size, stride, dilation=dilation, padding_mode=padding_mode)


# --- Conv2dSame in eager mode


@given(rows=axis, columns=axis)
@settings(deadline=None)
def test_pads_as_tensorflow_publishes_and_convolves_as_torch(rows, columns):
    (height, *kernel_rows), (width, *kernel_columns) = rows, columns
    kernel_size, stride, dilation = zip(kernel_rows, kernel_columns, strict=True)
    layer = Conv2dSame(2, 4, kernel_size, stride, dilation=dilation, groups=2)
    image = images(height, width)
    padded = F.pad(image, (*published_padding(*columns), *published_padding(*rows)))
    expected = F.conv2d(padded, layer.weight, layer.bias, stride, 0, dilation, 2)
    torch.testing.assert_close(layer(image), expected)
    assert expected.shape[-2:] == (-(-height // stride[0]), -(-width // stride[1]))


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


@pytest.mark.parametrize("module", [Conv2dSame(2, 3, 3, 2), BlurPool2d(2)])
def test_takes_an_unbatched_image_as_conv2d_does_and_no_other_rank(module):
    image = images(8, 7)
    torch.testing.assert_close(module(image[0]), module(image)[0])
    for shape in [(8, 7), (1, 2, 2, 8, 7)]:
        with pytest.raises(ValueError, match=r"input must be \(N, C, H, W\) or \(C, H, W\), got shape"):
            module(torch.zeros(shape))


@pytest.mark.parametrize("name", ["kernel_size", "stride", "dilation"])
def test_refuses_settings_below_1_and_fractions(name):
    good = {"kernel_size": 3, "stride": 2, "dilation": 1}
    with pytest.raises(ValueError, match=f"{name}.* must be at least 1, got 0"):
        Conv2dSame(2, 3, **{**good, name: (1, 0)})
    with pytest.raises(TypeError, match=f"{name} must be a whole number, got 1.5"):
        Conv2dSame(2, 3, **{**good, name: 1.5})


def test_refuses_a_padding_left_over_from_conv2d():
    with pytest.raises(TypeError):
        Conv2dSame(2, 3, 3, 2, 1)
    with pytest.raises(TypeError):
        Conv2dSame(2, 3, 3, 2, padding=1)


# --- compiled and exported

# aot_eager traces forward and backward as the default backend does, and needs no C++ compiler on the machine.
BACKEND = "aot_eager"


@pytest.mark.parametrize("name", [(3, 2, 1, "zeros"), "blur"])
def test_compiles_to_one_graph_for_all_sizes(name):
    torch._dynamo.reset()
    module, counter = traced_module(name), CompileCounterWithBackend(BACKEND)
    compiled = torch.compile(module, dynamic=True, fullgraph=True, backend=counter)
    for height, width in SIZES:
        torch.testing.assert_close(compiled(images(height, width)), module(images(height, width)))
    assert counter.frame_count == 1


def test_compiles_with_static_shapes():
    torch._dynamo.reset()
    module = traced_module((3, 2, 1, "zeros"))
    compiled = torch.compile(module, dynamic=False, fullgraph=True, backend=BACKEND)
    torch.testing.assert_close(compiled(images(8, 9)), module(images(8, 9)))


@pytest.mark.parametrize("name", [*SETTINGS, "blur"], ids=str)
def test_one_export_serves_every_size_in_torch_and_onnx(name):
    module = traced_module(name).eval()
    free = ({0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC},)
    program = torch.export.export(module, (images(12, 13),), dynamic_shapes=free)
    exported = torch.onnx.export(program, dynamo=True, verbose=False)
    evaluator = ReferenceEvaluator(exported.model_proto)
    for height, width in SIZES:
        image, expected = images(height, width), module(images(height, width)).detach()
        torch.testing.assert_close(program.module()(image), expected)
        (found,) = evaluator.run(None, {evaluator.input_names[0]: image.numpy()})
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-6)


def test_a_fixed_size_exports_to_a_single_conv_node():
    exported = torch.onnx.export(
        traced_module((3, 2, 1, "zeros")).eval(), (images(28, 28),), dynamo=True, verbose=False
    )
    (node,) = exported.model_proto.graph.node
    assert node.op_type == "Conv"
    assert [list(a.ints) for a in node.attribute if a.name == "pads"] == [[0, 0, 1, 1]]


# --- BlurPool2d


@given(st.integers(8, 20), st.integers(8, 20), st.integers(1, 7), st.integers(1, 4))
@settings(deadline=None)
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
