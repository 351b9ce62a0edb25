"""The claims of `stride-guide`."""

from helpers.arithmetic import Layer, output_size, receptive_field, unused_padding
from helpers.sources import WORKED_5X5
from study.ledger.claim import Claim, Computed, Measured
from study.ledger.finding import A_TENTH, Finding, decided
from study.ledger.networks import anatomy_of, cost_of, published_convolutions, published_windows

_SOURCE = "stride-guide"
QUARTER = 0.25


def published_5x5() -> Finding:
    """G-01: the outputs that it prints."""
    slips = [slip for example in WORKED_5X5 for slip in example.slips]
    values = sum(example.output.size for example in WORKED_5X5)
    off = sorted({f"{slip.published - slip.value:+.2f}" for slip in slips})
    evidence = f"{values - len(slips)} of {values} values are right; the others are off by {', '.join(off)}"
    return decided({"every value": not slips}, evidence)


def field_of_a_filter() -> Finding:
    """G-02: pixels that one output of a 3x3 layer sees, and those that one of the next layer does."""
    own = {stride: receptive_field([Layer(3, stride)]).size for stride in (1, 2)}
    later = {stride: receptive_field([Layer(3, stride), Layer(3)]).size for stride in (1, 2)}
    evidence = (
        f"{own[1]} pixels at stride 1, {own[2]} at stride 2; after one layer more, {later[1]} and {later[2]}"
    )
    return decided({"the layer itself": own[2] > own[1]}, evidence)


def a_quarter() -> Finding:
    """G-03: outputs, hence MACs, at stride 2 as a share of those at stride 1."""
    shares = {}
    for size in (5, 28, 224):
        full, strided = (output_size(size, kernel_size=3, stride=stride) ** 2 for stride in (1, 2))
        shares[f"{size} pixels"] = strided / full
    conditions = {name: abs(share - QUARTER) <= A_TENTH * QUARTER for name, share in shares.items()}
    return decided(conditions, ", ".join(f"{name}: {share:.0%}" for name, share in shares.items()))


def first_layer_of_resnet() -> Finding:
    """G-04: the map of a 7x7 convolution with stride 2 and padding 3."""
    size = output_size(224, kernel_size=7, stride=2, padding=3)
    before, after = unused_padding(224, kernel_size=7, stride=2, padding=3)
    first = published_convolutions().query("model == 'resnet50' and order == 0").iloc[0]
    is_resnets = (first.kernel_size[0], first.step, first.padding[0]) == (7, 2, 3)
    evidence = f"224 to {size}; rows of padding that no window reads: {before} above, {after} below"
    return decided({"size": size == 112, "settings of ResNet": is_resnets}, evidence)


def half_the_kernel() -> Finding:
    """G-05: whether padding by (F - 1) / 2 keeps the size."""
    sizes = {}
    for kernel_size, stride in ((3, 1), (5, 1), (4, 1), (3, 2)):
        name = f"kernel {kernel_size}, stride {stride}"
        padding = (kernel_size - 1) // 2
        sizes[name] = output_size(28, kernel_size=kernel_size, stride=stride, padding=padding)
    evidence = "; ".join(f"{name}: 28 to {size}" for name, size in sizes.items())
    return decided({name: size == 28 for name, size in sizes.items()}, evidence)


def strides_for_poolings() -> Finding:
    """G-06, first half: how many published networks come down by strides more often than by poolings."""
    windows = published_windows()
    halving = windows[windows.step > 1]
    counts = halving.groupby(["model", "type"]).size().unstack(fill_value=0)
    by_stride, networks = int((counts.convolution > counts.pooling).sum()), windows.model.nunique()
    never = int((counts.pooling == 0).sum())
    evidence = (
        f"{by_stride} of {networks} networks have more strided convolutions than strided poolings, "
        f"{never} have no strided pooling"
    )
    return decided({"most networks": by_stride > networks / 2}, evidence)


