"""The papers, courses and answers whose claims the ledger judges beside those of the write-ups."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

SourceKind = Literal["write-up", "paper", "course", "answer"]


class Reference(NamedTuple):
    """A source of the literature.

    Attributes:
        kind: "write-up", "paper", "course" or "answer".
        what: its kind and subject, in a few words.
        address: its URL.
    """

    kind: SourceKind
    what: str
    address: str


LITERATURE: Mapping[str, Reference] = {
    "sunkara2022no": Reference(
        "paper", "a paper on space-to-depth in place of strides", "https://arxiv.org/abs/2208.03641"
    ),
    "springenberg2015striving": Reference(
        "paper", "a paper on strides in place of pooling", "https://arxiv.org/abs/1412.6806"
    ),
    "iandola2016squeezenet": Reference(
        "paper", "a paper on a network of few parameters", "https://arxiv.org/abs/1602.07360"
    ),
    "liu2018partial": Reference(
        "paper", "a paper on padding that is made up for", "https://arxiv.org/abs/1811.11718"
    ),
    "alsallakh2021mind": Reference(
        "paper", "a paper on uneven padding and blind spots", "https://arxiv.org/abs/2010.02178"
    ),
    "islam2020how": Reference("paper", "a paper on padding and position", "https://arxiv.org/abs/2001.08248"),
    "chaman2021truly": Reference(
        "paper", "a paper on strides that follow the image", "https://arxiv.org/abs/2011.14214"
    ),
    "cifar-stem": Reference(
        "answer",
        "a thread on the stem of ResNet and small images",
        "https://github.com/weiaicunzai/pytorch-cifar100/issues/29",
    ),
    "wang2025scaling": Reference(
        "paper", "a paper on the size of patches", "https://arxiv.org/abs/2502.03738"
    ),
    "michaeli2023alias": Reference(
        "paper", "a paper on detail that ReLU makes", "https://arxiv.org/abs/2303.08085"
    ),
    "wang2018understanding": Reference(
        "paper", "a paper on dilated convolutions", "https://arxiv.org/abs/1702.08502"
    ),
    "luo2016understanding": Reference(
        "paper", "a paper on the effective receptive field", "https://arxiv.org/abs/1701.04128"
    ),
    "araujo2019computing": Reference(
        "paper", "an article on receptive fields", "https://distill.pub/2019/computing-receptive-fields/"
    ),
    "odena2016deconvolution": Reference(
        "paper", "an article on checkerboards", "https://distill.pub/2016/deconv-checkerboard/"
    ),
    "dumoulin2016guide": Reference(
        "paper", "a guide to the arithmetic of convolution", "https://arxiv.org/abs/1603.07285"
    ),
    "zhang2023dive": Reference(
        "course",
        "a textbook with code",
        "https://d2l.ai/chapter_convolutional-neural-networks/padding-and-strides.html",
    ),
    "cs231n": Reference("course", "notes of a course", "https://cs231n.github.io/convolutional-networks/"),
    "goodfellow2016deep": Reference(
        "course", "a textbook", "https://www.deeplearningbook.org/contents/convnets.html"
    ),
    "even-kernels": Reference(
        "answer",
        "the first answer on why kernels are odd",
        "https://datascience.stackexchange.com/questions/23183",
    ),
    "stride-or-pooling": Reference(
        "answer",
        "answers on pooling or stride",
        "https://stats.stackexchange.com/questions/387482",
    ),
    "same-and-valid": Reference(
        "answer",
        "answers on SAME and VALID",
        "https://stackoverflow.com/questions/37674306",
    ),
    "multiple-of-32": Reference(
        "answer",
        "a thread on the size of an image",
        "https://github.com/AlexeyAB/darknet/issues/3872",
    ),
    "strided-1x1": Reference(
        "answer",
        "a thread on the shortcuts of ResNet",
        "https://github.com/KaimingHe/deep-residual-networks/issues/50",
    ),
}
"""The sources by their keys in the bibliography, in the order of the ledger."""


def kind_of(source: str) -> SourceKind:
    """The kind of a source; one that is not in `LITERATURE` is one of the five write-ups.

    >>> kind_of("islam2020how"), kind_of("stride-guide")
    ('paper', 'write-up')
    """
    return LITERATURE[source].kind if source in LITERATURE else "write-up"
