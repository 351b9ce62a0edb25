"""Whether a recorded run comes out the same when it is run again."""

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from study.records import Record


class Comparison(NamedTuple):
    """A recorded run beside its repetition.

    Attributes:
        recorded: accuracy on the test images, in points.
        repeated: likewise.
        identical: whether every prediction and every number but the time is the same to the bit.
        agrees: whether the difference is within the tolerance that the record states.
    """

    recorded: float
    repeated: float
    identical: bool
    agrees: bool


def pick(records: Sequence[Record], *, name: str = "", date: datetime.date | None = None) -> Record:
    """Choose the finished run to repeat: by name, or another one each day.

    Args:
        records: to choose from.
        name: such as "mnist/s1-same/0"; empty to go by the date.
        date: today if not given.

    Raises:
        ValueError: if there is no such run, or none at all.
    """
    finished = {record.name: record for record in records if not record.failed}
    if not finished:
        raise ValueError("there is no finished run to check; record some with `run` first")
    if not name:
        return list(finished.values())[(date or datetime.date.today()).toordinal() % len(finished)]
    if name not in finished:
        example = next(iter(finished))
        raise ValueError(f"no finished run {name!r}; names read experiment/variant/seed, as in {example}")
    return finished[name]


def compare(recorded: Record, repeated: Record) -> Comparison:
    """Compare two records of the same run.

    Raises:
        ValueError: if the repetition failed.
    """
    before, after = (100 * record.outcome.accuracy for record in (recorded, repeated))
    identical = recorded.outcome == repeated.outcome and _measured(recorded) == _measured(repeated)
    # Rounded, so that a difference of exactly the tolerance is within it.
    agrees = round(abs(before - after), 6) <= recorded.tolerance
    return Comparison(before, after, identical, agrees)


def _measured(record: Record) -> list[dict[str, float | None]]:
    return [dict(record.extra), *({**vars(epoch), "seconds": None} for epoch in record.epochs)]
