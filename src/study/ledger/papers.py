"""What papers claim of stride and padding, and what everybody repeats of stems."""

from functools import partial

import torch
import torch.nn.functional as F

from study.experiments.catalog import find
from study.experiments.runs import untrained
from study.ledger.claim import Claim, Computed
from study.ledger.finding import Finding, decided

_SHIFTS = 8  # of a map that is halved twice, every fourth shift is a shift of the last map


def space_to_depth_is_a_stride() -> Finding:
    """L-01: whether space-to-depth and a 3x3 convolution give what no convolution with stride 2 gives."""
    generator = torch.Generator().manual_seed(0)
    whole = partial(torch.randint, -9, 10, generator=generator, dtype=torch.float64)
    kernel = whole((4, 8, 3, 3))  # of two channels, each in four phases
    differ, outputs = {}, 0
    for size in (8, 12, 28):
        image = whole((1, 2, size, size))
        proposed = F.conv2d(F.pixel_unshuffle(image, 2), kernel, padding=1)
        strided = F.conv2d(image, F.pixel_shuffle(kernel, 2), stride=2, padding=2)  # 6x6
        differ[f"{size} pixels"] = not torch.equal(proposed, strided)
        outputs += proposed.numel()
    found = "other than" if any(differ.values()) else "all equal to"
    evidence = (
        f"{outputs} outputs on {', '.join(differ)}: {found} those of a 6x6 convolution with stride 2 "
        "and padding 2, whose kernel holds the same numbers"
    )
    return decided(differ, evidence)


