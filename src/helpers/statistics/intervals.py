"""Intervals for the mean of runs, for one further run and for one run's accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint


class Interval(NamedTuple):
    """Two ends, both included, in the unit of what they enclose."""

    low: float
    high: float

    def covers(self, value: float) -> bool:
        """Whether `value` lies between the ends or on one."""
        return self.low <= value <= self.high


def mean_interval(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """Confidence interval of the mean over all possible seeds, given one value per seed (Student's t).

    It says nothing about other test images: `crossed_effect` does.

    Raises:
        ValueError: for fewer than two values, a value that is not finite, or a level outside (0, 1).

    >>> mean_interval([98.8, 99.0, 99.2]).covers(99.4)
    True
    """
    numbers = finite_numbers("values", values)
    return _around_mean(numbers, scale=sqrt(1 / len(numbers)), level=level)


def prediction_interval(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """Prediction interval of one further run, such as a published one, given one value per seed.

    The runs are taken to be normally distributed, and to share the test images with the further one.

    Raises:
        ValueError: for fewer than two values, a value that is not finite, or a level outside (0, 1).

    >>> prediction_interval([98.8, 99.0, 99.2]).covers(99.9)
    True
    """
    numbers = finite_numbers("values", values)
    return _around_mean(numbers, scale=sqrt(1 + 1 / len(numbers)), level=level)


def smallest_found(
    standard_error: float, *, degrees_of_freedom: float, alpha: float = 0.05, power: float = 0.8
) -> float:
    """The minimum detectable difference: the smallest that a study finds with probability `power`.

    A difference is found if the two-sided t test rejects that there is none. For a study that is over, this
    says what it could have found, whatever it has found. The unit is that of the standard error.

    Args:
        standard_error: of the difference, above 0.
        degrees_of_freedom: of that error; over n seeds alone, n - 1.
        alpha: the level of the test; divide it by the number of rules for the first test of Holm's
            correction.
        power: above alpha and below 1.

    Raises:
        ValueError: if a number is out of its range.

    Source: Student's noncentral t.

    >>> round(smallest_found(0.1, degrees_of_freedom=9), 3)
    0.315
    """
    if not (standard_error > 0 and degrees_of_freedom > 0):
        raise ValueError(
            "standard_error and degrees_of_freedom must be above 0, "
            f"got {standard_error} and {degrees_of_freedom}"
        )
    if not 0 < alpha < power < 1:
        raise ValueError(f"alpha and power must be in order between 0 and 1, got {alpha} and {power}")
    limit = stats.t.ppf(1 - alpha / 2, degrees_of_freedom)

    def missing(shift: float) -> float:
        return power - float(stats.nct.sf(limit, degrees_of_freedom, shift))

    return standard_error * float(optimize.brentq(missing, 0.0, limit + 20.0))


def wilson_interval(correct: int, *, total: int, level: float = 0.95) -> Interval:
    """Confidence interval of one network's accuracy, as a fraction, given its answers to `total` images.

    Source: Wilson 1927, through statsmodels.

    Raises:
        ValueError: unless 0 <= correct <= total and total >= 1, or for a level outside (0, 1).

    >>> interval = wilson_interval(9920, total=10_000)
    >>> round(100 * (interval.high - interval.low) / 2, 2)
    0.18
    """
    if total < 1 or not 0 <= correct <= total:
        raise ValueError(
            f"correct must lie between 0 and total, and total be 1 or more, got {correct} of {total}"
        )
    low, high = proportion_confint(correct, total, alpha=1 - checked_level(level), method="wilson")
    return Interval(float(low), float(high))


def finite_numbers(name: str, values: Sequence[float]) -> NDArray[np.float64]:
    """Return at least two finite numbers as an array.

    Raises:
        ValueError: for fewer than two, for more than one axis, or for a number that is not finite.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or len(numbers) < 2:
        raise ValueError(f"{name} must hold at least two numbers, one a seed, got shape {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} must be finite, got {numbers[~np.isfinite(numbers)][0]}")
    return numbers


def checked_level(level: float) -> float:
    """Return a level of confidence.

    Raises:
        ValueError: if it does not lie strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, as in 0.95, got {level}")
    return level


def _around_mean(numbers: NDArray[np.float64], *, scale: float, level: float) -> Interval:
    quantile = float(stats.t.ppf((1 + checked_level(level)) / 2, df=len(numbers) - 1))
    center, reach = float(numbers.mean()), quantile * scale * float(numbers.std(ddof=1))
    return Interval(center - reach, center + reach)


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A published number beside runs.

    Attributes:
        published: what the source printed.
        decimals: digits after the decimal point that it printed.
        mean: mean of the runs.
        interval: prediction interval of one further run, which the source's is if the set-ups are the same.
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
    """Compare a published number with one value per run, both in the same unit.

    Args:
        published: what the source printed.
        runs: the same quantity, of each run.
        decimals: digits after the decimal point that the source printed.
        level: of the prediction interval: the share of published numbers that agree if set-ups are the same.

    Raises:
        ValueError: for fewer than two runs, a value that is not finite, or a level outside (0, 1).

    >>> agreement(0.8795, [0.8755, 0.8790, 0.8781, 0.8802], decimals=4).agrees
    True
    >>> agreement(0.63, [0.66, 0.67, 0.66, 0.67], decimals=2).agrees
    False
    """
    interval = prediction_interval(runs, level=level)
    return Agreement(published=published, decimals=decimals, mean=fmean(runs), interval=interval)
