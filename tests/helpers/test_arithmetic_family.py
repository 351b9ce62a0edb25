"""Poolings that round up, transposed convolutions and resizes, alone and stacked: torch is the oracle."""

from fractions import Fraction
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers.arithmetic import (
    Layer,
    coverage,
    fitting_sizes,
    indices_read,
    inputs_per_output,
    network_unread,
    output_size,
    receptive_field,
    resolve_padding,
    trace,
    transposed_output_size,
    unit_field,
    unit_reads,
    unread,
    unused_padding,
    window_starts,
)

sides = st.integers(0, 2)
convolutions = st.builds(
    Layer,
    kernel_size=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.one_of(
        st.integers(0, 2),
        st.tuples(st.integers(0, 2), st.integers(0, 2)),
        st.sampled_from(["same", "causal"]),
    ),
    dilation=st.integers(1, 3),
)


@st.composite
def poolings(draw):
    kernel_size = draw(st.integers(1, 4))
    given = draw(st.sampled_from([{}, *({"stride": stride} for stride in range(1, 5))]))
    return Layer(
        kernel_size,
        **given,
        padding=draw(st.integers(0, kernel_size // 2)),
        kind="pooling",
        ceil_mode=draw(st.sampled_from([False, True, "bare"])),
    )


@st.composite
def transposed(draw):
    settings = {
        "kernel_size": draw(st.integers(1, 4)),
        "stride": draw(st.integers(1, 3)),
        "dilation": draw(st.integers(1, 3)),
        "kind": "transposed",
    }
    if settings["dilation"] == 1 and draw(st.booleans()):
        return Layer(padding=draw(st.sampled_from(["same", "valid"])), **settings)
    extra = draw(st.integers(0, max(settings["stride"], settings["dilation"]) - 1))
    return Layer(
        padding=draw(st.tuples(st.integers(0, 3), st.integers(0, 3))), output_padding=extra, **settings
    )


resizes = st.builds(Layer, st.integers(1, 3), kind=st.just("resize"))
layers_of_all_kinds = st.one_of(convolutions, poolings(), transposed(), resizes)
stacks = st.lists(layers_of_all_kinds, min_size=1, max_size=4)


def run(signal, layer):
    """The layer in torch, with weights of one, so that no two ways from an input to a unit cancel."""
    kernel = torch.ones(1, 1, layer.kernel_size, dtype=signal.dtype)
    size = signal.shape[-1]
    if layer.kind == "resize":
        return F.interpolate(signal, scale_factor=layer.kernel_size, mode="nearest")
    before, after = resolve_padding(size, **layer.window)
    if layer.kind == "transposed":
        whole = (size - 1) * layer.stride + layer.reach
        extra = output_size(size, **layer.window) + before + after - whole
        spread = F.conv_transpose1d(signal, kernel, stride=layer.stride, dilation=layer.dilation)
        return F.pad(spread, (0, extra))[..., before : whole + extra - after]
    if layer.ceil_mode is True:
        # Against torch's own rule, by sums: the divisor of its mean at the end is beside the point.
        return F.avg_pool1d(
            signal, layer.kernel_size, layer.stride, layer.padding[0], ceil_mode=True, count_include_pad=False
        )
    if layer.ceil_mode == "bare":
        after += -(before + size + after - layer.reach) % layer.stride
    return F.conv1d(F.pad(signal, (before, after)), kernel, stride=layer.stride, dilation=layer.dilation)


def responses(size, layers):
    """Which inputs (columns) each unit (rows) of the last map depends on: torch's output for each alone.

    All layers are linear, so this is the gradient.
    """
    signal = torch.eye(size, dtype=torch.float64)[:, None]  # (inputs, 1, size)
    for layer in layers:
        signal = run(signal, layer)
    return signal[:, 0].T  # (units, inputs)


def fits(size, layers, most=200):
    try:
        sizes = [row.size for row in trace(size, layers)]
    except ValueError:
        return False
    return max(sizes, default=0) <= most


@given(st.integers(1, 14), layers_of_all_kinds)
def test_one_layer_reads_what_torchs_does(size, layer):
    assume(fits(size, [layer]))
    ways = responses(size, [layer])
    assert output_size(size, **layer.window) == len(ways)
    assert coverage(size, **layer.window) == tuple((ways > 0).sum(dim=0).tolist())
    assert inputs_per_output(size, **layer.window) == tuple((ways > 0).sum(dim=1).tolist())
    assert unread(size, **layer.window) == tuple(torch.nonzero(ways.sum(dim=0) == 0)[:, 0].tolist())
    starts = window_starts(size, **layer.window)
    assert len(starts) == (size if layer.kind in ("transposed", "resize") else len(ways))
    for unit, row in enumerate(ways):
        read = tuple(row.nonzero()[:, 0].tolist())
        assert unit_reads(size, [layer], unit) == read
        beside = indices_read(size, unit, **layer.window)
        assert tuple(index for index in beside if 0 <= index < size) == read
        assert len(beside) == layer.kernel_size or layer.kind in ("transposed", "resize")


@settings(max_examples=200)
@given(st.integers(1, 14), stacks)
def test_a_stack_reads_what_torchs_does(size, layers):
    assume(fits(size, layers, most=60))
    ways = responses(size, layers)
    assert trace(size, layers)[-1].size == len(ways)
    assert network_unread(size, layers) == tuple(torch.nonzero(ways.sum(dim=0) == 0)[:, 0].tolist())
    for unit, row in enumerate(ways):
        assert unit_reads(size, layers, unit) == tuple(row.nonzero()[:, 0].tolist())


@given(st.integers(300, 330), st.lists(layers_of_all_kinds, min_size=1, max_size=3))
def test_units_away_from_the_borders_see_what_the_trace_says(size, layers):
    assume(fits(size, layers, most=20_000))
    row = trace(size, layers)[-1]
    middle = int((size // 2 - row.start) // row.jump)
    units = range(middle, min(row.size, middle + 2 * 27))  # strides multiply to 27 at most
    assume(len(units) == 2 * 27)
    assume(units[-1] * row.jump + row.start + row.receptive_field < size - 30)
    spans = []
    for unit in units:
        read = unit_reads(size, layers, unit)
        if read:
            field = unit_field(size, layers, unit)
            assert (field.first, field.last) == (read[0], read[-1])
            assert field.look_ahead == read[-1] - unit * row.jump
            spans.append(read[-1] - read[0] + 1)
        else:
            with pytest.raises(ValueError, match=f"unit must read something, got {unit}"):
                unit_field(size, layers, unit)
    assert row.receptive_field == max(spans, default=0)


@given(st.lists(layers_of_all_kinds.filter(lambda each: isinstance(each.padding, tuple)), max_size=3))
def test_a_field_without_words_is_that_of_a_trace(layers):
    size = 700
    assume(fits(size, layers, most=50_000))
    row = trace(size, layers)[-1] if layers else None
    assert receptive_field(layers) == ((row.receptive_field, row.jump) if row else (1, 1))


@given(st.integers(1, 12), stacks)
def test_centers_are_the_mean_of_the_taps(size, layers):
    """The center of a unit is that of its window, whose place is a center on the map below, and so on."""
    assume(fits(size, layers))
    center, jump = Fraction(0), Fraction(1)
    sizes = [size, *(row.size for row in trace(size, layers))]
    for layer, size_in in zip(layers, sizes, strict=False):
        first, middle = window_starts(size_in, **layer.window).start, Fraction(layer.reach - 1, 2)
        if layer.kind in ("transposed", "resize"):  # output 0 = first + stride * place + middle
            center, jump = center + jump * (0 - first - middle) / layer.stride, jump / layer.stride
        else:
            center, jump = center + jump * (first + middle), jump * layer.stride
    assert trace(size, layers)[-1].jump == jump
    for unit in (0, sizes[-1] - 1):
        try:
            assert unit_field(size, layers, unit).center == center + unit * jump
        except ValueError as error:
            assert "must read something" in str(error)  # noqa: PT017


def result_or_refusal(call, *refusals):
    try:
        return call()
    except refusals:
        return "refused"


@given(
    st.integers(1, 8),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 4),
    st.integers(1, 3),
    st.integers(1, 40),
)
def test_an_output_shape_is_torchs_output_size(size, kernel_size, stride, padding, dilation, wanted):
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    layer = torch.nn.ConvTranspose1d(1, 1, kernel_size, **options)
    torchs = result_or_refusal(
        lambda: layer(torch.zeros(1, 1, size), output_size=[wanted]).shape[-1], ValueError, RuntimeError
    )
    ours = result_or_refusal(
        lambda: output_size(size, kernel_size=kernel_size, kind="transposed", output_shape=wanted, **options),
        ValueError,
    )
    assert ours == torchs


@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 6), st.integers(0, 3), st.integers(1, 3))
def test_a_bare_ceiling_is_a_ceiling(size, kernel_size, stride, padding, dilation):
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    assume(room >= 0)
    window = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    assert output_size(size, ceil_mode="bare", **window) == -(-room // stride) + 1


def test_whose_ceiling():
    window = {"kernel_size": 2, "stride": 2, "padding": 1}
    assert output_size(5, ceil_mode=True, **window) == 3
    assert output_size(5, ceil_mode="bare", **window) == 4
    assert inputs_per_output(5, ceil_mode="bare", **window) == (1, 2, 2, 0)
    # coremltools 2844: the last window of three holds one pixel, two pixels lie between the windows
    window = {"kernel_size": 2, "stride": 3, "ceil_mode": True}
    assert (output_size(7, **window), unread(7, **window)) == (3, (2, 5))
    assert coverage(7, **window) == (1, 1, 0, 1, 1, 0, 1)
    assert inputs_per_output(7, **window) == (2, 2, 1)


def test_whose_transposed_same():
    keras = {"kernel_size": 3, "stride": 2, "padding": "same", "kind": "transposed"}
    assert output_size(16, **keras) == 32
    assert resolve_padding(16, **keras) == (0, 1)  # torch's padding=1, output_padding=1 is one pixel off
    assert resolve_padding(16, convention="onnx-lower", **keras) == (1, 0)
    assert output_size(16, output_shape=31, **keras) == 31
    assert resolve_padding(16, output_shape=31, **keras) == (1, 1)
    narrow = {"kernel_size": 2, "stride": 3, "kind": "transposed"}
    assert output_size(4, padding="valid", **narrow) == 12  # Keras fills up to a stride of pixels an input
    assert (
        output_size(4, padding="valid", convention="onnx-lower", **narrow) == output_size(4, **narrow) == 11
    )


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 3))
def test_causal_reads_nothing_ahead(size, kernel_size, dilation):
    window = {"kernel_size": kernel_size, "padding": "causal", "dilation": dilation}
    assert output_size(size, **window) == size
    assert resolve_padding(size, **window) == (dilation * (kernel_size - 1), 0)
    assert unit_field(size, [Layer(**window)], size - 1).look_ahead == 0


