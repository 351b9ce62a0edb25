"""Code for six frameworks: text and numbers as recorded in each; PyTorch and ONNX run again here."""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.arithmetic import Layer, compare_layers, output_size, resolve_padding, snippet, window_starts

GOLDEN = Path(__file__).parents[1] / "golden"
RECORD = json.loads((GOLDEN / "snippets.json").read_text(encoding="utf-8"))


def recorder():
    """The module that recorded the table; it imports each framework only where it runs it."""
    spec = importlib.util.spec_from_file_location("record_snippets", GOLDEN / "record_snippets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RECORDER = recorder()
CASES = [(row, *case) for row, case in zip(RECORD["cases"], RECORDER.cases(), strict=True)]


def test_the_text_is_the_text_that_was_executed():
    for row, setting, _, size, codes, refused in CASES:
        assert row["layer"] == json.loads(json.dumps(setting))
        assert row["size"] == json.loads(json.dumps(size))
        assert row["code"] == {framework: found.code for framework, found in codes.items()}
        assert row["refused"] == refused


def test_every_framework_was_executed_for_every_kind():
    for framework in RECORDER.FRAMEWORKS:
        kinds = [RECORDER.both(layer)[0].kind for _, _, layer, _, codes, _ in CASES if framework in codes]
        assert {kind: kinds.count(kind) > 9 for kind in set(kinds)} == {
            "convolution": True,
            "pooling": True,
            "transposed": True,
        }


@pytest.mark.parametrize("framework", ["pytorch", "onnx"])
def test_the_lines_run_and_make_what_was_recorded(framework):
    for row, setting, layer, size, codes, _ in CASES:
        if framework in codes:
            made = RECORDER.sums(RECORDER.values(framework, codes[framework], layer, size))
            assert json.loads(json.dumps(made)) == row["made"], (setting, size, codes[framework].code)


def by_hand(layer, size):
    """The layer on the recorder's image, (height, width, channels), laid out by `window_starts` alone."""
    image, kernel = RECORDER.image(size)[0], RECORDER.weight(layer)
    layers, sizes = RECORDER.both(layer), RECORDER.both(size)
    rows, columns = (taps_of(*each) for each in zip(layers, sizes, strict=True))
    if layers[0].kind != "pooling":
        return np.einsum("oax,pby,xyi,abij->opj", rows, columns, image, kernel, optimize=True)
    # (height', width', height, width)
    reads = rows.any(axis=1)[:, None, :, None] & columns.any(axis=1)[None, :, None, :]
    return np.where(reads[..., None], image, -np.inf).max(axis=(2, 3))


def taps_of(layer, size):
    """Whether a tap of an output lies on a pixel, (outputs, taps, pixels) of one axis."""
    starts, count = window_starts(size, **layer.window), output_size(size, **layer.window)
    taps = np.zeros((count, layer.kernel_size, size))
    for window, start in enumerate(starts):
        for tap in range(layer.kernel_size):
            cell = start + layer.dilation * tap
            place, pixel = (cell, window) if layer.grows else (window, cell)
            if 0 <= place < count and 0 <= pixel < size:
                taps[place, tap, pixel] = 1
    return taps


def test_what_was_recorded_is_what_the_arithmetic_says():
    for row, setting, layer, size, *_ in CASES:
        made = RECORDER.sums(by_hand(layer, size).astype(int))
        assert json.loads(json.dumps(made)) == row["made"], (setting, size)


def test_lines_that_depend_on_the_size_need_it():
    same = Layer(3, stride=2, padding="same")
    for framework in ("pytorch", "onnx"):
        with pytest.raises(ValueError, match=f"size must be given, got None: the lines for {framework}"):
            snippet(same, framework)
    assert 'padding="same"' in snippet(same, "keras").code
    assert 'padding="SAME"' in snippet(same, "jax").code
    with pytest.raises(ValueError, match="size must be given"):
        snippet(Layer(2, stride=2, ceil_mode=True), "keras")
    assert "ceil_mode=True" in snippet(Layer(2, stride=2, ceil_mode=True), "pytorch").code


@pytest.mark.parametrize(
    ("layer", "framework", "message"),
    [
        (Layer(3, stride=2, dilation=2), "keras", "layer must have dilation 1"),
        (Layer(2, kind="resize"), "jax", "layer must be a convolution, pooling or transposed convolution"),
        (Layer(2, padding=2, kind="pooling"), "onnx", "layer must have no window of padding alone"),
        (Layer(9), "pytorch", "use a smaller kernel"),
        (Layer(3), "caffe", "framework must be one of 'pytorch', .*, got 'caffe'"),
    ],
)
def test_what_a_framework_lacks_is_refused(layer, framework, message):
    with pytest.raises(ValueError, match=message):
        snippet(layer, framework, size=7)


def test_wrong_kinds_are_refused():
    for wrong in (3, (Layer(3), 3), (Layer(3),)):
        with pytest.raises(TypeError, match=re.escape(f"layer must be a Layer, or two, got {wrong!r}")):
            snippet(wrong, "pytorch")
    with pytest.raises(ValueError, match="layer must be two of one kind and one ceil_mode, got"):
        snippet((Layer(3), Layer(3, kind="pooling")), "pytorch")
    with pytest.raises(TypeError, match="second must be a Layer, got None"):
        compare_layers(Layer(3), None, size=7)


# --- porting

layers = st.builds(
    Layer,
    kernel_size=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.one_of(
        st.integers(0, 2), st.tuples(st.integers(0, 2), st.integers(0, 2)), st.sampled_from(["same", "valid"])
    ),
    convention=st.sampled_from(["tensorflow", "onnx-lower"]),
    kind=st.sampled_from(["convolution", "transposed"]),
)


@settings(max_examples=100)
@given(first=layers, second=layers, size=st.integers(2, 8), alike=st.booleans())
def test_the_verdict_is_what_the_numbers_say(first, second, size, alike):
    if alike:
        second = Layer(
            first.kernel_size, first.stride, second.padding, convention=second.convention, kind=first.kind
        )
    try:
        one, other = by_hand(first, size), by_hand(second, size)
    except ValueError:
        return
    found = compare_layers(first, second, size=size)
    assert (found.verdict == "different sizes") == (one.shape != other.shape)
    if found.verdict == "same numbers":
        assert np.array_equal(one, other)
        assert found.mend is None
    elif found.verdict == "shifted":
        shift = abs(resolve_padding(size, **first.window)[0] - resolve_padding(size, **second.window)[0])
        assert f"shifted by {shift} pixel" in found.words
    if found.mend:
        mended = Layer(second.kernel_size, second.stride, found.mend, kind=second.kind)
        assert np.array_equal(one, by_hand(mended, size))


def test_the_famous_shift_and_its_mend():
    keras = Layer(3, stride=2, padding="same")
    shifted = compare_layers(keras, Layer(3, stride=2, padding=1), size=224)
    assert shifted == ("shifted", "the same shape, shifted by 1 pixel: pad (0, 1)", (0, 1))
    assert compare_layers(keras, Layer(3, stride=2, padding=(0, 1)), size=224).verdict == "same numbers"
    smaller = compare_layers(keras, Layer(3, stride=2), size=224)
    assert smaller == ("different sizes", "different sizes, 112 and 111: pad (0, 1)", (0, 1))
    other = compare_layers(Layer(3, padding=1), Layer(5, padding=2), size=9)
    assert other.words == "the same shape, other windows: kernel_size differs, 3 and 5"
    longer = Layer(3, stride=2, padding=1, output_padding=1, kind="transposed")
    assert compare_layers(longer, Layer(3, stride=2, padding=1, kind="transposed"), size=7) == (
        "different sizes",
        "different sizes, 14 and 13: no padding of the second makes them alike",
        None,
    )
