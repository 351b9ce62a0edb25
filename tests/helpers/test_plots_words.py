"""What the text alternatives say, read back and compared with the arithmetic, torch and autograd."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import plots
from helpers.arithmetic import (
    Layer,
    coverage,
    network_unread,
    resolve_padding,
    unread,
    window_starts,
)
from helpers.convolution import convolve2d
from helpers.plots.words import counted, listed, number

many = settings(max_examples=150)
few = settings(max_examples=25)
WORDS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def value_of(text):
    return float(text.replace("−", "-"))


def indices_in(text):
    """The whole numbers that `listed` has put into words."""
    endless = re.fullmatch(r"(\S+), (\S+), \S+ and so on to (\S+)", text)
    if endless:
        first, second, last = map(int, map(value_of, endless.groups()))
        return list(range(first, last + 1, second - first))
    found = []
    for part in re.split(r", | and ", text):
        first, _, last = part.partition(" to ")
        found += range(int(value_of(first)), int(value_of(last or first)) + 1)
    return found


def amount_in(word):
    return WORDS.index(word.lower()) if word.lower() in WORDS else int(word)


@given(st.lists(st.integers(-30, 60), min_size=1, unique=True).map(sorted))
@many
def test_a_list_in_words_can_be_read_back(indices):
    assert indices_in(listed(indices)) == indices


@given(st.integers(-20, 20), st.integers(1, 5), st.integers(1, 30))
@many
def test_a_progression_in_words_can_be_read_back_and_stays_short(start, step, length):
    indices = range(start, start + step * length, step)
    text = listed(indices)
    assert indices_in(text) == list(indices)
    assert len(re.findall(r"\d+", text)) <= 8


@given(st.floats(-1e6, 1e6))
@many
def test_a_number_in_words_is_the_number(value):
    tolerance = 0.5 if abs(value) >= 1000 else 0.005
    assert value_of(number(value)) == pytest.approx(value, abs=tolerance + 1e-9)
    assert not number(value).endswith(".")
    assert number(value) != "−0"
    assert "-" not in number(value)


def test_numbers_are_short():
    shown = {100: "100", 9.90: "9.9", -0.001: "0", 0.11: "0.11", 999.999: "1000", 0: "0", -3.0: "−3"}
    assert {value: number(value) for value in shown} == shown


def test_counts_are_words_up_to_twelve():
    assert [counted(value, "row") for value in (0, 1, 12, 13)] == [
        "no rows",
        "one row",
        "twelve rows",
        "13 rows",
    ]


@st.composite
def axis_settings(draw):
    """A size, and the setting of a layer that fits on it."""
    kernel_size, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    padding = draw(
        st.one_of(st.tuples(st.integers(0, 3), st.integers(0, 3)), st.sampled_from(["same", "full"]))
    )
    pads = padding if isinstance(padding, tuple) else (0, 0)
    least = max(1, dilation * (kernel_size - 1) + 1 - sum(pads))
    window = {
        "kernel_size": kernel_size,
        "stride": draw(st.integers(1, 5)),
        "padding": padding,
        "dilation": dilation,
    }
    return draw(st.integers(least, least + 30)), window


@given(axis_settings())
@many
def test_windows_in_words(case):
    size, window = case
    text = plots.line_windows(size, **window).alt
    starts = window_starts(size, **window)
    found = re.fullmatch(
        r"(?P<pixels>\w+) pixels? in a row(?:, with padding: (?P<padding>[^.]*))?\. "
        r"(?P<windows>\w+) windows? of width (?P<width>\w+)(?: whose taps lie (?P<dilation>\w+) apart)? "
        r"starts? at (?P<place>pixels?|positions?) (?P<starts>[^.]*)\. "
        r"(?:Every pixel is read|No window reads pixels? (?P<unread>[^.]*))\."
        r"(?: No window reads padding cells? (?P<unused>[^.]*)\.)?",
        text,
    )
    assert found, text
    assert amount_in(found["pixels"]) == size
    assert amount_in(found["windows"]) == len(starts)
    assert amount_in(found["width"]) == window["kernel_size"]
    if window["kernel_size"] > 1:
        assert amount_in(found["dilation"] or "one") == window["dilation"]
    assert indices_in(found["starts"]) == list(starts)
    assert found["place"].startswith("pixel") == (starts[0] >= 0 and starts[-1] < size)
    assert tuple(indices_in(found["unread"]) if found["unread"] else ()) == unread(size, **window)
    before, after = resolve_padding(size, **window)
    pads = {
        side: amount_in(word)
        for word, side in re.findall(r"(\w+) cells? (before|after)", found["padding"] or "")
    }
    assert (pads.get("before", 0), pads.get("after", 0)) == (before, after)
    read = {start + tap * window["dilation"] for start in starts for tap in range(window["kernel_size"])}
    idle = [index for index in range(-before, size + after) if not (0 <= index < size or index in read)]
    assert (indices_in(found["unused"]) if found["unused"] else []) == idle


def test_windows_in_words_as_a_reader_meets_them():
    assert plots.line_windows(10, kernel_size=3, stride=2).alt == (
        "Ten pixels in a row. Four windows of width three start at pixels 0, 2, 4 and 6. "
        "No window reads pixel 9."
    )
    assert plots.line_windows(6, kernel_size=3, stride=2, padding=1).alt == (
        "Six pixels in a row, with padding: one cell before and one cell after. Three windows of width "
        "three start at positions −1, 1 and 3. Every pixel is read. No window reads padding cell 6."
    )


def times_in(words):
    once = {"never read": 0, "read once": 1, "read twice": 2}
    return once[words] if words in once else amount_in(words.split()[1])


@given(axis_settings(), axis_settings())
@many
def test_coverage_in_words(tall, wide):
    rows, columns = (coverage(size, **window) for size, window in (tall, wide))
    text = plots.coverage_map(rows, columns).alt
    assert text.startswith(f"{len(rows)} by {len(columns)} pixels: ")
    told = {
        times_in(words): int(pixels)
        for pixels, words in re.findall(r"(\d+) (never read|read once|read twice|read \w+ times)", text)
    }
    values, pixels = np.unique(np.outer(rows, columns), return_counts=True)
    assert told == dict(zip(values.tolist(), pixels.tolist(), strict=True))


layers = st.builds(Layer, st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))


@st.composite
def stacks(draw):
    """A size, and up to three layers that leave something of it."""
    size, stack, left = draw(st.integers(6, 24)), [], 99
    for layer in draw(st.lists(layers, min_size=1, max_size=3)):
        room = (left if stack else size) + sum(layer.padding) - layer.reach
        if room >= 0:
            stack.append(layer)
            left = room // layer.stride + 1
    return size, stack or [Layer(1)]


@given(stacks())
@many
def test_what_is_read_in_words(case):
    size, stack = case
    lost = network_unread(size, stack)
    text = plots.reading_map((size, 28), rows=lost, columns=()).alt
    assert text.startswith(f"{size} by 28 pixels; ")
    if not lost:
        assert text.endswith("every one is read.")
        return
    found = re.fullmatch(r".*; (\d+) of the (\d+) are never read: rows? ([^.]*)\.", text)
    assert [int(found[1]), int(found[2])] == [28 * len(lost), 28 * size]
    assert tuple(indices_in(found[3])) == lost


@given(stacks(), st.data())
@many
def test_a_receptive_field_in_words_is_where_the_gradient_is(case, data):
    size, stack = case
    image = torch.ones(1, 1, size, dtype=torch.float64, requires_grad=True)
    maps = [image]
    for layer in stack:
        kernel = torch.ones(1, 1, layer.kernel_size, dtype=torch.float64)
        padded = F.pad(maps[-1], layer.padding)
        maps.append(F.conv1d(padded, kernel, stride=layer.stride, dilation=layer.dilation))
        maps[-1].retain_grad()
    unit = data.draw(st.integers(0, maps[-1].shape[-1] - 1))
    text = plots.receptive_field_pyramid(size, stack, unit=unit).alt
    assert re.search(rf"Unit {unit} of layer {len(stack)} depends on ", text)
    sizes = [amount_in(word) for word in re.findall(r"(?:of|makes) (\w+) (?:pixel|unit)", text)]
    assert sizes == [level.shape[-1] for level in maps]
    maps[-1][0, 0, unit].backward()
    for place, level in enumerate(maps[:-1]):
        name = f"layer {place}" if place else "the input"
        told = re.search(rf"(?:units?|pixels?) ([^.a-z]*(?:(?:to|and|so|on) [^.a-z]*)*) of {name}\b", text)
        expected = level.grad[0, 0].nonzero().flatten().tolist()
        assert (indices_in(told[1]) if told else []) == expected
    lost = re.search(r"No unit of layer \d+ depends on pixels? ([^.]*)\.", text)
    assert tuple(indices_in(lost[1]) if lost else ()) == network_unread(size, stack)


@given(st.integers(3, 20), st.sampled_from([1, 3, 5]), st.integers(2, 4))
@few
def test_phases_in_words_are_the_samples_that_torch_keeps(size, kernel_size, stride):
    signal = torch.rand(1, 1, size, dtype=torch.float64)
    kernel = torch.rand(1, 1, kernel_size, dtype=torch.float64)
    half = kernel_size // 2
    every = F.conv1d(signal, kernel, padding=half)[0, 0]
    same = resolve_padding(size, kernel_size=kernel_size, stride=stride, padding="same")
    text = plots.phase_map(size, kernel_size=kernel_size, stride=stride).alt
    told = [indices_in(found) for found in re.findall(r"keeps rows and columns ([^.;]*)", text)]
    for indices, pads in zip(told, ((half, half), same), strict=True):
        strided = F.conv1d(F.pad(signal, pads), kernel, stride=stride)[0, 0]
        torch.testing.assert_close(every[indices], strided)
    shared = amount_in(re.search(r"They share (\w+) sample", text)[1])
    assert shared == len(set(told[0]) & set(told[1])) ** 2


def test_a_grid_in_words():
    assert plots.grid([[1, 2], [3, 4.5]], name="kernel").alt == (
        "Kernel, 2 by 2: row 0 holds 1, 2; row 1 holds 3, 4.5."
    )
    assert plots.grid(np.arange(400).reshape(20, 20)).alt == "Grid, 20 by 20: values from 0 to 399."


def test_a_padded_grid_in_words_tells_its_padding_and_what_is_never_read():
    padded = plots.grid(np.pad(np.ones((2, 2)), ((0, 1), (1, 0))), pads=((0, 1), (1, 0)), unread=((2,), (1,)))
    assert padded.alt == (
        "Grid, 2 by 2: row 0 holds 1, 1; row 1 holds 1, 1. Padding: one row below and one column left. "
        "Never read: 2 of 4 pixels and 3 of 5 padding cells, those in row 2 and column 1."
    )


def test_an_output_in_words_tells_what_was_published_and_what_is_outlined():
    output = plots.output_grid([[1, 2]], selected=(0, 1), published=[[1, 3]])
    assert output.alt == (
        "Output, 1 by 2: row 0 holds 1, 2. Published at row 0, column 1: 3. Outlined: row 0, column 1."
    )


@pytest.mark.parametrize("label", ["", " "])
def test_an_axis_without_a_label_is_refused_in_words(label):
    one, other = plots.Curve("stride 1", [1, 2]), plots.Dots("stride 1", [1, 2])
    for panel in (plots.curves([one], ylabel=label), plots.dots([other], xlabel=label)):
        with pytest.raises(ValueError, match=f"label must name a quantity, got '{label}'"):
            _ = panel.alt
    assert plots.dots([other], xlabel=label, quantity="recall").alt.startswith("Recall of every run.")


def test_curves_in_words():
    short = plots.Curve("stride 1, same", [[0.90, 0.95], [0.92, 0.97]], 1, "same")
    long = plots.Curve("stride 2", np.linspace(1, 0.5, 11))
    assert plots.curves([short, long], ylabel="test accuracy").alt == (
        "Test accuracy by epoch. stride 1, same (mean of 2 runs): 0.91, 0.96. "
        "stride 2: 1, 0.75, 0.5 after epochs 1, 6 and 11."
    )


@given(st.integers(1, 2), st.integers(0, 2), st.integers(1, 2), st.data())
@settings(max_examples=4)
def test_a_convolution_in_words(stride, padding, dilation, data):
    image = data.draw(st.permutations(range(42)).map(lambda order: np.reshape(order, (6, 7))))
    kernel = np.array([[1, 2], [0, -1]])
    setting = {"stride": stride, "padding": padding, "dilation": dilation}
    output = convolve2d(image, kernel, **setting)
    row, column = data.draw(st.sampled_from(list(np.ndindex(output.shape))))
    text = plots.convolution_figure(image, kernel, output, cell=(row, column), **setting).alt
    found = re.search(
        r"reads rows ([^;]*) and columns ([^;]*); its sum is row (\d+), column (\d+) of the output, (\S+)\.",
        text,
    )
    assert (int(found[3]), int(found[4])) == (row, column)
    assert value_of(found[5]) == output[row, column]
    taps = np.pad(image, padding)[np.ix_(*(np.array(indices_in(found[axis])) + padding for axis in (1, 2)))]
    assert (taps * kernel).sum() == output[row, column]
    windows = [{"kernel_size": 2, "stride": stride, "padding": padding, "dilation": dilation}] * 2
    lost = image.size - np.prod(
        [size - len(unread(size, **window)) for size, window in zip(image.shape, windows, strict=True)]
    )
    assert (f"Never read: {lost} of 42 pixels" in text) == bool(lost)
    assert ("Padding: " in text) == bool(padding)
    assert plots.grid(output, name="output").alt in text


def test_a_convolution_in_words_counts_idle_pixels_and_idle_padding():
    setting = {"stride": 3, "padding": ((0, 1), (2, 0)), "dilation": (2, 1)}
    image, kernel = np.ones((6, 6)), np.ones((3, 3))
    text = plots.convolution_figure(image, kernel, convolve2d(image, kernel, **setting), **setting).alt
    assert "Padding: one row below and two columns left." in text
    idle = "24 of 36 pixels and 14 of 20 padding cells"
    assert f"Never read: {idle}, those in rows 1, 3, 5 and 6 and columns 4 and 5." in text


def test_a_convolution_in_words_says_what_is_idle_and_what_was_published():
    image, kernel = np.ones((6, 6)), np.ones((3, 3))
    output = convolve2d(image, kernel, stride=2, padding=1)
    text = plots.convolution_figure(
        image, kernel, output, stride=2, padding=1, published=output + np.eye(3)
    ).alt
    assert "Padding: one row above, one row below, one column left and one column right." in text
    assert "Never read: 15 of 28 padding cells, those in row 6 and column 6." in text
    assert [tuple(map(int, cell)) for cell in re.findall(r"Published at row (\d), column (\d)", text)] == [
        (0, 0), (1, 1), (2, 2)
    ]  # fmt: skip
