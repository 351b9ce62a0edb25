"""Bad input: every argument of every function, by kind and by value, with a message that names it."""

import math
import re

import numpy as np
import pytest

from helpers.arithmetic import (
    Layer,
    coverage,
    macs,
    network_unread,
    output_size,
    parameters,
    receptive_field,
    resolve_padding,
    trace,
    transposed_output_size,
    unread,
    unused_padding,
    window_starts,
)

WINDOWED = [output_size, resolve_padding, window_starts, coverage, unread, unused_padding]
NOT_WHOLE = [2.0, 1.5, math.nan, math.inf, "3", None, True, False, np.float64(2), np.bool_(True), 3j, [3]]


def of_windows(function):
    return lambda **changed: function(**{"size": 8, "kernel_size": 3, "padding": 0} | changed)


def of_layer(**changed):
    return Layer(**{"kernel_size": 3} | changed)


CALLS = {function.__name__: of_windows(function) for function in [*WINDOWED, transposed_output_size]}
CALLS["Layer"] = of_layer


def arguments(*names):
    return [
        pytest.param(call, name, id=f"{label}-{name}")
        for label, call in CALLS.items()
        for name in names
        if not (label == "Layer" and name == "size")
    ]


@pytest.mark.parametrize(("call", "name"), arguments("size", "kernel_size", "stride", "dilation", "padding"))
@pytest.mark.parametrize("value", NOT_WHOLE, ids=repr)
def test_what_is_not_a_whole_number_is_a_type_error(call, name, value):
    if name == "padding" and isinstance(value, str):
        value = b"same"  # an unknown word is a wrong value, see below
    with pytest.raises(TypeError, match=f"{name} must be a whole number, got .*{re.escape(str(value))}"):
        call(**{name: value})


