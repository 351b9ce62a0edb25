"""One seed, several independent streams of random numbers, each a `torch.Generator`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

from helpers.checks import whole_number

_global_lock = threading.RLock()


class Streams(NamedTuple):
    """A generator for each purpose for which a run draws random numbers.

    Two models that share a seed share these streams as well: they see the images in the same order, even if
    one draws more initial weights than the other. That is what makes their results a pair.
    """

    initialization: torch.Generator
    order: torch.Generator
    dropout: torch.Generator
    augmentation: torch.Generator


def streams(seed: int) -> Streams:
    """Return the streams of one run. They are independent; the same seed gives the same streams.

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

    It admits one thread at a time: other threads that train wait, so that none draws from another's stream.
    """
    seed = int(torch.randint(2**62, (), generator=generator))
    gpus = [device] if device.type == "cuda" else []
    with _global_lock, torch.random.fork_rng(devices=gpus):
        torch.manual_seed(seed)
        yield
