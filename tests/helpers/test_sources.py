import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import signal

from helpers.arithmetic import unread
from helpers.sources import WORKED_4X4, WORKED_5X5, WORKED_7X7

EXAMPLES = (*WORKED_5X5, WORKED_7X7, *WORKED_4X4)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_true_output_is_torchs(example):
    image, kernel = (
        torch.from_numpy(array.copy())[None, None].double() for array in (example.image, example.kernel)
    )
    expected = F.conv2d(image, kernel, stride=example.stride, padding=example.padding)[0, 0].numpy()
    np.testing.assert_allclose(example.output, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_flipped_output_is_scipys_convolution(example):
    padded = np.pad(example.image, example.padding)
    expected = signal.convolve2d(padded, example.kernel, mode="valid")[:: example.stride, :: example.stride]
    np.testing.assert_allclose(example.flipped_output, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("example", EXAMPLES)
def test_reads_are_the_gradient_of_summing_every_window(example):
    image = torch.ones(1, 1, *example.image.shape, requires_grad=True)
    kernel = torch.ones(1, 1, *example.kernel.shape)
    F.conv2d(image, kernel, stride=example.stride, padding=example.padding).sum().backward()
    np.testing.assert_array_equal(example.reads, image.grad[0, 0].numpy())


def test_the_5x5_outputs_are_099_too_high_everywhere():
    for example in WORKED_5X5:
        assert len(example.slips) == example.published.size == example.output.size
        for slip in example.slips:
            assert slip.published - slip.value == pytest.approx(0.99)
    expected = [[6.93, 7.92, 8.91], [11.88, 12.87, 13.86], [16.83, 17.82, 18.81]]
    np.testing.assert_allclose(WORKED_5X5[0].output, expected)
    np.testing.assert_allclose(WORKED_5X5[1].output, [[6.93, 8.91], [16.83, 18.81]])


def test_no_shifted_window_explains_the_5x5_outputs():
    first = WORKED_5X5[0]
    rights = first.published[:, -1] / 0.11  # the sums of nine pixels that the last column claims
    beyond = first.output[:, -1] / 0.11 + 9  # one column further right, which the image does not have
    np.testing.assert_allclose(rights, beyond)


def test_the_7x7_source_is_wrong_twice():
    assert WORKED_7X7.slips == ((0, 2, 83, 88), (1, 2, 127, 117))
    assert WORKED_7X7.output.tolist() == [[91, 100, 88], [69, 91, 117], [44, 72, 74]]


def test_the_settings_are_the_sources():
    settings = [
        (example.source, example.image.shape, example.stride, example.padding) for example in EXAMPLES
    ]
    assert settings == [
        ("stride-guide", (5, 5), 1, 0),
        ("stride-guide", (5, 5), 2, 0),
        ("strided-post", (7, 7), 2, 0),
        ("stride-beyond-kernel", (4, 4), 1, 0),
        ("stride-beyond-kernel", (4, 4), 4, 0),
        ("stride-beyond-kernel", (4, 4), 2, 1),
    ]


def test_the_4x4_source_is_right_where_it_runs():
    stride_1, stride_4, stride_2 = WORKED_4X4
    assert stride_1.slips == stride_4.slips == stride_2.slips == ()
    assert (stride_1.output == -6).all()
    assert stride_1.output.shape == (2, 2)
    assert stride_4.output.tolist() == [[-6]]
    assert stride_2.published is None


def test_stride_4_leaves_7_of_16_pixels_unread():
    stride_4 = WORKED_4X4[1]
    assert unread(4, kernel_size=3, stride=4) == (3,)
    assert (stride_4.reads == 0).sum() == 7
    assert stride_4.reads.size == 16


def test_the_third_4x4_call_is_a_type_error_and_would_flip():
    example = WORKED_4X4[2]
    with pytest.raises(TypeError, match="strides"):
        signal.convolve2d(example.image, example.kernel, mode="same", strides=(2, 2))
    np.testing.assert_array_equal(example.flipped_output, -example.output)


def test_only_a_constant_kernel_hides_the_flip():
    for example in WORKED_5X5:
        np.testing.assert_array_equal(example.flipped_output, example.output)
    for example in (WORKED_7X7, *WORKED_4X4):
        assert not np.array_equal(example.flipped_output, example.output)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_cannot_be_changed(example):
    arrays = [example.image, example.kernel]
    if example.published is not None:
        arrays.append(example.published)
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0
