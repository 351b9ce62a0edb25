"""The claims of `stride-bilstm`."""

import numpy as np

from helpers.data import DataUnavailable, load
from study.ledger.claim import Claim, Computed
from study.ledger.finding import Finding, decided, without_images
from study.ledger.networks import anatomy_of, cost_of, features_of

_SOURCE = "stride-bilstm"
_MODELS = ("A", "B", "C")


def rarer_classes() -> Finding:
    """F-09: images of each class."""
    try:
        splits = {split: load("fashion-mnist", split=split, download=False) for split in ("train", "test")}
    except DataUnavailable:
        return without_images("fashion-mnist")
    counts = {split: np.bincount(images.labels.numpy()) for split, images in splits.items()}
    evidence = ", ".join(
        f"{split}: {count.min():,} to {count.max():,} images a class" for split, count in counts.items()
    )
    return decided({f"{split} unbalanced": bool(np.ptp(count)) for split, count in counts.items()}, evidence)


def capacity() -> Finding:
    """F-10: parameters of A and B."""
    a, b = (cost_of(name).parameters for name in ("A", "B"))
    dense = {name: anatomy_of(name).set_index("name").parameters["fc1"] for name in ("A", "B")}
    evidence = f"A {a:,}, B {b:,}; of these the first dense layer has {dense['A']:,} and {dense['B']:,}"
    return decided({"parameters": b > a}, evidence)


def same_features() -> Finding:
    """F-14: what stands before the classifier or the LSTM."""
    found = {name: _features(name) for name in _MODELS}
    evidence = "; ".join(f"{name}: {text}" for name, text in found.items())
    return decided({f"as in {name}": found["C"] == found[name] for name in ("A", "B")}, evidence)


def complexity() -> Finding:
    """F-15: parameters and MACs of the three models."""
    costs = {name: cost_of(name) for name in _MODELS}
    conditions = {
        "parameters": costs["C"].parameters == max(each.parameters for each in costs.values()),
        "MACs": costs["C"].macs == max(each.macs for each in costs.values()),
    }
    evidence = "; ".join(
        f"{name}: {each.parameters:,} parameters, {each.macs:,} MACs" for name, each in costs.items()
    )
    return decided(conditions, evidence)


def _features(name: str) -> str:
    """Convolutions of a model, and the last map of its windows."""
    table = features_of(name)
    convolutions = table[table.type.str.startswith("Conv2d")]
    windows = table[table.kernel_size.notna()]
    shape = " x ".join(map(str, windows.output_shape.iloc[-1][1:]))
    settings = [
        f"stride {stride[0]}, padding {padding[0][0]}"
        for stride, padding in zip(convolutions.stride, convolutions.padding, strict=True)
    ]
    return f"{' and '.join(settings)}, to {shape}"


