"""The claims of `stride-padding-mnist` about its own four networks; `same_padding` has its others."""

import numpy as np

from helpers.arithmetic import output_size, unread
from helpers.convolution import convolve2d
from helpers.data import DataUnavailable, load
from helpers.models import IMAGE_SIZE
from helpers.sources import MNIST_CONV1_SIZES
from study.ledger.claim import Claim, Computed, Measured
from study.ledger.finding import A_TENTH, Finding, decided, without_images
from study.ledger.networks import SETTINGS, cost_of, fastest_epoch, field_of, pixels_read

_SOURCE = "stride-padding-mnist"
SAVING = 0.75  # of the computation, says M-06
INK_OFTEN_IN = "0569"  # digits that M-08 names


def conv1_sizes() -> Finding:
    """M-05: the widths of the first convolution's maps."""
    sizes = [output_size(IMAGE_SIZE, kernel_size=3, stride=s, padding=p) for s, p in SETTINGS.values()]
    printed = list(MNIST_CONV1_SIZES.values())
    conditions = {name: size == says for name, size, says in zip(SETTINGS, sizes, printed, strict=True)}
    return decided(conditions, ", ".join(map(str, sizes)))


def saving_of_stride() -> Finding:
    """M-06: what stride 2 saves of one layer's and of the network's MACs."""
    saved = {"conv1": 1 - _conv1_cells("(2, same)") / _conv1_cells("(1, same)")}
    for padding in ("same", "valid"):
        less = cost_of(f"(2, {padding})").macs / cost_of(f"(1, {padding})").macs
        saved[f"network, {padding}"] = 1 - less
    conditions = {name: abs(share - SAVING) <= A_TENTH * SAVING for name, share in saved.items()}
    seconds = 1 - fastest_epoch("(2, same)") / fastest_epoch("(1, same)")
    return decided(conditions, f"{_shares(saved)}; of the fastest recorded epoch, same: {seconds:.0%}")


def cost_of_padding() -> Finding:
    """M-07: what leaving the padding out saves of one layer's and of the network's MACs."""
    saved = {"conv1": 1 - _conv1_cells("(1, valid)") / _conv1_cells("(1, same)")}
    for stride in (1, 2):
        less = cost_of(f"({stride}, valid)").macs / cost_of(f"({stride}, same)").macs
        saved[f"network, stride {stride}"] = 1 - less
    conditions = {name: share < A_TENTH for name, share in saved.items()}
    seconds = 1 - fastest_epoch("(1, valid)") / fastest_epoch("(1, same)")
    return decided(conditions, f"{_shares(saved)}; of the fastest recorded epoch, stride 1: {seconds:.0%}")


def ink_of_the_border() -> Finding:
    """M-08, first half: how many images have ink in the outermost ring."""
    try:
        train = load("mnist", split="train", download=False)
    except DataUnavailable:
        return without_images("mnist")
    ring = train.images.clone()
    ring[:, 1:-1, 1:-1] = 0
    inked = ring.flatten(1).amax(dim=1) > 0
    digits = np.bincount(train.labels[inked].numpy(), minlength=10)
    named = int(digits[[int(digit) for digit in INK_OFTEN_IN]].sum())
    ink = ring.sum().item() / train.images.sum().item()
    share = inked.double().mean().item()
    left_out = len(unread(IMAGE_SIZE, kernel_size=3))
    evidence = (
        f"the outermost ring holds {ink:.2%} of the ink; {share:.1%} of the images have any there, "
        f"{named} of these {digits.sum()} are a {', '.join(INK_OFTEN_IN)}; "
        f"{digits.max()} are a {digits.argmax()}; "
        f"rows that one valid layer of stride 1 leaves unread: {left_out}"
    )
    return decided({"a tenth of the images": share >= A_TENTH}, evidence)


def work_of_an_answer() -> Finding:
    """M-15, second half: MACs of one image."""
    needed = {name: cost_of(name).macs for name in SETTINGS}
    conditions = {
        padding: needed[f"(2, {padding})"] < needed[f"(1, {padding})"] for padding in ("same", "valid")
    }
    counts = ", ".join(f"{name} {macs:,}" for name, macs in needed.items())
    return decided(conditions, f"{counts} MACs an image")


def what_else_differs() -> Finding:
    """M-19: whether parameters, MACs, receptive field and the pixels read are alike."""
    differing = {
        "parameters": [cost_of(name).parameters for name in SETTINGS],
        "MACs": [cost_of(name).macs for name in SETTINGS],
        "receptive field": [field_of(name) for name in SETTINGS],
        "pixels read": [pixels_read(name) for name in SETTINGS],
    }
    conditions = {f"{name} alike": len(set(values)) == 1 for name, values in differing.items()}
    texts = [f"{name} {' / '.join(f'{value:,}' for value in row)}" for name, row in differing.items()]
    return decided(conditions, "; ".join(texts))


def crop_and_subsample() -> Finding:
    """M-20: what valid padding and stride 2 leave of the map of (1, same), with the same weights."""
    random = np.random.default_rng(0)
    image, kernel = random.integers(-9, 10, (IMAGE_SIZE, IMAGE_SIZE)), random.integers(-9, 10, (3, 3))
    full = convolve2d(image, kernel, padding="same")
    cropped = convolve2d(image, kernel)
    strided = convolve2d(image, kernel, stride=2, padding="same")
    conditions = {
        "valid crops": bool(np.array_equal(cropped, full[1:-1, 1:-1])),
        "stride 2 subsamples": bool(np.array_equal(strided, full[1::2, 1::2])),
    }
    kept = f"{cropped.size} and {strided.size} of {full.size} values, each unchanged"
    return decided(conditions, kept)


