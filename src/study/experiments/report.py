"""What there is to run, what is recorded, and whether a repeated run gives the same result."""

import datetime
from collections.abc import Iterator, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from study.experiments.plan import Experiment
from study.records import Record


def overview(experiment: Experiment, records: Sequence[Record]) -> Iterator[str]:
    """Name, question, and for each variant how many of its runs are recorded."""
    yield f"{experiment.name}: {experiment.question}"
    for variant in experiment.variants:
        finished = [record for record in records if record.variant == variant.name and not record.failed]
        yield f"  {variant.name:22} {len(finished):3} of {variant.seeds} runs recorded"


def table(records: Sequence[Record]) -> Iterator[str]:
    """One line for each variant: runs, test accuracy over seeds, parameters, MACs, time."""
    columns = f"{'runs':>4} {'failed':>6} {'accuracy (sd)':>15} {'parameters':>10} {'MACs':>10}"
    yield f"{'variant':22} {columns}  time a run"
    for name in dict.fromkeys(record.variant for record in records):
        runs = [record for record in records if record.variant == name]
        finished = [record for record in runs if not record.failed]
        counts = f"{name:22} {len(finished):4} {len(runs) - len(finished):6}"
        yield f"{counts} {_figures(finished)}" if finished else counts


def details(record: Record) -> Iterator[str]:
    """One run in detail, a screen of lines."""
    yield f"{record.experiment}/{record.variant}, seed {record.seed}"
    yield "settings: " + ", ".join(f"{name} {value}" for name, value in record.settings.items())
    environment = record.environment
    dirty = " with changes" if environment.dirty else ""
    yield f"run by: {environment.command}"
    yield f"on: {environment.processor}, {environment.device}, {environment.threads} thread(s)"
    versions = f"Python {environment.python}, torch {environment.torch}"
    yield f"with: {versions}, commit {environment.commit[:12]}{dirty}"
    yield f"finished: {environment.finished}, after {duration(record.seconds)} of training"
    if record.failed:
        yield f"failed: {record.reason}"
        return
    for epoch in record.epochs:
        yield (
            f"epoch {epoch.epoch}: train {100 * epoch.train_accuracy:.2f}% (running), "
            f"validation {100 * epoch.validation_accuracy:.2f}%, loss {epoch.validation_loss:.4f}"
        )
    yield f"test: {100 * record.outcome.accuracy:.2f}%, loss {record.outcome.loss:.4f}"
    yield f"tolerance on another machine: {record.tolerance} points"


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
    """Choose the finished run to repeat: by name, or a different one each day.

    Args:
        records: to choose from.
        name: such as "mnist/s1-same/0"; empty to go by the date.
        date: today if not given.

    Raises:
        ValueError: if there is no such run, or none at all.
    """
    finished = {record.name: record for record in records if not record.failed}
    if not finished:
        raise ValueError("records must hold a finished run, got none: record some with `run` first")
    if not name:
        return list(finished.values())[(date or datetime.date.today()).toordinal() % len(finished)]
    if name not in finished:
        raise ValueError(f"name must be of a finished run, such as {next(iter(finished))}, got {name!r}")
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


def duration(seconds: float) -> str:
    """A time as text, in at most two units.

    >>> duration(42), duration(150), duration(7300)
    ('42 s', '2 min 30 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _figures(finished: Sequence[Record]) -> str:
    accuracies = [100 * record.outcome.accuracy for record in finished]
    spread = f"({stdev(accuracies):.3f})" if len(accuracies) > 1 else "(one)"
    seconds = fmean(record.seconds for record in finished)
    first = finished[0]
    accuracy = f"{fmean(accuracies):.3f} {spread}"
    return f"{accuracy:>15} {first.parameters:10,} {first.macs:10,}  {duration(seconds)}"


def _measured(record: Record) -> list[dict[str, float | None]]:
    return [dict(record.extra), *({**vars(epoch), "seconds": None} for epoch in record.epochs)]