def test_a_pooling_and_a_resize_move_by_their_own_size():
    assert Layer(3, kind="pooling").stride == Layer(3, kind="resize").stride == 3
    assert Layer(3, kind="pooling", stride=2).stride == 2
    assert Layer(3, ceil_mode=True).kind == "pooling"
    assert (Layer(3).kind, Layer(3).stride) == ("convolution", 1)


def test_a_checkerboard_is_counted():
    assert inputs_per_output(4, kernel_size=3, stride=2, kind="transposed")[1:-1] == (1, 2, 1, 2, 1, 2, 1)
    assert set(inputs_per_output(6, kernel_size=4, stride=2, padding=1, kind="transposed")[1:-1]) == {2}
    assert inputs_per_output(3, kernel_size=2, kind="resize") == (1,) * 6


def test_a_growing_layer_pads_nothing():
    assert unused_padding(5, kernel_size=3, stride=2, padding=1, kind="transposed") == (0, 0)
    assert resolve_padding(5, kernel_size=2, kind="resize") == (0, 0)


def sound():
    return [
        Layer(kernel_size, stride)
        for kernel_size, stride in zip((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), strict=True)
    ]


def test_frames_of_a_second_of_sound():
    last = trace(16_000, sound())[-1]
    assert (last.size, last.receptive_field, last.jump) == (49, 400, 320)
    assert [trace(size, sound())[-1].size for size in (31_439, 31_440)] == [97, 98]
    frame = unit_field(16_000, sound(), 10, rate=16_000)
    assert frame == pytest.approx((0.2, 0.2249375, 0.21246875, 0.0249375))
    assert unit_field(16_000, sound(), 10).center == Fraction(3200 + 3599, 2)