def polyphase_before_training() -> Finding:
    """L-13: the largest change in the logits of an untrained network, over shifts that wrap around."""
    image = torch.rand((28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    moved = [image.roll((down, right), (0, 1)) for down in range(_SHIFTS) for right in range(_SHIFTS)]
    images = torch.stack(moved).unsqueeze(1)
    changes = {}
    for name in ("polyphase", "stride"):
        model = untrained(find("small-shifts").variant(name), 0).double().eval()
        with torch.inference_mode():
            logits = model(images)  # (shifts, classes)
        changes[name] = ((logits - logits[0]).abs().max() / logits[0].abs().max()).item()
    evidence = (
        f"{len(moved)} shifts move a logit by {changes['polyphase']:.0e} of the largest, "
        f"with a plain stride by {changes['stride']:.0%}"
    )
    return decided({"shifts that wrap around": changes["polyphase"] < 1e-9}, evidence)


_SPACE_TO_DEPTH = "sunkara2022no"
_ALL_CONVOLUTIONAL = "springenberg2015striving"
_SQUEEZENET = "iandola2016squeezenet"
_POLYPHASE = "chaman2021truly"
_STEM = "cifar-stem"

_SMALL = "Ours: a small network, the first 10,000 training images, three epochs."

PAPER_CLAIMS = (
    Claim(
        id="L-01",
        source=_SPACE_TO_DEPTH,
        statement="Space-to-depth and a convolution behind it do without strided convolutions.",
        parts=(Computed(space_to_depth_is_a_stride, by="torch, in whole numbers"),),
        link="literature-space-to-depth",
        note="Right of the code, which names no stride. As a function, blocks of 2x2 and a 3x3 kernel are "
        "one 6x6 kernel at stride 2. Other widths of kernel and block are not covered.",
    ),
    Claim(
        id="L-02",
        source=_SPACE_TO_DEPTH,
        statement="On small images space-to-depth is more accurate than a 3x3 convolution with stride 2.",
        link="literature-space-to-depth",
        note=f"Made for detectors and ResNets, on small objects and low resolution. {_SMALL} It has more "
        "weights than what it replaces.",
    ),
    Claim(
        id="L-03",
        source=_SPACE_TO_DEPTH,
        statement="Space-to-depth is more accurate than a strided convolution of as wide a kernel.",
        link="literature-space-to-depth",
        note="The control that the source lacks: the same function, written with a stride, differs in the "
        f"scale of its initial weights only. {_SMALL}",
    ),
    Claim(
        id="L-04",
        source=_SPACE_TO_DEPTH,
        statement="Space-to-depth is more accurate than strided 3x3 convolutions of as much computation.",
        link="literature-space-to-depth",
        note=f"Not asked by the source. The other network is wider and does six percent more. {_SMALL}",
    ),
    Claim(
        id="L-05",
        source=_SPACE_TO_DEPTH,
        statement="On handwritten digits too space-to-depth is more accurate than a stride in its place.",
        link="literature-space-to-depth",
        note=f"Our reading of the general statement, on easy images. {_SMALL}",
    ),
    Claim(
        id="L-06",
        source=_ALL_CONVOLUTIONAL,
        statement="A strided convolution of its own, in place of max-pooling, costs no accuracy.",
        link="literature-pooling",
        note="Made on CIFAR with nine layers. The source adds a layer, hence weights. The second number "
        f"compares with pooling behind as many layers. No difference that matters would be as claimed. "
        f"{_SMALL}",
    ),
    Claim(
        id="L-07",
        source=_ALL_CONVOLUTIONAL,
        statement="A stride in the convolution before, with the pooling left out, is less accurate.",
        link="literature-pooling",
        note=f"Read off the source's table, where it is half a point, from one run each. {_SMALL}",
    ),
    Claim(
        id="L-08",
        source=_SQUEEZENET,
        statement="A network that comes down later is more accurate, all else alike.",
        link="literature-stages",
        note="Its third rule of design; it cites others for it. Weights are alike here, computation is not. "
        f"{_SMALL}",
    ),
    Claim(
        id="L-09",
        source=_SQUEEZENET,
        statement="A network that comes down later is more accurate at the same computation.",
        link="literature-stages",
        note=f"What all else alike leaves open: those that come down early are made wider. {_SMALL}",
    ),
    Claim(
        id="L-10",
        source="liu2018partial",
        statement="Padding that is made up for by scaling is more accurate than zeros.",
        link="literature-padding",
        note=f"Made on ImageNet with VGG and ResNet, five runs each, and on segmentation. {_SMALL}",
    ),
    Claim(
        id="L-11",
        source="alsallakh2021mind",
        statement="Padding by the image's own pixels, in place of zeros, makes a network more accurate.",
        link="literature-padding",
        note="Made for several architectures and for small objects; mirrored padding is one of the remedies "
        f"there. The rule asks for reflection; copies and wrapping around stand beside it. {_SMALL}",
    ),
    Claim(
        id="L-12",
        source="islam2020how",
        statement="Zero padding tells a network where in the image it looks.",
        link="literature-padding",
        note="Made for VGG and ResNet, with a small network that reads their maps. Ours reads the last map "
        "linearly, and shows noise, since centered objects tell places apart by themselves.",
    ),
    Claim(
        id="L-13",
        source=_POLYPHASE,
        statement="With adaptive polyphase sampling a network is exactly indifferent to shifts before any "
        "training.",
        parts=(Computed(polyphase_before_training, by="torch, on an untrained network"),),
        link="literature-shifts",
        note="Of shifts that wrap around, with padding that does, and a mean over the last map. A shift that "
        "moves something in, or by half a pixel, is not covered.",
    ),
    Claim(
        id="L-14",
        source=_POLYPHASE,
        statement="Trained, polyphase sampling keeps more answers under shifts than a blur does.",
        link="literature-shifts",
        note="Made on CIFAR-10 and ImageNet. Ours moves digits by one to three pixels, black moved in.",
    ),
    Claim(
        id="L-15",
        source=_POLYPHASE,
        statement="Polyphase sampling costs no accuracy against a plain stride.",
        link="literature-shifts",
        note="No difference that matters would be as claimed. Ours: digits, a small network, six epochs.",
    ),
    Claim(
        id="L-16",
        source=_STEM,
        statement="On small images a stem of 3x3 at stride 1 is more accurate than one of 7x7 at stride 2 "
        "and a pooling.",
        link="literature-stem",
        note="Asked again and again of ResNet on CIFAR; one asker has 55 percent with the one and 70 with "
        "the other. Ours: three residual blocks without normalization, 28 pixels, twelve epochs of 10,000 "
        "images. The small stem computes ten times as much.",
    ),
    Claim(
        id="L-17",
        source=_STEM,
        statement="A stem of 3x3 at stride 1 is more accurate than that of ResNet at the same computation.",
        link="literature-stem",
        note="Nobody asks. The network with the large stem is made wider until both compute as much.",
    ),
    Claim(
        id="L-18",
        source="wang2025scaling",
        statement="The smaller the patches of the first layer, the more accurate the network.",
        link="literature-stages",
        note="Made for transformers on ImageNet, down to patches of one pixel. Ours: two residual blocks on "
        "patches of 7, 4, 2 and 1, six epochs of 10,000 images; computation grows as patches shrink.",
    ),
)
