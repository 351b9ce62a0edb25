import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import signal

from helpers.arithmetic import resolve_padding, window_starts
from helpers.convolution import convolve2d, convolve2d_loops, pad2d, steps

small = settings(max_examples=150)
elements = {np.int64: st.integers(-99, 99), np.float64: st.floats(-9, 9, allow_subnormal=False)}


def matrices(shape, dtype=np.int64):
    return hnp.arrays(dtype, shape, elements=elements[dtype])


@st.composite
def problems(draw, dtype=np.int64):
    """An image, a kernel and a setting that differ from axis to axis and fit."""
    kernel_size, stride, dilation, pads, shape = [], [], [], [], []
    for _ in range(2):
        k, d = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        before, after = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        least = max(1, d * (k - 1) + 1 - before - after)
        shape.append(draw(st.integers(least, least + 7)))
        kernel_size.append(k)
        dilation.append(d)
        pads.append((before, after))
        stride.append(draw(st.integers(1, 6)))
    image, kernel = draw(matrices(tuple(shape), dtype)), draw(matrices(tuple(kernel_size), dtype))
    setting = {"stride": tuple(stride), "padding": tuple(pads), "dilation": tuple(dilation)}
    return image, kernel, setting


def torch_convolve2d(image, kernel, *, stride, padding, dilation):
    (top, bottom), (left, right) = padding
    padded = F.pad(torch.from_numpy(image)[None, None].double(), (left, right, top, bottom))
    return F.conv2d(
        padded, torch.from_numpy(kernel)[None, None].double(), stride=stride, dilation=dilation
    ).numpy()[0, 0]


@given(problems())
@small
def test_integers_equal_torch_exactly(problem):
    image, kernel, setting = problem
    ours = convolve2d(image, kernel, **setting)
    assert ours.dtype == np.int64
    np.testing.assert_array_equal(ours, torch_convolve2d(image, kernel, **setting))


@given(problems(np.float64))
@small
def test_floats_equal_torch(problem):
    image, kernel, setting = problem
    ours = convolve2d(image, kernel, **setting)
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, torch_convolve2d(image, kernel, **setting), rtol=0, atol=1e-11)


@given(problems())
@small
def test_flip_is_scipys_convolution_and_no_flip_its_correlation(problem):
    image, kernel, setting = problem
    padded = np.pad(image, setting["padding"])
    if any(k > n for k, n in zip(kernel.shape, padded.shape, strict=True)):
        padded = np.pad(padded, [(0, k) for k in kernel.shape])
    rows, columns = setting["stride"]
    for flip, oracle in ((True, signal.convolve2d), (False, signal.correlate2d)):
        ours = convolve2d(padded, kernel, stride=(rows, columns), flip=flip)
        np.testing.assert_array_equal(ours, oracle(padded, kernel, mode="valid")[::rows, ::columns])


@given(matrices((6, 7)), st.integers(1, 5), st.integers(1, 5))
@small
def test_full_is_scipys_full(image, height, width):
    kernel = np.arange(height * width).reshape(height, width)
    ours = convolve2d(image, kernel, padding="full")
    np.testing.assert_array_equal(ours, signal.correlate2d(image, kernel, mode="full"))


@given(problems())
@small
def test_flip_is_the_turned_kernel(problem):
    image, kernel, setting = problem
    np.testing.assert_array_equal(
        convolve2d(image, kernel, flip=True, **setting), convolve2d(image, kernel[::-1, ::-1], **setting)
    )


@given(problems(np.float64), st.booleans())
@small
def test_steps_are_the_output_in_reading_order(problem, flip):
    image, kernel, setting = problem
    output = convolve2d(image, kernel, flip=flip, **setting)
    taken = list(steps(image, kernel, flip=flip, **setting))
    assert [(step.row, step.column) for step in taken] == list(np.ndindex(output.shape))
    values = np.array([step.value for step in taken]).reshape(output.shape)
    np.testing.assert_allclose(values, output, rtol=0, atol=1e-11)


@given(problems())
@small
def test_a_step_shows_the_window_its_products_and_their_sum(problem):
    image, kernel, setting = problem
    padded = np.pad(image, setting["padding"])
    reads = []
    for axis in range(2):
        k, d = kernel.shape[axis], setting["dilation"][axis]
        pads, stride = setting["padding"][axis], setting["stride"][axis]
        starts = window_starts(image.shape[axis], kernel_size=k, stride=stride, padding=pads, dilation=d)
        reads.append([[pads[0] + start + tap * d for tap in range(k)] for start in starts])
    for step in steps(image, kernel, **setting):
        window = padded[np.ix_(reads[0][step.row], reads[1][step.column])]
        np.testing.assert_array_equal(step.window, window)
        np.testing.assert_array_equal(step.products, window * kernel)
        assert step.value == int((window * kernel).sum())
        assert type(step.value) is int