def savings() -> Finding:
    """G-07: MACs and bytes of all maps, of networks that differ in stride."""
    conditions, texts = {}, []
    for strided, full in (("A", "B"), ("(2, same)", "(1, same)"), ("(2, valid)", "(1, valid)")):
        macs = [cost_of(name).macs for name in (strided, full)]
        kept = [int(anatomy_of(name).activation_bytes.sum()) for name in (strided, full)]
        conditions[f"{strided} against {full}"] = macs[0] < macs[1] and kept[0] < kept[1]
        texts.append(
            f"{strided} against {full}: {macs[0] / macs[1]:.0%} of the MACs, "
            f"{kept[0] / kept[1]:.0%} of the maps' memory"
        )
    return decided(conditions, "; ".join(texts))


def where_strides_sit() -> Finding:
    """G-08: strides of the first layers, and of the two halves of published networks."""
    found = published_convolutions()
    first = found[found.order == 0]
    count = found.groupby("model").order.transform("size")
    long = found[count > 4]  # a transformer has one convolution, which has no halves
    late = 2 * long.order // count[long.index] == 1
    early_share, late_share = (float((long[half].step > 1).mean()) for half in (~late, late))
    beginning = int((first.step == 1).sum())
    evidence = (
        f"networks that begin with stride 1: {beginning} of {len(first)}; strides above 1 in convolutions: "
        f"{early_share:.1%} in the first half of a network, {late_share:.1%} in the second"
    )
    conditions = {"early": beginning > len(first) / 2, "deeper": late_share > early_share}
    return decided(conditions, evidence)


GUIDE_CLAIMS = (
    Claim(
        id="G-01",
        source=_SOURCE,
        statement="The outputs that it prints for its 5x5 example are right.",
        parts=(Computed(published_5x5, by="sources.WORKED_5X5"),),
        link="worked-5x5",
        note="It calls them approximated. An error that is always the same is no rounding.",
    ),
    Claim(
        id="G-02",
        source=_SOURCE,
        statement="A 3x3 filter at stride 2 has a larger receptive field than at stride 1.",
        parts=(Computed(field_of_a_filter, by="arithmetic.receptive_field"),),
        link="receptive-field",
        note="Right of the layers behind it.",
    ),
    Claim(
        id="G-03",
        source=_SOURCE,
        statement="Stride 2 cuts the size of the output and the computation to roughly a quarter.",
        parts=(Computed(a_quarter, by="arithmetic.output_size, for its own image and two larger ones"),),
        link="stride",
        note="Right of maps that are not small; its own example is small.",
    ),
    Claim(
        id="G-04",
        source=_SOURCE,
        statement="The first layer of ResNet, 7x7 with stride 2 and padding 3, maps 224 x 224 pixels to "
        "112 x 112.",
        parts=(Computed(first_layer_of_resnet, by="arithmetic.output_size and anatomy.census"),),
        link="architectures",
    ),
    Claim(
        id="G-05",
        source=_SOURCE,
        statement="Same padding is half of what the kernel has beside its center, P = (F - 1) / 2.",
        parts=(Computed(half_the_kernel, by="arithmetic.output_size"),),
        link="padding",
        note="Right of odd kernels at stride 1. Of an even kernel it gives a fraction, here rounded down.",
    ),
    Claim(
        id="G-06",
        source=_SOURCE,
        statement="In modern networks a stride takes the place of pooling, as downsampling that is learned.",
        parts=(
            Computed(
                strides_for_poolings,
                by="anatomy.census of published networks, one of each family",
                about="practice",
            ),
            Measured(about="nothing is lost by it, as we ask and the source does not say"),
        ),
        link="controls-downsampling",
        note="Of the practice the source is right. What is learned are the weights; which positions are kept "
        "is fixed.",
    ),
    Claim(
        id="G-07",
        source=_SOURCE,
        statement="Larger strides save memory and computation.",
        parts=(Computed(savings, by="multiply-accumulates and the bytes of all maps, counted"),),
        link="receptive-field",
    ),
    Claim(
        id="G-08",
        source=_SOURCE,
        statement="Early layers use stride 1, and deeper ones stride 2.",
        parts=(Computed(where_strides_sit, by="anatomy.census of published networks, one of each family"),),
        link="architectures",
        note="Networks with more than four convolutions have halves. Right of VGG, if poolings count.",
    ),
)
