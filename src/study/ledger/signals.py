"""What papers and courses claim of sizes, fields and signals, all of which computing decides."""

from collections.abc import Sequence
from functools import reduce
from math import gcd

import numpy as np
from numpy.typing import NDArray

from helpers.arithmetic import (
    Layer,
    coverage,
    macs,
    output_size,
    parameters,
    receptive_field,
    transposed_output_size,
    window_starts,
)
from helpers.convolution import convolve2d
from study.ledger.claim import Claim, Computed
from study.ledger.finding import Finding, decided

Signal = NDArray[np.float64]


def change_behind_a_blur(*, shift: float, relu: bool, seed: int = 0) -> float:
    """How much shift equivariance fails for an optional ReLU, then an ideal low-pass filter, then stride 2.

    Args:
        shift: shift of the periodic signal in pixels; fractions of a pixel are exact.
        relu: whether there is a ReLU before the filter.
        seed: seed of the signal, which has no frequencies above the filter's.

    Returns:
        Largest difference of the shifted signal's map from the shifted map, as a share of the largest value.
    """
    signal = _low_passed(np.random.default_rng(seed).normal(size=32), keep=8)
    apart = _halved(_moved(signal, shift), relu) - _moved(_halved(signal, relu), shift / 2)
    return float(np.abs(apart).max() / np.abs(signal).max())


def a_blur_is_not_enough() -> Finding:
    """L-19: what a shift changes behind an ideal blur and a stride, with ReLU before the blur and without."""
    shifts = {"a whole pixel": 1.0, "half a pixel": 0.5}
    changes = {
        name: [change_behind_a_blur(shift=shift, relu=relu) for relu in (True, False)]
        for name, shift in shifts.items()
    }
    evidence = "; ".join(
        f"{name}: with ReLU {with_relu:.1%} of the largest value, without {without:.1%}"
        for name, (with_relu, without) in changes.items()
    )
    return decided({name: with_relu > 1e-9 for name, (with_relu, _) in changes.items()}, evidence)


def dilation_leaves_a_grid() -> Finding:
    """L-20: which positions within its field a unit does not read, for dilations with a common divisor."""
    gaps = {dilations: _gaps(dilations) for dilations in ((2, 2, 2), (2, 4, 8), (1, 2, 5), (1, 2, 3))}
    names = {dilations: ", ".join(map(str, dilations)) for dilations in gaps}
    conditions = {names[each]: (found > 0) == (gcd(*each) > 1) for each, found in gaps.items()}
    unread = (f"dilations {names[each]}: {found}" for each, found in gaps.items())
    return decided(conditions, "positions unread along an axis: " + "; ".join(unread))


def effective_field() -> Finding:
    """L-21: how far the weight of a unit's field spreads, for stacks of 3x3 layers with equal weights."""
    spread = {}
    for layers in (4, 16, 64):
        weights = reduce(np.convolve, [np.full(3, 1 / 3)] * layers)
        places = np.arange(len(weights)) - layers
        spread[layers] = float(np.sqrt(weights @ places**2))
    shares = {layers: 4 * each / (2 * layers + 1) for layers, each in spread.items()}
    grows = spread[16] / spread[4], spread[64] / spread[16]
    evidence = "; ".join(
        f"{layers} layers: field {2 * layers + 1}, standard deviation {spread[layers]:.1f}, "
        f"{shares[layers]:.0%} of the field within two of them"
        for layers in spread
    )
    conditions = {
        "grows with the square root of depth": bool(np.allclose(grows, 2)),
        "a share that falls with depth": shares[4] > shares[16] > shares[64],
    }
    return decided(conditions, evidence)


_VGG16 = tuple(layer for count in (2, 2, 3, 3, 3) for layer in (*(Layer(3),) * count, Layer(2, 2)))
_ALEXNET = Layer(11, 4), Layer(3, 2), Layer(5), Layer(3, 2), Layer(3), Layer(3), Layer(3), Layer(3, 2)
PUBLISHED_FIELDS = {"VGG-16": (_VGG16, 212), "AlexNet": (_ALEXNET, 195)}


def published_fields() -> Finding:
    """L-22: the fields of two networks, counted position by position from the last layer back."""
    found = {name: len(_positions(layers)) for name, (layers, _) in PUBLISHED_FIELDS.items()}
    by_formula = {name: receptive_field(layers).size for name, (layers, _) in PUBLISHED_FIELDS.items()}
    conditions = {name: found[name] == by_formula[name] == PUBLISHED_FIELDS[name][1] for name in found}
    return decided(conditions, "; ".join(f"{name}: {size} pixels" for name, size in found.items()))


