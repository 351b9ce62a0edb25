"""The claims of `stride-padding-mnist` about same padding, and about the networks that others use."""

import pandas as pd

from helpers.arithmetic import output_size, resolve_padding
from helpers.models import IMAGE_SIZE
from study.ledger.claim import Claim, Computed, Measured
from study.ledger.finding import A_TENTH, Finding, decided
from study.ledger.networks import published_convolutions

_SOURCE = "stride-padding-mnist"
NAMED = {"VGG": "vgg16", "ResNet": "resnet50", "EfficientNet": "efficientnet_b0"}
DEEP = 100  # layers


def default_of_three() -> Finding:
    """M-11: how many of the windows wider than 1x1 have stride 1 and same padding, in the networks named."""
    found = published_convolutions()
    wide = found[found.padding_kind != "1x1"]
    shares = {title: float(_is_usual(wide[wide.model == name]).mean()) for title, name in NAMED.items()}
    evidence = ", ".join(f"{title}: {share:.0%}" for title, share in shares.items())
    return decided({title: share > 0.5 for title, share in shares.items()}, evidence)


def symmetric_pads() -> Finding:
    """M-12: the pads before and after, for the kernel and strides of the source, and for an even kernel."""
    pads = {
        (kernel_size, stride): resolve_padding(
            IMAGE_SIZE, kernel_size=kernel_size, stride=stride, padding="same"
        )
        for kernel_size, stride in ((3, 1), (3, 2), (2, 1))
    }
    names = {key: f"kernel {key[0]}, stride {key[1]}" for key in pads}
    evidence = "; ".join(f"{names[key]}: {pair[0]} before, {pair[1]} after" for key, pair in pads.items())
    return decided({names[key]: before == after for key, (before, after) in pads.items()}, evidence)


def size_kept() -> Finding:
    """M-13: the width of a map with same padding."""
    sizes = {
        stride: output_size(IMAGE_SIZE, kernel_size=3, stride=stride, padding="same") for stride in (1, 2)
    }
    evidence = ", ".join(f"stride {stride}: {IMAGE_SIZE} to {size}" for stride, size in sizes.items())
    return decided({f"stride {stride}": size == IMAGE_SIZE for stride, size in sizes.items()}, evidence)


def strided_without_padding() -> Finding:
    """M-14: convolutions of stride 2 whose windows overlap and that have no padding."""
    found = published_convolutions()
    rare = found[(found.padding_kind == "valid") & (found.step == 2)]
    evidence = (
        f"{len(rare)} of {len(found):,} convolutions, "
        f"in {rare.model.nunique()} of {found.model.nunique()} networks"
    )
    return decided({"convolutions": len(rare) / len(found) < A_TENTH}, evidence)


def depth_until_nothing_is_left() -> Finding:
    """M-16: how many 3x3 layers an image of MNIST lasts, without padding and with."""
    left = IMAGE_SIZE
    layers = 0
    while left >= 3:
        left, layers = output_size(left, kernel_size=3), layers + 1
    kept = IMAGE_SIZE
    for _ in range(DEEP):
        kept = output_size(kept, kernel_size=3, padding="same")
    evidence = f"valid: {layers} layers leave {left} of {IMAGE_SIZE} pixels; same: {DEEP} layers leave {kept}"
    return decided({"valid shrinks away": layers < DEEP, "same does not": kept == IMAGE_SIZE}, evidence)


def early_layers() -> Finding:
    """M-18: how many published networks begin with stride 1 and same padding."""
    found = published_convolutions()
    first = found[found.order == 0].set_index("model")
    usual = _is_usual(first)
    named = ", ".join(f"{title} begins with stride {first.step[name]}" for title, name in NAMED.items())
    evidence = f"{named}; networks that begin with stride 1 and same padding: {usual.sum()} of {len(first)}"
    return decided({"most networks": bool(usual.mean() > 0.5)}, evidence)


def shapes_of_a_residual() -> Finding:
    """M-21, first half: whether a map and what a layer makes of it can be added."""
    same, valid = (output_size(IMAGE_SIZE, kernel_size=3, padding=padding) for padding in ("same", "valid"))
    evidence = f"{IMAGE_SIZE} + {same} with same padding, {IMAGE_SIZE} + {valid} without"
    return decided({"same fits": same == IMAGE_SIZE, "valid does not": valid != IMAGE_SIZE}, evidence)


def _is_usual(windows: pd.DataFrame) -> "pd.Series[bool]":
    """Which windows have stride 1 and padding that keeps the size."""
    return (windows.padding_kind == "same") & (windows.step == 1)


_CENSUS = "anatomy.census of published networks, one of each family"

SAME_PADDING_CLAIMS = (
    Claim(
        id="M-11",
        source=_SOURCE,
        statement="Stride 1 with same padding is the default of VGG, ResNet and EfficientNet.",
        parts=(Computed(default_of_three, by=_CENSUS),),
        link="architectures",
        note="Counted are windows wider than 1x1, since a 1x1 needs no padding.",
    ),
    Claim(
        id="M-12",
        source=_SOURCE,
        statement="Same padding makes a convolution symmetric.",
        parts=(Computed(symmetric_pads, by="arithmetic.resolve_padding, in the source's framework"),),
        link="padding",
        note="Right of odd kernels at stride 1. At stride 2, which the source uses too, an image of an even "
        "size gets its padding on one side only.",
    ),
    Claim(
        id="M-13",
        source=_SOURCE,
        statement="Same padding keeps the size of the map.",
        parts=(Computed(size_kept, by="arithmetic.output_size"),),
        link="padding",
        note="Right at stride 1, where the name comes from. The source's own table has the other size at "
        "stride 2.",
    ),
    Claim(
        id="M-14",
        source=_SOURCE,
        statement="Stride 2 with valid padding is rarely used in practice.",
        parts=(Computed(strided_without_padding, by=_CENSUS),),
        link="architectures",
        note="Patches and strided 1x1 convolutions are not counted: at the usual sizes same padding would "
        "give them none either.",
    ),
    Claim(
        id="M-16",
        source=_SOURCE,
        statement="Same padding is what lets a network go deep without its maps shrinking away.",
        parts=(Computed(depth_until_nothing_is_left, by="arithmetic.output_size, layer by layer"),),
        link="padding",
        note="At stride 1. The rest is up to the strides and poolings.",
    ),
    Claim(
        id="M-18",
        source=_SOURCE,
        statement="The best networks use stride 1 with same padding in their early layers.",
        parts=(Computed(early_layers, by=_CENSUS),),
        link="architectures",
        note="Right of VGG, one of the three that the source names. The first convolution counts.",
    ),
    Claim(
        id="M-21",
        source=_SOURCE,
        statement="Same padding helps the flow of gradients, and residual connections.",
        parts=(
            Computed(shapes_of_a_residual, by="arithmetic.output_size", about="residual connections"),
            Measured(about="gradients"),
        ),
        link="controls-depth",
        note="Gradients: ten convolutions, before training. Shapes: at stride 1; where a stride changes the "
        "size, same padding does not save the sum.",
    ),
)
