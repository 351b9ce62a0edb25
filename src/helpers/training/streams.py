"""One seed, several independent streams of random numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

from helpers.checks import whole_number


class Streams(NamedTuple):
    """A stream of random numbers for each thing that is drawn in a run.

    Two models that share a seed share these streams as well: they see the images in the same order, even
    though one draws more initial weights than the other. That is what makes their results a pair.
    """

    initialization: torch.Generator
    order: torch.Generator
    dropout: torch.Generator
    augmentation: torch.Generator


def streams(seed: int) -> Streams:
    """The streams of one run: the same seed gives the same ones, and none tells anything of another.

    Raises:
        TypeError: if `seed` is not an integer.
        ValueError: if it is negative.

    >>> one, again = streams(7), streams(7)
    >>> torch.equal(torch.randperm(9, generator=one.order), torch.randperm(9, generator=again.order))
    True
    """
    children = np.random.SeedSequence(whole_number("seed", seed, at_least=0)).spawn(len(Streams._fields))
    seeds = [int(child.generate_state(1, np.uint64)[0]) for child in children]
    return Streams(*(torch.Generator().manual_seed(number) for number in seeds))


@contextmanager
def global_stream(generator: torch.Generator, device: torch.device) -> Iterator[None]:
    """Let torch's global stream, which dropout draws from, start from `generator`; put it back afterwards."""
    seed = int(torch.randint(2**62, (), generator=generator))
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.manual_seed(seed)
        yield