def test_one_frame_ahead():
    """FRCRN 4: a transposed convolution of 2 taps, the first output cropped, reads frames t and t + 1."""
    layer = Layer(2, padding=(1, 0), kind="transposed")
    assert unit_reads(9, [layer], 4) == (4, 5)
    assert unit_field(9, [layer], 4).look_ahead == 1


def u_net(depth, convolution):
    twice = [convolution, convolution]
    down, up = [*twice, Layer(2, kind="pooling")], [Layer(2, stride=2, kind="transposed"), *twice]
    layers = down * depth + twice + up * depth
    skips = [(3 * level + 2, len(layers) - 3 * level - 2) for level in range(depth)]
    return layers, skips


def test_which_sizes_survive_halving_and_doubling():
    layers, skips = u_net(3, Layer(3, padding=1))
    assert fitting_sizes(layers, at_least=1, at_most=64, skips=skips) == tuple(range(8, 65, 8))
    poolings = [Layer(3, stride=2, padding="same") for _ in range(3)]
    growing = [Layer(3, stride=2, padding=1, kind="transposed") for _ in range(3)]
    assert fitting_sizes([*poolings, *growing], at_least=1, at_most=40, skips=[(0, 6)]) == (1, 9, 17, 25, 33)
    valid, _ = u_net(2, Layer(3))
    found = fitting_sizes(valid, at_least=1, at_most=140, without_rest=True)
    assert found == tuple(range(44, 141, 4))
    assert {size - trace(size, valid)[-1].size for size in found} == {40}


