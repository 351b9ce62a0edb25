"""What highly voted answers and long threads claim of stride and padding."""

from itertools import pairwise

import numpy as np

from helpers.arithmetic import Layer, coverage, output_size, resolve_padding, trace, unread
from study.ledger.claim import Claim, Computed
from study.ledger.finding import Finding, decided

_HALVINGS = (Layer(3, 2, 1),) * 5


def mean_of(width: int) -> tuple[float, float]:
    """A moving average of `width` pixels: its shift in pixels, and the share of aliasing that it leaves.

    The share is its power response, averaged over the frequencies that alias at stride 2.
    """
    above = np.linspace(np.pi / 2, np.pi, 1001)
    places = np.arange(width) - width // 2
    response = np.abs(np.exp(-1j * np.outer(above, places)).mean(axis=1))
    return abs(float(places.mean())), float(np.mean(response**2))


def even_kernels() -> Finding:
    """L-33: how far moving averages of 2 to 5 pixels shift an image, and how much aliasing they leave."""
    means = {width: mean_of(width) for width in (2, 3, 4, 5)}
    moved = {width: each[0] for width, each in means.items()}
    aliased = {width: each[1] for width, each in means.items()}
    conditions = {
        "half a pixel off": moved[2] == moved[4] == 0.5 and moved[3] == moved[5] == 0,
        "2 aliases more than 3": aliased[2] > aliased[3],
        "4 aliases more than 3": aliased[4] > aliased[3],
    }
    evidence = "; ".join(
        f"a mean of {width}: {moved[width]:g} pixels off, {aliased[width]:.1%} of what aliases is left"
        for width in moved
    )
    return decided(conditions, evidence)


def all_pixels_have_a_part() -> Finding:
    """L-34: which pixels strided windows read, and how many output values there are."""
    conditions, texts = {}, []
    for kernel_size in (1, 2, 3):
        read = 28 - len(unread(28, kernel_size=kernel_size, stride=2, padding=(kernel_size - 1) // 2))
        conditions[f"kernel {kernel_size} reads all"] = read == 28
        texts.append(f"kernel {kernel_size}: {read**2} of {28**2} pixels")
    made = output_size(28, kernel_size=3, stride=2, padding=1)
    conditions["as many numbers as pixels, of one filter"] = made == 28
    texts.append(f"{made**2} numbers are left of {28**2}, by a stride and by a pooling alike")
    return decided(conditions, "; ".join(texts))


def where_the_odd_pixel_goes() -> Finding:
    """L-35: the sides of SAME, and the pixels that VALID leaves out."""
    sides, dropped, tried = True, True, 0
    for size in range(5, 40):
        for kernel_size, stride in ((2, 1), (3, 1), (3, 2), (5, 2), (4, 3)):
            before, after = resolve_padding(size, kernel_size=kernel_size, stride=stride, padding="same")
            sides &= after - before in (0, 1)
            left = unread(size, kernel_size=kernel_size, stride=stride)
            dropped &= left == tuple(range(size - len(left), size))
            tried += 1
    return decided(
        {"SAME: the odd one comes after": sides, "VALID: the last ones are left out": dropped},
        f"so in {tried} settings of size, kernel and stride",
    )


def multiples_of_32() -> Finding:
    """L-36: which sizes five halvings can take, and which of them come back to fit their skip connections."""
    sizes = range(33, 225)
    runs = [size for size in sizes if trace(size, _HALVINGS)[-1].size > 0]
    fits = [size for size in sizes if _comes_back(size)]
    multiples = [size for size in sizes if size % 32 == 0]
    evidence = (
        f"of {len(sizes)} sizes from {sizes[0]} to {sizes[-1]}, {len(runs)} run, and {len(fits)} come back "
        f"level by level by doubling; {len(multiples)} are multiples of 32"
    )
    conditions = {"to run at all": runs == multiples, "to fit skip connections": fits == multiples}
    return decided(conditions, evidence)


def most_is_thrown_away() -> Finding:
    """L-37: how many pixels a 1x1 convolution with stride 2 reads."""
    shares = {}
    for size in (14, 28, 56):
        read = sum(count > 0 for count in coverage(size, kernel_size=1, stride=2)) ** 2
        shares[f"{size} pixels"] = read / size**2
    evidence = "; ".join(f"{name}: {share:.0%} are read" for name, share in shares.items())
    return decided({name: share == 0.25 for name, share in shares.items()}, evidence)


def _comes_back(size: int) -> bool:
    """Whether doubling the map of each level gives the size of the level above."""
    sizes = [size, *(row.size for row in trace(size, _HALVINGS))]
    return all(2 * below == above for above, below in pairwise(sizes))


ANSWER_CLAIMS = (
    Claim(
        id="L-33",
        source="even-kernels",
        statement="Even kernels are avoided because they cause aliasing errors.",
        parts=(Computed(even_kernels, by="the frequency response of four means"),),
        link="controls-literature",
        note="Right is that an even kernel has no center, so that its map lies half a pixel off. Aliasing "
        "comes of a stride, and of narrow kernels, even or odd. Learned kernels are not covered.",
    ),
    Claim(
        id="L-34",
        source="stride-or-pooling",
        statement="A strided convolution keeps information from all pixels, and pooling one of each window.",
        parts=(Computed(all_pixels_have_a_part, by="arithmetic.unread"),),
        link="controls-downsampling",
        note="Right in that each pixel can have a part, if the kernel is as wide as the stride. Fewer "
        "numbers than pixels cannot keep all. Which of the two is more accurate, L-06 and L-07 ask.",
    ),
    Claim(
        id="L-35",
        source="same-and-valid",
        statement="SAME puts the odd pixel of padding at the end, and VALID leaves out the last pixels.",
        parts=(Computed(where_the_odd_pixel_goes, by="arithmetic.resolve_padding and arithmetic.unread"),),
        link="padding",
        note="Of TensorFlow, and of strides up to the kernel. PyTorch and ONNX have rules of their own.",
    ),
    Claim(
        id="L-36",
        source="multiple-of-32",
        statement="With five halvings the size of an image must be a multiple of 32.",
        parts=(Computed(multiples_of_32, by="arithmetic.trace"),),
        link="there-and-back",
        note="Right where maps come back up and meet those from the way down. A classifier takes any size. "
        "Of 3x3 layers with stride 2 and padding 1.",
    ),
    Claim(
        id="L-37",
        source="strided-1x1",
        statement="A 1x1 convolution with stride 2 throws three quarters of its input away.",
        parts=(Computed(most_is_thrown_away, by="arithmetic.coverage"),),
        link="architectures",
        note="Of even sizes. What that costs in accuracy is not covered.",
    ),
)