@pytest.mark.parametrize(("call", "name"), arguments("size", "kernel_size", "stride", "dilation"))
@pytest.mark.parametrize("value", [0, -1, np.int64(-3)], ids=repr)
def test_a_number_below_one_is_a_value_error(call, name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got {value}"):
        call(**{name: value})


@pytest.mark.parametrize(("call", "name"), arguments("padding"))
def test_pads_are_never_negative_and_come_in_twos(call, name):
    with pytest.raises(ValueError, match="padding must be at least 0, got -1"):
        call(padding=-1)
    for value, place in (((-1, 2), 0), ((2, -1), 1)):
        with pytest.raises(ValueError, match=rf"padding\[{place}\] must be at least 0, got -1"):
            call(padding=value)
    for value in ((1,), (1, 2, 3), ()):
        with pytest.raises(
            ValueError, match=r"one number or two, \(before, after\), got " + re.escape(repr(value))
        ):
            call(padding=value)
    with pytest.raises(TypeError, match=r"padding\[1\] must be a whole number, got 1.0"):
        call(padding=(0, 1.0))


@pytest.mark.parametrize("call", [CALLS[f.__name__] for f in WINDOWED] + [of_layer])
def test_words_are_those_of_the_contract(call):
    with pytest.raises(
        ValueError, match="padding must be one of 'valid', 'same', 'full', 'causal', got 'SAME'"
    ):
        call(padding="SAME")
    for padding in (0, "same"):
        with pytest.raises(ValueError, match=r"convention must be one of 'tensorflow', .*, got 'keras'"):
            call(padding=padding, convention="keras")
    with pytest.raises(TypeError, match="convention must be a string, got None"):
        call(convention=None)


@pytest.mark.parametrize("function", [output_size, window_starts, coverage, unread, unused_padding])
def test_a_kernel_larger_than_the_padded_input_is_refused_with_both_numbers(function):
    with pytest.raises(
        ValueError,
        match=r"kernel_size must span at most 7 pixels for size=4 with padding \(1, 2\), "
        r"got 5 with dilation=2, which spans 9: .* 2 more",
    ):
        function(4, kernel_size=5, dilation=2, padding=(1, 2))
    with pytest.raises(ValueError, match=r"size=5 .* got 6 with"):
        function(5, kernel_size=6, stride=10)


@pytest.mark.parametrize("value", [1, 0, "yes", None], ids=repr)
def test_switches_are_true_or_false(value):
    with pytest.raises(TypeError, match="ceil_mode must be True or False"):
        output_size(8, kernel_size=3, ceil_mode=value)
    with pytest.raises(TypeError, match="bias must be True or False"):
        parameters(1, 1, 3, bias=value)


def test_ceil_mode_still_needs_a_window():
    assert output_size(2, kernel_size=3, stride=2, ceil_mode=True) == 1
    with pytest.raises(ValueError, match=r"for size=2 .* which spans 4"):
        output_size(2, kernel_size=4, stride=2, ceil_mode=True)


@pytest.mark.parametrize("word", ["valid", "same", "full"])
def test_a_transposed_convolution_takes_no_word(word):
    with pytest.raises(TypeError, match=f"padding must be a whole number, got '{word}'"):
        transposed_output_size(8, kernel_size=3, padding=word)


def test_output_padding_stays_below_stride_or_dilation():
    with pytest.raises(ValueError, match=r"output_padding must be below 2, .* got 2"):
        transposed_output_size(8, kernel_size=3, stride=2, output_padding=2)
    with pytest.raises(ValueError, match="output_padding must be at least 0, got -1"):
        transposed_output_size(8, kernel_size=3, output_padding=-1)
    with pytest.raises(TypeError, match=r"output_padding must be a whole number, got 0.0"):
        transposed_output_size(8, kernel_size=3, output_padding=0.0)


def test_padding_may_not_crop_a_transposed_output_away():
    with pytest.raises(ValueError, match=r"padding must crop at most 2 .* got \(2, 1\), which crops all 3 "):
        transposed_output_size(1, kernel_size=3, padding=(2, 1))


def test_same_with_a_stride_is_refused_when_the_layer_is_made():
    with pytest.raises(ValueError, match=r'padding="same" must have stride=1'):
        Layer(3, stride=2, padding="same", convention="pytorch")
    assert Layer(3, stride=2, padding=1, convention="pytorch").stride == 2


def test_a_layers_name_is_a_string():
    with pytest.raises(TypeError, match="name must be a string, got 3"):
        Layer(3, name=3)


@pytest.mark.parametrize("function", [trace, network_unread])
def test_the_layer_that_shrinks_the_map_below_one_pixel_is_named(function):
    layers = [Layer(3, name="conv1"), Layer(2, stride=2, name="pool1"), Layer(5, name="conv2"), Layer(3)]
    with pytest.raises(
        ValueError, match=r"'conv2', number 3 of 4, shrinks .* below one pixel: .* at most 4 .* got 5 with"
    ):
        function(10, layers)
    with pytest.raises(ValueError, match=r"'layer 4', number 4 of 4, shrinks"):
        function(12, layers)


@pytest.mark.parametrize("function", [trace, network_unread])
def test_the_size_of_a_stack_is_checked(function):
    with pytest.raises(TypeError, match=r"size must be a whole number, got 28.0"):
        function(28.0, [Layer(3)])
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        function(0, [])


@pytest.mark.parametrize(
    "function", [receptive_field, lambda layers: trace(28, layers)], ids=["field", "trace"]
)
def test_layers_are_a_sequence_of_layer(function):
    with pytest.raises(TypeError, match="layers must be a sequence of Layer, got Layer"):
        function(Layer(3))
    with pytest.raises(TypeError, match=r"layers\[1\] must be a Layer, got 3"):
        function([Layer(3), 3])


COSTED = {"in_channels": 2, "out_channels": 4, "kernel_size": 3, "output_size": 8, "groups": 1}


@pytest.mark.parametrize("name", COSTED)
@pytest.mark.parametrize(
    ("value", "error"),
    [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError), (math.nan, TypeError)],
)
def test_costs_check_their_arguments(name, value, error):
    with pytest.raises(error, match=f"{name} must be .* got .*{value}"):
        macs(**COSTED | {name: value})
    if name != "output_size":
        without_size = {key: number for key, number in COSTED.items() if key != "output_size"}
        with pytest.raises(error, match=f"{name} must be .* got .*{value}"):
            parameters(**without_size | {name: value})


def test_pairs_of_the_cost_functions_are_height_and_width():
    assert macs(1, 1, (1, 3), (4, 5)) == 60
    with pytest.raises(
        ValueError, match=r"kernel_size must be one number or two, \(height, width\), got \(3, 3, 3\)"
    ):
        macs(1, 1, (3, 3, 3), 8)
    with pytest.raises(ValueError, match=r"output_size\[1\] must be at least 1, got 0"):
        macs(1, 1, 3, (8, 0))


@pytest.mark.parametrize("function", WINDOWED)
def test_settings_are_keyword_only(function):
    with pytest.raises(TypeError, match="positional"):
        function(8, 3)