def test_the_field_of_a_u_net_is_exact():
    layers, _ = u_net(2, Layer(3, padding=1))
    size = 128
    row = trace(size, layers)[-1]
    reads = [unit_reads(size, layers, unit) for unit in range(60, 68)]
    assert row.jump == 1
    assert row.receptive_field == max(read[-1] - read[0] + 1 for read in reads)
    assert [reads[4 + unit][0] - reads[unit][0] for unit in range(4)] == [4] * 4
    assert {after[0] - read[0] for read, after in pairwise(reads)} == {0, 4}  # four units see the same


def test_a_skip_connection_one_pixel_short_names_sizes_that_work():
    layers, skips = u_net(2, Layer(3, padding=1))
    named = [Layer(**layer.window, name=f"part{place}") for place, layer in enumerate(layers, start=1)]
    with pytest.raises(
        ValueError,
        match=r"got 357 pixels from 'part2', number 2 of 14 and 356 from 'part12', number 12 of 14: "
        r"use size=356 or size=360, or crop, pad or resize",
    ):
        trace(357, named, skips=skips)
    assert trace(360, named, skips=[("part2", "part12"), ("input", 14)])[-1].size == 360


BAD_LAYERS = [
    ({"kind": "conv"}, "kind must be one of 'convolution', .* got 'conv'"),
    ({"kind": "transposed", "stride": 2, "output_padding": 2}, "output_padding must be below 2, .* got 2"),
    ({"output_padding": 1}, 'output_padding must be left out for kind="convolution", got 1'),
    ({"kind": "pooling", "output_shape": 5}, 'output_shape must be left out for kind="pooling", got 5'),
    ({"kind": "transposed", "output_shape": 0}, "output_shape must be at least 1, got 0"),
    (
        {"kind": "transposed", "stride": 2, "padding": "same", "output_padding": 1},
        'output_padding must be 0 with padding="same"',
    ),
    (
        {"kind": "transposed", "stride": 2, "output_padding": 1, "output_shape": 5},
        "output_padding must be 0 with output_shape",
    ),
    (
        {"kind": "transposed", "padding": "same", "convention": "pytorch"},
        'padding must be numbers .* convention="tensorflow"',
    ),
    ({"kind": "transposed", "padding": "full"}, "padding must be .* or numbers .* got 'full'"),
    ({"padding": "causal", "convention": "onnx-lower"}, r"use padding=\(2, 0\)"),
    ({"padding": "causal", "kind": "pooling"}, 'must belong to a convolution .* got kind="pooling"'),
    ({"padding": "SAME"}, "padding must be one of .* got 'SAME'"),
    ({"ceil_mode": True, "kind": "convolution"}, 'ceil_mode must be False for kind="convolution", got True'),
    ({"ceil_mode": "bare", "kind": "transposed"}, "only a pooling has it"),
    ({"kind": "resize", "stride": 2}, 'stride must be 3 for kind="resize", got 2'),
    ({"kind": "resize", "dilation": 2}, 'dilation must be 1 for kind="resize", got 2'),
    ({"kind": "resize", "padding": 1}, r"padding must be \(0, 0\) for kind=.resize., got \(1, 1\)"),
    ({"kind": "resize", "padding": "same"}, "padding must be 0 for kind=.resize., got 'same'"),
]


@pytest.mark.parametrize(("changed", "message"), BAD_LAYERS, ids=[str(changed) for changed, _ in BAD_LAYERS])
def test_a_setting_without_meaning_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        Layer(3, **changed)
    with pytest.raises(ValueError, match=message):
        output_size(8, kernel_size=3, **changed)