def _conv1_cells(setting: str) -> int:
    stride, padding = SETTINGS[setting]
    return output_size(IMAGE_SIZE, kernel_size=3, stride=stride, padding=padding) ** 2


def _shares(saved: dict[str, float]) -> str:
    return ", ".join(f"{name}: {share:.0%}" for name, share in saved.items())


MNIST_CLAIMS = (
    Claim(
        id="M-01",
        source=_SOURCE,
        statement="Stride 1 with same padding reaches the highest accuracy of the four settings on MNIST.",
        link="mnist",
        note="One run of three epochs each. Its article says so; its notebook logs (1, valid) ahead.",
    ),
    Claim(
        id="M-02",
        source=_SOURCE,
        statement="Stride 1 with valid padding is slightly less accurate than with same padding, because "
        "strokes at the border are lost.",
        link="mnist",
        note="The rule judges the order. The reason that is given is what Q-05 asks.",
    ),
    Claim(
        id="M-03",
        source=_SOURCE,
        statement="Stride 2 with same padding is less accurate than both settings of stride 1.",
        link="mnist",
        note="The conditions are the other setting of stride 1, and PyTorch's reading of same padding.",
    ),
    Claim(
        id="M-04",
        source=_SOURCE,
        statement="Stride 2 with valid padding is the least accurate, because downsampling and the loss of "
        "the border add up.",
        link="mnist",
        note="The rule judges the place. As to the reason: its last map is a single unit, and the network "
        "never reads the last rows and columns of the image. Q-01 and Q-02 take these apart.",
    ),
    Claim(
        id="M-05",
        source=_SOURCE,
        statement="The maps of the first convolution are 28, 26, 14 and 13 pixels wide.",
        parts=(Computed(conv1_sizes, by="arithmetic.output_size"),),
        link="mnist",
    ),
    Claim(
        id="M-06",
        source=_SOURCE,
        statement="Stride 2 saves three quarters of the computation.",
        parts=(
            Computed(
                saving_of_stride, by="multiply-accumulates, counted; recorded seconds stand beside them"
            ),
        ),
        link="receptive-field",
        note="Right of a single layer. Its stride applies to two layers, and the dense layer behind them "
        "gets a smaller map too, so the network saves more. An epoch saves less, and what it saves depends "
        "on the machine.",
    ),
    Claim(
        id="M-07",
        source=_SOURCE,
        statement="Padding hardly changes the computation.",
        parts=(
            Computed(cost_of_padding, by="multiply-accumulates, counted; recorded seconds stand beside them"),
        ),
        link="receptive-field",
        note="The share is larger the smaller the map. On maps of a hundred pixels and more the claim would "
        "be right of a layer.",
    ),
    Claim(
        id="M-08",
        source=_SOURCE,
        statement="Pixels at the border of MNIST often hold parts of the digits 0, 5, 6 and 9, so that "
        "removing them hurts.",
        parts=(
            Computed(ink_of_the_border, by="a count over the training images", about="ink at the border"),
            Measured(about="removing it hurts"),
        ),
        link="controls-border",
        note="Right of images that fill the frame. MNIST's digits are centered in a blank margin. Leaving "
        "the padding out removes no pixel: one layer of stride 1 still reads every one.",
    ),
    Claim(
        id="M-09",
        source=_SOURCE,
        statement="Networks of stride 2 underfit, and stop improving early.",
        parts=(Measured(about="they fit their training images less well, the first 10,000 of them"),),
        link="controls-long",
        note="The verdict is on the first half alone: after fifteen epochs, at a high level, by less than "
        "the margin in its estimate. That they stop improving early, no rule judges, and the curves "
        "contradict it: from the third epoch on, stride 2 gains more.",
    ),
    Claim(
        id="M-10",
        source=_SOURCE,
        statement="More epochs would not change the ranking of the four settings.",
        link="controls-long",
        note="The rule follows the source's own ranking, at fifteen epochs; the conditions are its other "
        "neighbors. Right of those that differ: the first two are not told apart, after three epochs or "
        "after fifteen.",
    ),
    Claim(
        id="M-15",
        source=_SOURCE,
        statement="Networks of stride 2 train and answer faster.",
        parts=(
            Measured(about="training"),
            Computed(work_of_an_answer, by="multiply-accumulates of an image, counted", about="answering"),
        ),
        link="controls-size",
        note="Seconds are those of two cores. How far they are from the ratio of the counts, the chapter "
        "shows. Answering is judged by the counts alone: no seconds of an answer are recorded. Chapter 4 "
        "puts a clock beside the counts.",
    ),
    Claim(
        id="M-17",
        source=_SOURCE,
        statement="Same padding avoids artifacts at the edge.",
        link="controls-pixels",
        note="The rule compares how much the last convolution answers otherwise along the border than in "
        "the center of a white image, which no network was trained on. Without padding that is zero by "
        "construction. Where valid padding cuts off what "
        "lies at the edge, same padding keeps it: of that the source is right.",
    ),
    Claim(
        id="M-19",
        source=_SOURCE,
        statement="Stride and padding are the only variables between the four networks.",
        parts=(Computed(what_else_differs, by="arithmetic of the networks and their cost"),),
        link="mnist",
        note="In the code they are. What follows from them is not held equal.",
    ),
    Claim(
        id="M-20",
        source=_SOURCE,
        statement="Valid padding cuts the shapes in a map, and stride 2 makes the map blocky.",
        parts=(Computed(crop_and_subsample, by="convolution.convolve2d, with one kernel for all"),),
        link="mnist",
        note="Taken as what is seen: the map loses its outermost ring, and three of four values. No value "
        "that is left is another.",
    ),
)