@given(problems(np.float64), st.integers(1, 4))
@small
def test_the_loops_give_the_same(problem, stride):
    image, kernel, _ = problem
    image = np.pad(image, [(0, k) for k in kernel.shape])
    ours = convolve2d_loops(image, kernel, stride=stride)
    np.testing.assert_allclose(ours, convolve2d(image, kernel, stride=stride), rtol=0, atol=1e-11)


def test_the_loops_keep_integers():
    assert convolve2d_loops([[1, 2], [3, 4]], [[1, 1]]).tolist() == [[3], [7]]
    assert convolve2d_loops([[1, 2], [3, 4]], [[1, 1]]).dtype == np.int64


@given(
    st.integers(4, 12), st.integers(1, 4), st.integers(1, 3), st.sampled_from(["valid", "same", "full"]),
    st.sampled_from(["tensorflow", "onnx-lower"]),
)  # fmt: skip
@small
def test_a_word_for_padding_is_what_arithmetic_resolves_it_to(size, kernel_size, stride, padding, convention):
    window = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "convention": convention}
    image, kernel = (
        np.arange(size * size).reshape(size, size),
        np.arange(kernel_size**2).reshape(kernel_size, -1),
    )
    pads = resolve_padding(size, **window)
    np.testing.assert_array_equal(
        convolve2d(image, kernel, stride=stride, padding=padding, convention=convention),
        convolve2d(image, kernel, stride=stride, padding=(pads, pads)),
    )


def test_one_value_serves_both_axes_and_a_pair_serves_one_each():
    image, kernel = np.arange(63).reshape(7, 9), np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(
        convolve2d(image, kernel, stride=2, padding=1, dilation=2),
        convolve2d(image, kernel, stride=(2, 2), padding=((1, 1), (1, 1)), dilation=(2, 2)),
    )
    uneven = convolve2d(image, kernel, stride=(1, 3), padding=("same", (0, 2)), dilation=(3, 1))
    expected = torch_convolve2d(image, kernel, stride=(1, 3), padding=((1, 2), (0, 2)), dilation=(3, 1))
    np.testing.assert_array_equal(uneven, expected)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@given(data=st.data())
@small
def test_padding_modes_are_torchs(mode, data):
    height, width = data.draw(st.integers(2, 6)), data.draw(st.integers(2, 6))
    image = data.draw(matrices((height, width), np.float64))
    tallest, widest = (height - 1, width - 1) if mode == "reflect" else (height, width)
    rows = data.draw(st.tuples(*[st.integers(0, tallest)] * 2))
    columns = data.draw(st.tuples(*[st.integers(0, widest)] * 2))
    padded = pad2d(image, (rows, columns), padding_mode=mode)
    oracle = F.pad(torch.from_numpy(image)[None, None], (*columns, *rows), mode=mode)[0, 0]
    np.testing.assert_array_equal(padded, oracle.numpy())
    kernel = np.ones((1, 2))
    np.testing.assert_array_equal(
        convolve2d(image, kernel, padding=(rows, columns), padding_mode=mode), convolve2d(padded, kernel)
    )


@pytest.mark.parametrize(("mode", "pad"), [("reflect", 3), ("circular", 4)])
def test_padding_that_the_image_cannot_fill_is_refused_as_torch_does(mode, pad):
    image = np.ones((3, 3))
    with pytest.raises(
        ValueError,
        match=r"pads must be at most \d a side for padding_mode='\w+' on an axis of 3 .* got \(0, \d\)",
    ):
        pad2d(image, ((0, 0), (0, pad)), padding_mode=mode)
    with pytest.raises(RuntimeError):
        F.pad(torch.ones(1, 1, 3, 3), (0, pad), mode=mode)
    pad2d(image, ((0, 0), (0, pad - 1)), padding_mode=mode)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "int64", "uint64"])
def test_every_integer_type_is_summed_in_int64(dtype):
    image = np.full((3, 3), 100, dtype=dtype)  # 900 leaves eight bits
    output = convolve2d(image, np.ones((3, 3), dtype=dtype))
    assert output.dtype == np.int64
    assert output.tolist() == [[900]]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_every_float_type_is_summed_in_float64(dtype):
    assert convolve2d(np.ones((3, 3), dtype=dtype), np.ones((2, 2), dtype=np.int64)).dtype == np.float64