FASHION_CLAIMS = (
    Claim(
        id="F-01",
        source=_SOURCE,
        statement="Stride 1 is more accurate than stride 2 on Fashion-MNIST.",
        link="fashion-mnist",
        note="One run each, of eight epochs. Only the first stride differs in the code; parameters, "
        "receptive field and the pixels read differ with it.",
    ),
    Claim(
        id="F-02",
        source=_SOURCE,
        statement="The hybrid of convolution and BiLSTM is the least accurate of the three models.",
        link="fashion-mnist",
        note="Said of this hybrid, as it is built and trained here.",
    ),
    Claim(
        id="F-03",
        source=_SOURCE,
        statement="Stride 1 overfits more than stride 2.",
        link="fashion-mnist",
        note="The log of the source compares training accuracy with dropout against validation without, and "
        "can neither show nor exclude this. The rule compares both in evaluation mode, on the first 10,000 "
        "training images, after eight epochs as the source has them. After thirty, it is Q-20.",
    ),
    Claim(
        id="F-04",
        source=_SOURCE,
        statement="Stride 2 generalizes better than stride 1, often with a better test accuracy.",
        link="fashion-mnist",
        note="Contradicts F-01. A smaller gap between training and test images is F-03; the rule here judges "
        "test accuracy.",
    ),
    Claim(
        id="F-05",
        source=_SOURCE,
        statement="The hybrid overfits, and its validation is unstable.",
        link="fashion-mnist",
        note="The rule judges the gap between 10,000 training images and 10,000 test images, in evaluation "
        "mode, against A; both samples count as a source of chance. How unstable "
        "validation is, no rule judges; that of the hybrid does fall more from epoch to epoch than that of "
        "the other two, and there the source is right.",
    ),
    Claim(
        id="F-06",
        source=_SOURCE,
        statement="The hybrid loses accuracy because it treats patches of a map as a sequence.",
        link="controls-hybrids",
        note="The verdict is on the loss, not on the reason. The rule takes a dense head of equal size, "
        "behind one pooling more, in place of the LSTM, which loses in two of three such comparisons. The "
        "reason that is given speaks of any sequence. Read in rows, a sequence too, the map shows no loss "
        "against that head; no rule judges that.",
    ),
    Claim(
        id="F-07",
        source=_SOURCE,
        statement="Stride 1 helps most on classes that differ in fine detail, Shirt and Pullover.",
        link="fashion-mnist",
        note="The rule judges whether recall gains more there than on the other classes, on average. It "
        "does; but Coat, one of the others, gains most of all.",
    ),
    Claim(
        id="F-08",
        source=_SOURCE,
        statement="With stride 2 the hybrid reads a shorter sequence and does better.",
        link="controls-hybrids",
        note="Claimed, and not run by the source. That the sequence is shorter is arithmetic and right.",
    ),
    Claim(
        id="F-09",
        source=_SOURCE,
        statement="Minority classes suffer most when the hybrid overfits.",
        parts=(Computed(rarer_classes, by="a count over the labels"),),
        link="fashion-mnist",
        note="That some classes suffer more than others is right, and worth its remark on fairness. None "
        "of them is in the minority here.",
    ),
    Claim(
        id="F-10",
        source=_SOURCE,
        statement="Stride 1 increases the capacity of the model.",
        parts=(Computed(capacity, by="parameters, counted"),),
        link="fashion-mnist",
        note="Through the larger map that the first dense layer flattens: stride itself has no parameters.",
    ),
    Claim(
        id="F-11",
        source=_SOURCE,
        statement="Dropout and augmentation keep the overfitting of stride 1 in check.",
        link="controls-long",
        note="Recommended, and not run by the source, which uses dropout throughout. The rule judges the gap "
        "after thirty epochs. That of augmentation closes because training images are known less well; no "
        "rule judges test accuracy.",
    ),
    Claim(
        id="F-12",
        source=_SOURCE,
        statement="Stride 1 fits the noise in the training data more than stride 2 does.",
        link="controls-noise",
        note="The rule counts answers with a wrong training label, mistakes that hit one included. The "
        "difference is smaller than the margin. Less these mistakes, stride 1 is ahead without dropout. "
        "Noise in the pixels is Q-18.",
    ),
    Claim(
        id="F-13",
        source=_SOURCE,
        statement="Stride 1 converges faster than stride 2.",
        link="fashion-mnist",
        note="The rule counts by epochs: validation accuracy after the first. By seconds, see the chapter.",
    ),
    Claim(
        id="F-14",
        source=_SOURCE,
        statement="The hybrid works on the same convolutional features as the other two models.",
        parts=(Computed(same_features, by="anatomy of the three models"),),
        link="fashion-mnist",
    ),
    Claim(
        id="F-15",
        source=_SOURCE,
        statement="The hybrid is the more complex model, of the highest capacity.",
        parts=(Computed(complexity, by="parameters and multiply-accumulates, counted"),),
        link="fashion-mnist",
        note="Right of the computation, which an LSTM repeats at each step of the sequence.",
    ),
    Claim(
        id="F-16",
        source=_SOURCE,
        statement="Reading the sequence in both directions helps.",
        link="controls-hybrids",
        note="Argued, and not run by the source. The rule compares with one direction of as many parameters.",
    ),
    Claim(
        id="F-17",
        source=_SOURCE,
        statement="A mixture of strides helps.",
        link="controls-strides",
        note="Recommended, and not run by the source. The rule takes stride 1, then 2.",
    ),
)
