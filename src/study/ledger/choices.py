"""Which stride, which padding, when: each answer with the entries of the ledger that it rests on."""

from collections.abc import Mapping

from study.ledger.advice import Advice, alike, depends, fails, holds, told, untold, when

_SIZE = (
    when(
        "a map is to keep its size",
        told(
            "Take an odd kernel, stride 1, and (k \N{MINUS SIGN} 1) / 2 cells of padding on each side.",
            depends("M-13", {"stride 1": True, "stride 2": False}),
            depends("G-05", {"kernel 3, stride 1": True, "kernel 4, stride 1": False}),
        ),
    ),
    when(
        "many layers are to follow each other",
        told("Pad. Without padding each layer takes a ring off the map, until none is left.", holds("M-16")),
    ),
    when(
        "a stride meets same padding",
        told(
            "Look which side is padded: at an even size, one gets more than the other.",
            depends("M-12", {"kernel 3, stride 1": True, "kernel 3, stride 2": False}),
        ),
    ),
    when(
        "you work out the size of an output",
        told(
            "Check that the kernel fits, and round the division down.",
            depends("P-02", {"28 pixels": False}),
            depends("B-06", {"the kernel is larger than the input": False}),
        ),
    ),
    when(
        "a stride would be larger than its kernel",
        told(
            "Take it only where pixels may go unread. Padding does not undo it.",
            holds("B-01"),
            holds("B-03"),
        ),
    ),
    when(
        "a layer is to see more of the image",
        told(
            "Put a stride in front of it. A stride does not widen the field of its own layer.",
            fails("G-02"),
        ),
    ),
)

_COST = (
    when(
        "computation or memory is short",
        told(
            "Take a larger stride, which saves both. Count over the whole network: it saves another "
            "share than a layer does.",
            holds("G-07"),
            depends("M-06", {"conv1": True, "network, same": False}),
        ),
    ),
    when(
        "you look for a place for the strides",
        told(
            "Early, where published networks have more of theirs than later on.",
            fails("G-08"),
            fails("M-18"),
        ),
    ),
    when(
        "you leave padding out, or put it in",
        told(
            "Count again: it changes the computation by more than a little.",
            fails("M-07"),
        ),
    ),
    when(
        "training time is short",
        told(
            "Measure seconds and not epochs: stride 2 takes less time for each, stride 1 learns more in "
            "the first.",
            holds("M-15"),
            holds("F-13"),
        ),
    ),
)