def even_writing() -> Finding:
    """L-23: whether a transposed convolution writes all pixels away from the border equally often."""
    even = {}
    for kernel_size, stride in ((2, 2), (4, 2), (6, 3), (3, 2), (5, 2), (4, 3)):
        size = 20 * stride + kernel_size - stride  # what twenty values are written to
        written = coverage(size, kernel_size=kernel_size, stride=stride)[kernel_size:-kernel_size]
        even[kernel_size, stride] = len(set(written)) == 1
    conditions = {
        f"kernel {kernel_size}, stride {stride}": is_even == (kernel_size % stride == 0)
        for (kernel_size, stride), is_even in even.items()
    }
    evidence = "written equally often: kernel and stride " + ", ".join(
        f"{kernel_size} and {stride}" for (kernel_size, stride), is_even in even.items() if is_even
    )
    return decided(conditions, evidence)


def transposed_formula() -> Finding:
    """L-24: whether its formula for the transposed convolution gives back the size it began with."""
    wrong = tried = 0
    for size in range(5, 40):
        for kernel_size, stride, padding in ((3, 1, 1), (3, 2, 1), (4, 2, 1), (5, 3, 0), (3, 2, 0)):
            left = (size + 2 * padding - kernel_size) % stride
            wrong += _there_and_back(size, kernel_size, stride, padding, left)[1] != size
            tried += 1
    return decided({"all sizes": wrong == 0}, f"{tried - wrong} of {tried} sizes come back")


def equally_often() -> Finding:
    """L-25: whether padding makes all pixels of an axis count equally often, for a kernel of 3."""
    size = 8
    counts: dict[str, Sequence[int]] = {
        "zeros, same": coverage(size, kernel_size=3, padding="same"),
        "zeros, full": coverage(size, kernel_size=3, padding="full"),
        "wrapping around": _folded(coverage(size + 2, kernel_size=3)),
    }
    evidence = "; ".join(f"{name}: {', '.join(map(str, each))}" for name, each in counts.items())
    return decided({name: len(set(each)) == 1 for name, each in counts.items()}, evidence)


def one_example_in_two_frameworks() -> Finding:
    """L-26: whether padding 1 and "same" are one layer at stride 2: the shape, and where windows start."""
    starts = {
        size: [window_starts(size, kernel_size=3, stride=2, padding=padding) for padding in (1, "same")]
        for size in (8, 9)
    }
    conditions = {"shape": all(len(one) == len(same) for one, same in starts.values())}
    conditions |= {f"samples of {size} pixels": one == same for size, (one, same) in starts.items()}
    evidence = "; ".join(
        f"{size} pixels: {len(one)} outputs each, first windows at {one[0]} and {same[0]}"
        for size, (one, same) in starts.items()
    )
    return decided(conditions, evidence)


def back_to_the_same_shape() -> Finding:
    """L-27: the size behind a convolution and a transposed one of the same settings."""
    sizes = {size: _there_and_back(size, 3, 2, 1) for size in (28, 27)}
    evidence = "; ".join(f"{size} to {small} to {back}" for size, (small, back) in sizes.items())
    return decided({f"{size} pixels": back == size for size, (_, back) in sizes.items()}, evidence)


def a_remainder_is_invalid() -> Finding:
    """L-28: what a framework makes of 10 pixels, a kernel of 3 and stride 2, where a remainder is left."""
    size = output_size(10, kernel_size=3, stride=2)
    made = convolve2d(np.ones((10, 10)), np.ones((3, 3)), stride=2).shape[0]
    last = window_starts(10, kernel_size=3, stride=2)[-1] + 3
    evidence = f"{made} outputs; columns that no window reads: {10 - last}"
    return decided({"refused": made != size}, evidence)


def three_small_layers() -> Finding:
    """L-29: field and weights of three 3x3 layers and of one 7x7 layer, all of as many channels."""
    fields = receptive_field([Layer(3)] * 3).size, receptive_field([Layer(7)]).size
    conditions, texts = {"field": fields[0] == fields[1]}, [f"fields {fields[0]} and {fields[1]}"]
    for channels in (8, 64, 512):
        three = 3 * parameters(channels, channels, 3, bias=False)
        one = parameters(channels, channels, 7, bias=False)
        conditions[f"weights, {channels} channels"] = three < one
        texts.append(f"{channels} channels: {three / one:.0%} of the weights")
    return decided(conditions, "; ".join(texts))


def shrinks_by_kernel_less_one() -> Finding:
    """L-30: how much smaller a map is behind a layer without padding."""
    lost = {kernel_size: 28 - output_size(28, kernel_size=kernel_size) for kernel_size in (1, 2, 3, 5, 7)}
    evidence = "; ".join(f"kernel {kernel_size}: {less} fewer" for kernel_size, less in lost.items())
    conditions = {f"kernel {kernel_size}": less == kernel_size - 1 for kernel_size, less in lost.items()}
    return decided(conditions, evidence)