def test_settings_of_the_wrong_kind_are_refused():
    for name in ("output_padding", "output_shape"):
        with pytest.raises(TypeError, match=f"{name} must be a whole number, got 1.0"):
            Layer(3, kind="transposed", **{name: 1.0})
    with pytest.raises(TypeError, match="kind must be a string, got 3"):
        Layer(3, kind=3)
    with pytest.raises(TypeError, match='ceil_mode must be True or False, or "bare", got 1'):
        Layer(3, ceil_mode=1)


def test_a_size_that_a_layer_does_not_take_is_refused():
    with pytest.raises(ValueError, match="output_shape must be from 15 to 16 for size=8, got 17"):
        output_size(8, kernel_size=3, stride=2, padding="same", kind="transposed", output_shape=17)
    with pytest.raises(ValueError, match="where ONNX's padding ends, got 16: use"):
        output_size(8, kernel_size=1, stride=2, padding="same", kind="transposed", convention="onnx-lower")
    with pytest.raises(ValueError, match="crops all 3 of the output"):
        transposed_output_size(1, kernel_size=3, padding=(2, 1))
    layers = [Layer(3), Layer(3, padding=3, kind="transposed", name="up")]
    with pytest.raises(ValueError, match=r"'up', number 2 of 2, shrinks the map below one pixel: .* crops"):
        trace(5, layers)
    layers = [Layer(2, kind="pooling"), Layer(2, stride=2, kind="transposed", output_shape=9, name="up")]
    with pytest.raises(ValueError, match=r"'up', number 2 of 2, does not take size=3: output_shape must be"):
        trace(7, layers)
    with pytest.raises(ValueError, match=r"layers\[1\] must leave output_shape out, got 9"):
        receptive_field(layers)
    with pytest.raises(ValueError, match=r"kernel_size must make at most 250,000 reads .* got 1,000,000"):
        trace(5, [Layer(1000, kind="resize"), Layer(1000)])
    with pytest.raises(ValueError, match=r"must multiply to at most 100,000 .* got 1,000,000"):
        trace(5, [Layer(1000, kind="resize"), Layer(1000, kind="resize")])


def test_units_skips_and_bounds_are_checked():
    layers = [Layer(3, name="a"), Layer(2, kind="resize", name="b")]
    for call in (unit_reads, unit_field):
        with pytest.raises(ValueError, match=r"unit must be below 12, .* got 12"):
            call(8, layers, 12)
        with pytest.raises(ValueError, match="unit must be at least 0, got -1"):
            call(8, layers, -1)
    for rate, error in ((0, ValueError), (-1, ValueError), ("16", TypeError), (True, TypeError)):
        with pytest.raises(error, match="rate must be"):
            unit_field(8, layers, 0, rate=rate)
    with pytest.raises(ValueError, match="rate must give seconds that a float can hold"):
        unit_field(10**400, [], 10**399, rate=1)
    for skip, error, message in (
        ((0, 3), ValueError, r"skips\[0\] must be at most 2, the number of layers, got 3"),
        (("a", "c"), ValueError, r"skips\[0\] must name one map, of 'input', 'a', 'b', got 'c'"),
        (3, TypeError, r"skips\[0\] must be a pair of maps, got 3"),
        ((0, 1.0), TypeError, r"skips\[0\] must be a whole number, got 1.0"),
    ):
        with pytest.raises(error, match=message):
            trace(8, layers, skips=[skip])
    with pytest.raises(ValueError, match="at_most must be at least 9, got 8"):
        fitting_sizes(layers, at_least=9, at_most=8)
    with pytest.raises(ValueError, match="at_most must be below at_least"):
        fitting_sizes(layers, at_least=1, at_most=10**9)


def test_huge_sizes_of_the_family():
    size = 10**30
    assert output_size(size, kernel_size=3, stride=2, padding="same", kind="transposed") == 2 * size
    assert unread(size, kernel_size=3, stride=2, padding=1, kind="transposed") == ()
    layers = [Layer(2, kind="pooling"), Layer(3, 2, "same", kind="transposed"), Layer(5, kind="resize")]
    assert network_unread(size + 1, layers) == (size,)
    assert unit_reads(size, layers[:2], size // 2) == unit_reads(size, layers, size // 2 * 5 + 4)
    assert output_size(10**9, kernel_size=2, ceil_mode="bare", stride=10**8) == 11