def test_the_input_is_neither_copied_nor_changed():
    image, kernel = np.arange(25.0).reshape(5, 5), np.ones((3, 3))
    before = image.copy()
    convolve2d(image, kernel, stride=2)
    step = next(steps(image, kernel))
    np.testing.assert_array_equal(image, before)
    assert np.shares_memory(step.window, image)
    assert not step.window.flags.writeable


def test_integers_that_could_wrap_around_are_refused():
    big = 2**62
    assert convolve2d([[big - 1, big - 1]], [[1, 1]]).tolist() == [[2**63 - 2]]
    for image, kernel in (
        ([[big, big]], [[1, 1]]),
        ([[-big, 0, -big]], [[1, 0, 1]]),
        ([[3 * big // 2]], [[-2]]),
    ):
        with pytest.raises(ValueError, match="convert image or kernel to float"):
            convolve2d(image, kernel)
    with pytest.raises(ValueError, match=r"must fit into int64, got \d+"):
        convolve2d(np.full((2, 2), 2**63, dtype=np.uint64), [[1]])
    assert convolve2d([[float(big), big]], [[1, 1]]).item() == 2.0**63


@pytest.mark.parametrize(
    "wrong", [np.ones(5), np.ones((1, 1, 5, 5)), np.float64(3), np.ones((0, 5)), np.ones((5, 0)), []]
)
@pytest.mark.parametrize("name", ["image", "kernel"])
@pytest.mark.parametrize("function", [convolve2d, convolve2d_loops, steps])
def test_wrong_shapes_are_named(function, name, wrong):
    arguments = {"image": np.ones((9, 9)), "kernel": np.ones((2, 2)), name: wrong}
    with pytest.raises(ValueError, match=rf"^{name} must .* got shape \({str(np.shape(wrong))[1:-1]}\)"):
        function(**arguments)


@pytest.mark.parametrize(
    "wrong", [np.ones((3, 3), bool), np.full((3, 3), "1"), np.ones((3, 3), complex), [[None]], [[10**30]]]
)
@pytest.mark.parametrize("name", ["image", "kernel"])
@pytest.mark.parametrize("function", [convolve2d, convolve2d_loops, steps])
def test_wrong_kinds_are_named(function, name, wrong):
    arguments = {"image": np.ones((9, 9)), "kernel": np.ones((2, 2)), name: wrong}
    with pytest.raises(TypeError, match=f"^{name} must hold integers or real numbers, got dtype"):
        function(**arguments)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"stride": 0}, "stride must be at least 1"),
        ({"stride": (1, 2, 3)}, r"stride must be one value or two, \(rows, columns\), got \(1, 2, 3\)"),
        ({"padding": -1}, "padding must be at least 0"),
        ({"padding": "sane"}, "padding must be one of"),
        ({"dilation": 4}, "which spans 9"),
        (
            {"padding": "same", "stride": 2, "convention": "pytorch"},
            'padding="same" must have stride=1 in the "pytorch" convention, got stride=2',
        ),
        (
            {"padding_mode": "mirror"},
            "padding_mode must be one of 'zeros', 'reflect', 'replicate', 'circular'",
        ),
    ],
)
def test_settings_out_of_range_are_named(setting, message):
    with pytest.raises(ValueError, match=message):
        convolve2d(np.ones((5, 5)), np.ones((3, 3)), **setting)


@pytest.mark.parametrize("setting", [{"stride": 1.0}, {"stride": True}, {"padding": [1, 1]}, {"flip": 1}])
def test_settings_of_the_wrong_kind_are_named(setting):
    with pytest.raises(TypeError, match=f"^{next(iter(setting))} must be"):
        convolve2d(np.ones((5, 5)), np.ones((3, 3)), **setting)


def test_steps_complains_when_it_is_called_not_when_it_is_read():
    with pytest.raises(ValueError, match="which spans 3"):
        steps(np.ones((2, 5)), np.ones((3, 3)))


def test_a_kernel_larger_than_the_image_is_refused_on_either_axis():
    for shape in itertools.permutations((2, 5)):
        for function in (convolve2d, convolve2d_loops):
            with pytest.raises(ValueError, match="which spans 3"):
                function(np.ones(shape), np.ones((3, 3)))


def test_numpy_integers_are_settings():
    two = np.int64(2)
    assert convolve2d(np.ones((5, 5)), np.ones((3, 3)), stride=two, padding=two, dilation=two).shape == (3, 3)
