"""The claims of `stride-beyond-kernel` and of `strided-post`, which each work an example by hand."""

from scipy import signal

from helpers.arithmetic import Layer, coverage, output_size, receptive_field, unread, window_starts
from helpers.sources import WORKED_4X4, WORKED_7X7
from study.ledger.claim import Claim, Computed
from study.ledger.finding import A_TENTH, Finding, decided

_BEYOND, _POST = "stride-beyond-kernel", "strided-post"


def gaps() -> Finding:
    """B-01: pixels that no window reads where the stride is larger than the kernel."""
    example = WORKED_4X4[1]
    missed = int((example.reads == 0).sum())
    wider = {stride: len(unread(28, kernel_size=3, stride=stride)) for stride in range(4, 9)}
    listed = ", ".join(f"{stride}: {count}" for stride, count in wider.items())
    evidence = f"its example: {missed} of {example.reads.size} pixels; of 28 rows, by stride: {listed}"
    return decided({"its example": missed > 0, "strides 4 to 8": all(wider.values())}, evidence)


def third_example() -> Finding:
    """B-02: its call of SciPy, made."""
    example = WORKED_4X4[2]
    try:
        signal.convolve2d(example.image, example.kernel, mode="same", strides=(example.stride,) * 2)
    except TypeError as error:
        meant = ", ".join(f"{value:g}" for value in example.output.flat)
        return decided({"runs": False}, f"{type(error).__name__}: {error}; what was meant gives {meant}")
    return decided({"runs": True}, "it runs")


def stride_stays() -> Finding:
    """B-03: windows that see the image when padding brings the size back."""
    starts = window_starts(28, kernel_size=3, stride=2, padding=15)
    seeing = [start for start in starts if -3 < start < 28]
    evidence = f"28 pixels, 15 zeros on each side: {len(starts)} outputs, {len(seeing)} see the image"
    return decided({"as many outputs": len(starts) == 28, "fewer that see": len(seeing) < 28}, evidence)


def similar_size() -> Finding:
    """B-04: what stride 1 without padding leaves of the size."""
    sizes = {size: output_size(size, kernel_size=3) for size in (4, 28)}
    conditions = {f"{size} pixels": 1 - left / size < A_TENTH for size, left in sizes.items()}
    return decided(conditions, ", ".join(f"{size} to {left}" for size, left in sizes.items()))


def sparser_fields() -> Finding:
    """B-05: how many pixels of its receptive field an output reads, and of the field of the next layer."""
    layer, after = Layer(3, stride=4), Layer(3)
    read, span = layer.kernel_size, receptive_field([layer]).size
    wide = receptive_field([layer, after]).size
    starts = window_starts(wide, kernel_size=layer.kernel_size, stride=layer.stride)
    next_read = len({start + tap for start in starts for tap in range(layer.kernel_size)})
    evidence = f"stride 4, kernel 3: {read} of {span} pixels; one layer later, {next_read} of {wide}"
    return decided({"the layer itself": read < span}, evidence)


def cut_off() -> Finding:
    """B-06: its formula, where the kernel fits and where it does not."""
    fits = all(
        _formula(size, kernel_size, stride) == output_size(size, kernel_size=kernel_size, stride=stride)
        for kernel_size in range(1, 8)
        for size in range(kernel_size, 30)
        for stride in range(1, 9)
    )
    refused = _refused(2, kernel_size=3, stride=2)
    invented = _formula(2, 3, 2)
    agrees = refused == (invented == 0)
    evidence = f"outputs of 2 pixels, kernel 3, stride 2: {invented} by the formula, where no window fits"
    return decided({"the kernel fits": fits, "the kernel is larger than the input": agrees}, evidence)


def published_7x7() -> Finding:
    """P-01: the outputs that it prints."""
    slips = WORKED_7X7.slips
    values = WORKED_7X7.output.size
    wrong = ", ".join(f"{slip.published:g} should be {slip.value:g}" for slip in slips)
    return decided({"every value": not slips}, f"{values - len(slips)} of {values} values are right; {wrong}")


