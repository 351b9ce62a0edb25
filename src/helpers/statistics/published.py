"""A number that a source printed for its single run, held against runs of the same set-up."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from helpers.statistics.intervals import Interval, prediction_interval


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A published number beside runs.

    Attributes:
        published: what the source printed.
        decimals: to how many places.
        mean: of the runs.
        interval: where one further run lies, which the source's would be if the set-ups are the same.
    """

    published: float
    decimals: int
    mean: float
    interval: Interval

    @property
    def agrees(self) -> bool:
        """Whether a number that rounds to the published one lies in the interval."""
        half = 0.5 * 10.0**-self.decimals
        return self.interval.low <= self.published + half and self.published - half <= self.interval.high


def agreement(published: float, runs: Sequence[float], *, decimals: int, level: float = 0.95) -> Agreement:
    """Hold a published number against one value a run, both in the same unit.

    Args:
        published: what the source printed.
        runs: the same quantity, of each run.
        decimals: places after the point that the source printed.
        level: of the prediction interval; where the set-ups are the same, so many published numbers agree.

    Raises:
        ValueError: for fewer than two runs, a value that is not finite, or a level outside (0, 1).

    >>> agreement(0.8795, [0.8755, 0.8790, 0.8781, 0.8802], decimals=4).agrees
    True
    >>> agreement(0.63, [0.66, 0.67, 0.66, 0.67], decimals=2).agrees
    False
    """
    interval = prediction_interval(runs, level=level)
    return Agreement(published=published, decimals=decimals, mean=fmean(runs), interval=interval)
