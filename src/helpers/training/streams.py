"""One seed, several independent streams of random numbers: a generator each."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

from helpers.checks import whole_number

_global_lock = threading.RLock()


class Streams(NamedTuple):
    """A generator for each thing that a run draws at random.

    Two models that share a seed share these streams as well: they see the images in the same order, even
    though one draws more initial weights than the other. That is what makes their results a pair.
    """

    initialization: torch.Generator
    order: torch.Generator
    dropout: torch.Generator
    augmentation: torch.Generator


def streams(seed: int) -> Streams:
    """Return the streams of one run: the same seed gives the same ones, and they are independent.

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
    """Seed torch's global generator, which dropout draws from, by `generator`; restore it afterwards.

    One thread at a time: others that train in this process wait, so that none draws from another's stream.
    """
    seed = int(torch.randint(2**62, (), generator=generator))
    gpus = [device] if device.type == "cuda" else []
    with _global_lock, torch.random.fork_rng(devices=gpus):
        torch.manual_seed(seed)
        yield