def needs_the_floor() -> Finding:
    """P-02: its formula, where the division leaves a remainder and where it does not."""
    results = {size: (size - 3) / 2 + 1 for size in (7, 28)}
    conditions = {
        f"{size} pixels": result == output_size(size, kernel_size=3, stride=2)
        for size, result in results.items()
    }
    evidence = "; ".join(
        f"{size} pixels: {result:g}, in truth {output_size(size, kernel_size=3, stride=2)}"
        for size, result in results.items()
    )
    return decided(conditions, evidence)


def every_pixel() -> Finding:
    """P-03: how often stride 1 reads each pixel of its 7x7 image."""
    reads = coverage(7, kernel_size=3)
    evidence = f"a corner {min(reads) ** 2} time, the center {max(reads) ** 2} times"
    return decided({"every pixel": min(reads) > 0}, evidence)


def _formula(size: int, kernel_size: int, stride: int) -> int:
    return int((size - kernel_size) / stride) + 1


def _refused(size: int, *, kernel_size: int, stride: int) -> bool:
    try:
        output_size(size, kernel_size=kernel_size, stride=stride)
    except ValueError:
        return True
    return False


WORKED_EXAMPLE_CLAIMS = (
    Claim(
        id="B-01",
        source=_BEYOND,
        statement="A stride larger than the kernel leaves pixels unread.",
        parts=(Computed(gaps, by="arithmetic.unread and sources.WORKED_4X4"),),
        link="the-gaps",
    ),
    Claim(
        id="B-02",
        source=_BEYOND,
        statement="Its third example, stride 2 with one pixel of padding, runs as printed.",
        parts=(Computed(third_example, by="calling scipy.signal.convolve2d"),),
        link="errata",
        note="Its first two examples run, and are right.",
    ),
    Claim(
        id="B-03",
        source=_BEYOND,
        statement="Padding does not undo the downsampling of a large stride.",
        parts=(Computed(stride_stays, by="arithmetic.window_starts"),),
        link="padding",
    ),
    Claim(
        id="B-04",
        source=_BEYOND,
        statement="Stride 1 keeps a similar size.",
        parts=(Computed(similar_size, by="arithmetic.output_size, for its own image and MNIST's"),),
        link="worked-4x4",
        note="Right of a small kernel on a large image.",
    ),
    Claim(
        id="B-05",
        source=_BEYOND,
        statement="With a stride larger than the kernel, each output samples its receptive field "
        "more sparsely.",
        parts=(Computed(sparser_fields, by="arithmetic.receptive_field and window_starts"),),
        link="receptive-field",
        note="Each field is dense, and the gaps lie between the fields. Right of the layers behind it.",
    ),
    Claim(
        id="B-06",
        source=_BEYOND,
        statement="The size of the output is int((n - k) / s) + 1.",
        parts=(Computed(cut_off, by="arithmetic.output_size"),),
        link="worked-4x4",
        note="Right wherever there is an output, as in all of its examples.",
    ),
    Claim(
        id="P-01",
        source=_POST,
        statement="The nine outputs that it prints for its 7x7 example are right.",
        parts=(Computed(published_7x7, by="sources.WORKED_7X7"),),
        link="worked-7x7",
        note="It prints neither image nor filter. Taken are those of the lecture whose outputs these are.",
    ),
    Claim(
        id="P-02",
        source=_POST,
        statement="The size of the output is (N + 2P - F) / S + 1.",
        parts=(Computed(needs_the_floor, by="arithmetic.output_size"),),
        link="stride",
        note="Right where the division leaves no remainder, as in its example.",
    ),
    Claim(
        id="P-03",
        source=_POST,
        statement="With stride 1, every pixel is considered.",
        parts=(Computed(every_pixel, by="arithmetic.coverage"),),
        link="stride",
        note="Considered, but not equally often.",
    ),
)
