"""The papers, courses and answers whose claims the ledger judges beside those of the write-ups."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

SourceKind = Literal["write-up", "paper", "course", "answer"]


class Reference(NamedTuple):
    """A source of the literature.

    Attributes:
        kind: what it is.
        what: the same with its subject, in a few words.
        address: where it is to be read.
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
}
"""What each source is, by its key in the bibliography, in the order of the ledger."""


def kind_of(source: str) -> SourceKind:
    """What kind of source this is; what is not of the literature is one of the five write-ups.

    >>> kind_of("islam2020how"), kind_of("stride-guide")
    ('paper', 'write-up')
    """
    return LITERATURE[source].kind if source in LITERATURE else "write-up"