def stride_is_leaving_out() -> Finding:
    """L-31: values and multiply-accumulates of a strided convolution, and one that is thinned out after."""
    random = np.random.default_rng(0)
    image, kernel = (random.integers(-9, 10, shape).astype(float) for shape in ((29, 29), (3, 3)))
    conditions, texts = {}, []
    for stride in (2, 3, 4):
        full, strided = convolve2d(image, kernel), convolve2d(image, kernel, stride=stride)
        alike = np.array_equal(strided, full[::stride, ::stride])
        cost = macs(1, 1, 3, strided.shape[0]) / macs(1, 1, 3, full.shape[0])
        conditions[f"stride {stride}"] = alike and cost < 1
        texts.append(f"stride {stride}: {'equal' if alike else 'other'} values, {cost:.0%} of the products")
    return decided(conditions, "; ".join(texts))


def equivariance() -> Finding:
    """L-32: whether moving the image moves the map alike, where the map wraps around and where it ends."""
    random = np.random.default_rng(0)
    image, kernel = (random.integers(-9, 10, shape).astype(float) for shape in ((12, 12), (3, 3)))

    def mapped(pixels: Signal, stride: int, mode: str) -> Signal:
        made: Signal = convolve2d(np.pad(pixels, 1, mode=mode), kernel, stride=stride)  # type: ignore[call-overload]
        return made

    conditions = {}
    for name, stride, shift, mode in (
        ("stride 1, wrapping around", 1, 1, "wrap"),
        ("stride 1, zeros around", 1, 1, "constant"),
        ("stride 2, moved by 1", 2, 1, "wrap"),
        ("stride 2, moved by 2", 2, 2, "wrap"),
    ):
        moved = mapped(np.roll(image, shift, axis=1), stride, mode)
        whole = mapped(image, stride, mode)
        conditions[name] = any(
            np.array_equal(moved, np.roll(whole, by, axis=1)) for by in range(12 // stride)
        )
    kept = sum(conditions.values())
    return decided(conditions, f"{kept} of {len(conditions)} settings move the map with the image")


def _there_and_back(size: int, kernel_size: int, stride: int, padding: int, left: int = 0) -> tuple[int, int]:
    """The size after a convolution, and after a transposed convolution that follows it."""
    small = output_size(size, kernel_size=kernel_size, stride=stride, padding=padding)
    return small, transposed_output_size(
        small, kernel_size=kernel_size, stride=stride, padding=padding, output_padding=left
    )


def _low_passed(signal: Signal, *, keep: int) -> Signal:
    """A periodic signal without its frequencies from `keep` on."""
    waves = np.fft.rfft(signal)
    waves[keep:] = 0
    return np.fft.irfft(waves, len(signal))


def _moved(signal: Signal, shift: float) -> Signal:
    """A periodic, band-limited signal shifted by any fraction of a pixel, exactly."""
    waves = np.fft.rfft(signal)
    return np.fft.irfft(
        waves * np.exp(-2j * np.pi * np.arange(len(waves)) * shift / len(signal)), len(signal)
    )


def _halved(signal: Signal, relu: bool) -> Signal:
    """An optional ReLU, an ideal low-pass filter at the Nyquist frequency of the new grid, and stride 2."""
    return _low_passed(np.maximum(signal, 0) if relu else signal, keep=8)[::2]


def _positions(layers: Sequence[Layer]) -> set[int]:
    """The positions that one unit reads along an axis, found from the last layer back."""
    read = {0}
    for layer in reversed(layers):
        taps = range(0, layer.kernel_size * layer.dilation, layer.dilation)
        read = {position * layer.stride + tap for position in read for tap in taps}
    return read


def _gaps(dilations: Sequence[int]) -> int:
    read = _positions([Layer(3, dilation=dilation) for dilation in dilations])
    return max(read) + 1 - len(read)


def _folded(counts: Sequence[int]) -> Sequence[int]:
    """How often pixels are read if one wrapped pixel on each side counts as the pixel it copies."""
    first, *own, last = counts
    own[-1] += first
    own[0] += last
    return own


_D2L = "zhang2023dive"
_CS231N = "cs231n"
_DEEP_LEARNING = "goodfellow2016deep"

SIGNAL_CLAIMS = (
    Claim(
        id="L-19",
        source="michaeli2023alias",
        statement="A blur before the stride does not make a map move with its image, because ReLU makes new "
        "detail.",
        parts=(Computed(a_blur_is_not_enough, by="Fourier transforms, along one axis"),),
        link="controls-literature",
        note="Right of parts of a pixel. By whole pixels an ideal blur is enough, since ReLU knows no "
        "neighbors. The blurs in use are not ideal. One signal of chance; trained networks are not covered.",
    ),
    Claim(
        id="L-20",
        source="wang2018understanding",
        statement="Dilations with a common divisor leave a grid of pixels unread, and others need not.",
        parts=(Computed(dilation_leaves_a_grid, by="positions read, counted"),),
        link="receptive-field",
        note="Three layers of 3x3. Made for segmentation; what the grid costs there is not covered.",
    ),
    Claim(
        id="L-21",
        source="luo2016understanding",
        statement="The part of its field that a unit heeds grows with the square root of depth, and is an "
        "ever smaller share.",
        parts=(Computed(effective_field, by="the weights of all paths, summed"),),
        link="receptive-field",
        note="Of equal weights, without ReLU and strides, as in its theory. Trained weights are not covered.",
    ),
    Claim(
        id="L-22",
        source="araujo2019computing",
        statement="A unit of VGG-16 sees 212 pixels along an axis, and one of AlexNet 195.",
        parts=(Computed(published_fields, by="positions read, counted, and arithmetic.receptive_field"),),
        link="receptive-field",
        note="Padding counts among the pixels seen. AlexNet is the slim version that the source names.",
    ),
    Claim(
        id="L-23",
        source="odena2016deconvolution",
        statement="A transposed convolution writes evenly if its stride divides its kernel, else not.",
        parts=(Computed(even_writing, by="arithmetic.coverage"),),
        link="there-and-back",
        note="Of how often pixels are written, away from the border. With what weights is another question.",
    ),
    Claim(
        id="L-24",
        source="dumoulin2016guide",
        statement="The size behind a transposed convolution is that before the convolution, if the remainder "
        "is added.",
        parts=(Computed(transposed_formula, by="arithmetic.transposed_output_size"),),
        link="there-and-back",
    ),
    Claim(
        id="L-25",
        source=_D2L,
        statement="Padding lets all pixels be used equally often.",
        parts=(Computed(equally_often, by="arithmetic.coverage"),),
        link="padding",
        note="Right of padding that wraps around, and of full padding, which makes the map larger. The "
        "chapter has zeros that keep the size in mind. Along one axis, for a kernel of 3.",
    ),
    Claim(
        id="L-26",
        source=_D2L,
        statement="Padding 1 in one framework and same in another are one example, at stride 2.",
        parts=(Computed(one_example_in_two_frameworks, by="arithmetic.window_starts"),),
        link="padding",
        note="The tabs of a chapter for several frameworks show them side by side; our reading of that.",
    ),
    Claim(
        id="L-27",
        source=_D2L,
        statement="A transposed convolution with the settings of a convolution gives back the shape.",
        parts=(Computed(back_to_the_same_shape, by="arithmetic.transposed_output_size"),),
        link="there-and-back",
        note="Right where the stride leaves no remainder.",
    ),
    Claim(
        id="L-28",
        source=_CS231N,
        statement="A stride that leaves a remainder is an invalid setting.",
        parts=(Computed(a_remainder_is_invalid, by="arithmetic and convolution"),),
        link="stride",
        note="Right as a warning: the last column is lost. Frameworks round down, and say nothing.",
    ),
    Claim(
        id="L-29",
        source=_CS231N,
        statement="Three layers of 3x3 see as much as one of 7x7, with fewer weights.",
        parts=(Computed(three_small_layers, by="arithmetic.receptive_field and arithmetic.parameters"),),
        link="receptive-field",
        note="At stride 1 and equal channels. The maps in between take memory, as the source says.",
    ),
    Claim(
        id="L-30",
        source=_DEEP_LEARNING,
        statement="Without padding each layer makes a map smaller by one less than its kernel.",
        parts=(Computed(shrinks_by_kernel_less_one, by="arithmetic.output_size"),),
        link="padding",
    ),
    Claim(
        id="L-31",
        source=_DEEP_LEARNING,
        statement="A strided convolution is a full one of which some values are computed, and costs less.",
        parts=(Computed(stride_is_leaving_out, by="convolution, in whole numbers"),),
        link="stride",
        note="Cost in products. The clock is another matter, see chapter 4.",
    ),
    Claim(
        id="L-32",
        source=_DEEP_LEARNING,
        statement="Convolution is equivariant to translation.",
        parts=(Computed(equivariance, by="convolution, in whole numbers"),),
        link="controls-downsampling",
        note="Right of the operation as mathematics has it, without end and stride. A layer has both.",
    ),
)