_ACCURACY = (
    when(
        "accuracy comes first, on images as small as these",
        told(
            "Begin with stride 1, which was ahead on both data sets. Do not conclude that stride is the "
            "reason: more than stride differed.",
            holds("F-01"),
            holds("M-03"),
            fails("M-19"),
        ),
    ),
    when(
        "you choose padding at stride 1, for centered objects",
        told(
            "Choose by size and cost. On MNIST, accuracy with padding and without was alike, within the "
            "margin.",
            alike("M-01"),
            alike("M-02"),
        ),
    ),
    when(
        "stride 2 comes without padding, on small maps",
        told(
            "Avoid it. It was the least accurate of four settings, and few published layers have it.",
            holds("M-04"),
            holds("M-14"),
        ),
    ),
    when(
        "classes differ in fine detail",
        told(
            "Keep stride 1 in the first layer: of shirts and pullovers, more were recognized than of the "
            "other classes on average.",
            holds("F-07"),
        ),
    ),
    when(
        "something may lie at the border of the image",
        told(
            "Count how much, before you pad for its sake. In MNIST next to nothing lies there.",
            fails("M-08"),
        ),
    ),
    when(
        "the edge of a map matters",
        told("Pad: the padded network answered along the border more as in the center.", holds("M-17")),
        told(
            "Do not count on padding: on a white image, the padded network answered otherwise at the border "
            "than in the center.",
            fails("M-17"),
        ),
        told("Look at it. Padded or not, the border was answered much alike.", alike("M-17")),
    ),
    when(
        "a stride is to take the place of a pooling",
        told("Take it. It is common, and accuracy was alike within the margin.", holds("G-06")),
        told("Try both. It is common, but accuracy was not alike.", fails("G-06")),
    ),
    when(
        "strides are to be mixed",
        told("Try 1 before 2, which was ahead of stride 1 throughout.", holds("F-17")),
        told("Do not count on it. 1 before 2 was behind stride 1 throughout.", fails("F-17")),
        told(
            "Choose by cost. 1 before 2 was behind stride 1 throughout, and ahead of stride 2 throughout.",
            depends("F-17", {}),
        ),
        told("Choose by cost. 1 before 2 was as accurate as stride 1, within the margin.", alike("F-17")),
    ),
    when(
        "an LSTM is to read the map",
        told(
            "Train the plain network beside it. This hybrid computed more, and was less accurate.",
            holds("F-02"),
            depends("F-15", {"MACs": True}),
        ),
    ),
    when(
        "the sequence that it reads is long",
        told("Shorten it by a stride: the hybrid did better so.", holds("F-08")),
        told("Leave it long: with a stride the hybrid did worse.", fails("F-08")),
        told("Shorten it by a stride: that is cheaper, and accuracy was alike.", alike("F-08")),
        told("Shorten it for the work that it saves. Of accuracy, the runs settle nothing.", untold("F-08")),
    ),
    when(
        "it could be read in one direction or in both",
        told("Take both. At equal parameters they were ahead of one.", holds("F-16")),
        told("Take one. At equal parameters both were behind it.", fails("F-16")),
        told("Take one. At equal parameters both were as accurate, within the margin.", alike("F-16")),
    ),
)

_TRAINING = (
    when(
        "you fear that stride 1 overfits more",
        told("Measure it in evaluation mode. It did overfit more than stride 2.", holds("F-03")),
        told("Measure it in evaluation mode. It overfitted less than stride 2.", fails("F-03")),
        told("Do not choose the stride by it. Both overfitted alike, within the margin.", alike("F-03")),
        told(
            "Measure it in evaluation mode, and late. After eight epochs, the runs do not settle it.",
            untold("F-03"),
        ),
    ),
    when(
        "it does overfit",
        told(
            "Use dropout and augmentation, which together made the gap smaller. Watch test accuracy as well: "
            "a gap also closes where training images are known less well.",
            holds("F-11"),
        ),
        told("Do not rely on dropout and augmentation: the gap grew.", fails("F-11")),
    ),
    when(
        "some labels are wrong",
        told("Mind stride 1, which gave back more of the wrong ones than stride 2.", holds("F-12")),
        told(
            "Do not choose the stride by it: stride 2 gave back more of the wrong ones, and by its mistakes "
            "rather than by heart.",
            fails("F-12"),
        ),
        told(
            "Do not choose the stride by it. Both gave back as many of the wrong ones, within the margin.",
            alike("F-12"),
        ),
    ),
    when(
        "you compare networks after a few epochs",
        told(
            "Their order may last: with many more epochs, stride 1 was still ahead of stride 2.",
            holds("M-10"),
        ),
        told("Compare again later: with many more epochs, stride 2 was ahead.", fails("M-10")),
        told("Compare again later: with many more epochs, strides 1 and 2 were alike.", alike("M-10")),
    ),
    when(
        "gradients are to pass many layers",
        told("Pad: shapes fit for shortcuts, and more gradient came through.", holds("M-21")),
        told("Pad for the shapes of shortcuts, not for gradients: less came through.", fails("M-21")),
        told("Pad for the shapes of shortcuts. As much gradient came through without.", alike("M-21")),
        told("Pad for the shapes of shortcuts. Of gradients, the runs settle nothing.", untold("M-21")),
    ),
)

CHOICES: Mapping[str, tuple[Advice, ...]] = {
    "Size": _SIZE,
    "Cost": _COST,
    "Accuracy": _ACCURACY,
    "Training": _TRAINING,
}
"""What to do in each situation, by topic."""
