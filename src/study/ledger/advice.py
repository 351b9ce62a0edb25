"""What the book concludes: its advice and the findings of its front page, with their grounds in the ledger.

A person writes each sentence; no code changes it. When a verdict on which it rests changes, `check_grounds`
refuses it: a test fails, and the book is not built, until a person has rewritten it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from study.judging import Verdict
from study.ledger.finding import Finding

Ground = Verdict | Mapping[str, bool] | None
"""The verdict of a claim; for one that depends, under which of its conditions it is true and not.

None where its runs are still to come: the sentence says so, and falls with the first verdict.
"""


@dataclass(frozen=True)
class Conclusion:
    """A sentence that rests on entries of the ledger.

    Attributes:
        text: the sentence.
        grounds: what must have been found of each claim that it rests on, by the ids of the claims.
    """

    text: str
    grounds: Mapping[str, Ground]


def check_grounds(conclusions: Iterable[Conclusion], findings: Mapping[str, Finding]) -> None:
    """Check that each conclusion still rests on what was found.

    A claim that could not be judged, because the images that it counts are not there, counts as unchanged.

    Args:
        conclusions: the sentences.
        findings: by the ids of the claims.

    Raises:
        ValueError: at the first claim of which something else was found: the sentence has to be rewritten.

    >>> check_grounds([Conclusion("Pad.", {"M-16": HOLDS})], {"M-16": Finding(verdict=FAILS)})
    Traceback (most recent call last):
    ...
    ValueError: M-16 must be 'holds', got 'fails': rewrite the sentence 'Pad.'
    """
    for conclusion in conclusions:
        for claim, ground in conclusion.grounds.items():
            finding = findings[claim]
            found: Verdict | Mapping[str, bool | None] | None = finding.verdict
            if found is DEPENDS and isinstance(ground, Mapping):
                found = {name: finding.conditions.get(name) for name in ground}
            if found not in (ground, None):
                raise ValueError(
                    f"{claim} must be {_in_words(ground)}, got {_in_words(found)}: "
                    f"rewrite the sentence {conclusion.text!r}"
                )


def _in_words(ground: Verdict | Mapping[str, bool | None] | None) -> str:
    if ground is None:
        return "not run yet"
    return repr(str(ground) if isinstance(ground, Verdict) else ground)


HOLDS, FAILS, DEPENDS = Verdict.HOLDS, Verdict.FAILS, Verdict.DEPENDS
NO_DIFFERENCE, CANNOT_BE_TOLD = Verdict.NO_DIFFERENCE, Verdict.CANNOT_BE_TOLD

HEADLINES = (
    Conclusion(
        "On small pictures of digits and of clothes, the sources' networks of stride 1 get more right than "
        "those of stride 2.",
        {"M-03": HOLDS, "F-01": HOLDS},
    ),
    Conclusion(
        "At stride 1, digits are read as well without padding as with it, though the source ranks one above "
        "the other.",
        {"M-01": NO_DIFFERENCE, "M-02": NO_DIFFERENCE},
    ),
    Conclusion(
        "Does stride 1 overfit more, as its source says: does it do so much better on pictures that it knows "
        "than on new ones? After eight epochs of training, that stays open.",
        {"F-03": CANNOT_BE_TOLD},
    ),
    Conclusion(
        "A stride lets the layers behind it see more of the picture. Its own layer sees no more than before.",
        {"G-02": FAILS},
    ),
    Conclusion(
        "Change nothing but a stride, and the number of weights, what the network sees and which pixels it "
        "reads change with it.",
        {"M-19": FAILS},
    ),
)
"""What the book has found, in a few sentences."""

ADVICE: Mapping[str, Mapping[str, Conclusion]] = {
    "Size": {
        "a map is to keep its size": Conclusion(
            "Take an odd kernel, stride 1, and (k \N{MINUS SIGN} 1) / 2 cells of padding on each side.",
            {
                "M-13": {"stride 1": True, "stride 2": False},
                "G-05": {"kernel 3, stride 1": True, "kernel 4, stride 1": False},
            },
        ),
        "many layers are to follow each other": Conclusion(
            "Pad. Without padding each layer takes a ring off the map, until none is left.",
            {"M-16": HOLDS},
        ),
        "a stride meets same padding": Conclusion(
            "Look which side is padded: at an even size, one gets more than the other.",
            {"M-12": {"kernel 3, stride 1": True, "kernel 3, stride 2": False}},
        ),
        "you work out the size of an output": Conclusion(
            "Check that the kernel fits, and round the division down.",
            {"P-02": {"28 pixels": False}, "B-06": {"the kernel is larger than the input": False}},
        ),
        "a stride would be larger than its kernel": Conclusion(
            "Take it only where pixels may go unread. Padding does not undo it.",
            {"B-01": HOLDS, "B-03": HOLDS},
        ),
        "a network halves its map five times": Conclusion(
            "Take a multiple of 32 where maps come back up to meet those from the way down. Else any size "
            "will run.",
            {"L-36": {"to run at all": False, "to fit skip connections": True}},
        ),
        "a layer is to see more of the image": Conclusion(
            "Put a stride in front of it. A stride does not widen the field of its own layer.",
            {"G-02": FAILS},
        ),
    },
    "Cost": {
        "computation or memory is short": Conclusion(
            "Take a larger stride, which saves both. Count over the whole network: it saves another share "
            "than a layer does.",
            {"G-07": HOLDS, "M-06": {"conv1": True, "network, same": False}},
        ),
        "you look for a place for the strides": Conclusion(
            "Early, where published networks have more of theirs than later on.",
            {"G-08": FAILS, "M-18": FAILS},
        ),
        "you leave padding out, or put it in": Conclusion(
            "Count again: it changes the computation by more than a little.",
            {"M-07": FAILS},
        ),
        "training time is short": Conclusion(
            "Measure seconds and not epochs: stride 2 trains an epoch in less time, stride 1 learns more in "
            "the first.",
            {"M-15": HOLDS, "F-13": HOLDS},
        ),
    },
    "Accuracy": {
        "accuracy comes first, on images as small as these": Conclusion(
            "Begin with stride 1, which was ahead on both data sets. Do not conclude that stride is the "
            "reason: more than stride differed.",
            {"F-01": HOLDS, "M-03": HOLDS, "M-19": FAILS},
        ),
        "you choose padding at stride 1, for centered objects": Conclusion(
            "Choose by size and cost. On MNIST, accuracy with padding and without was alike, within the "
            "margin.",
            {"M-01": NO_DIFFERENCE, "M-02": NO_DIFFERENCE},
        ),
        "stride 2 comes without padding, on small maps": Conclusion(
            "Avoid it. It was the least accurate of four settings, and few published layers have it.",
            {"M-04": HOLDS, "M-14": HOLDS},
        ),
        "classes differ in fine detail": Conclusion(
            "Keep stride 1 in the first layer: the recall of shirts and pullovers rose by more than that of "
            "the other classes on average. That of coats rose most.",
            {"F-07": HOLDS},
        ),
        "something may lie at the border of the image": Conclusion(
            "Count how much, before you pad for its sake. In MNIST next to nothing lies there.",
            {"M-08": FAILS},
        ),
        "the edge of a map matters": Conclusion(
            "Do not count on padding: on a white image, the padded network answered otherwise at the border "
            "than in the center.",
            {"M-17": FAILS},
        ),
        "a stride is to take the place of a pooling": Conclusion(
            "Give it a layer of its own, which made up for the pooling. The layer did it: as many layers "
            "with pooling were ahead. Take a kernel as wide as the stride, or pixels have no part.",
            {"G-06": FAILS, "L-34": {"kernel 1 reads all": False}, "L-06": DEPENDS},
        ),
        "space-to-depth is to take the place of a stride": Conclusion(
            "Compare it with a wider kernel at that stride, which is the same layer. Which of the two is "
            "more accurate, the runs do not settle. On digits it was ahead of a narrow kernel.",
            {"L-01": FAILS, "L-03": CANNOT_BE_TOLD, "L-05": HOLDS},
        ),
        "you choose what to pad with": Conclusion(
            "Wrap around if all pixels are to count alike, which zeros that keep the size do not do, or if "
            "the network must not know where it looks. For accuracy, runs did not tell any way from zeros.",
            {
                "L-25": {"zeros, same": False, "wrapping around": True},
                "L-10": NO_DIFFERENCE,
                "L-11": CANNOT_BE_TOLD,
                "L-12": HOLDS,
            },
        ),
        "you choose a stem for small images": Conclusion(
            "Compare at the same computation. After a short training a small stem was not told from a large "
            "one that computes less, and a wider network with the large one was ahead.",
            {"L-16": CANNOT_BE_TOLD, "L-17": FAILS},
        ),
        "answers must not change when the image moves": Conclusion(
            "Look at the strides first, each of which can break it. Sampling that follows the image keeps to "
            "whole pixels that wrap around exactly, and trained it kept more answers than a blur, which does "
            "not settle parts of a pixel.",
            {
                "L-32": {"stride 2, moved by 1": False},
                "L-13": HOLDS,
                "L-14": HOLDS,
                "L-19": {"half a pixel": True},
            },
        ),
        "strides are to be mixed": Conclusion(
            "Choose by cost. 1 before 2 was behind stride 1 throughout, and ahead of stride 2 throughout.",
            {"F-17": DEPENDS},
        ),
        "an LSTM is to read the map": Conclusion(
            "Train the plain network beside it. This hybrid computed more, and was less accurate.",
            {"F-02": HOLDS, "F-15": {"MACs": True}},
        ),
        "the sequence that it reads is long": Conclusion(
            "Shorten it for the work that it saves. Of accuracy, the runs settle nothing.",
            {"F-08": CANNOT_BE_TOLD},
        ),
        "it could be read in one direction or in both": Conclusion(
            "Take both. At equal parameters they were ahead of one.",
            {"F-16": HOLDS},
        ),
    },
    "Training": {
        "you fear that stride 1 overfits more": Conclusion(
            "Measure it in evaluation mode, and late. After eight epochs, the runs do not settle it.",
            {"F-03": CANNOT_BE_TOLD},
        ),
        "it does overfit": Conclusion(
            "Use dropout and augmentation, which together made the gap smaller. Watch test accuracy as well: "
            "a gap also closes where training images are known less well.",
            {"F-11": HOLDS},
        ),
        "some labels are wrong": Conclusion(
            "Do not choose the stride by it: stride 2 gave back more of the wrong ones, by less than the "
            "margin, and by its mistakes rather than by heart.",
            {"F-12": FAILS},
        ),
        "you compare networks after a few epochs": Conclusion(
            "Their order may last: with many more epochs, stride 1 without padding was still ahead of stride "
            "2 with it.",
            {"M-10": HOLDS},
        ),
        "gradients are to pass many layers": Conclusion(
            "Pad for the shapes of shortcuts. Of gradients, the runs settle nothing.",
            {"M-21": CANNOT_BE_TOLD},
        ),
    },
}
"""What to do in practice: by topic, then by situation, which completes a sentence that begins with "When"."""
