"""What there is to run and what has been recorded, as lines of text."""

from collections.abc import Iterator, Sequence
from statistics import fmean, stdev

from study.experiments.plan import Experiment
from study.experiments.progress import duration
from study.records import Record


def overview(experiment: Experiment, records: Sequence[Record]) -> Iterator[str]:
    """Name, question, and for each variant how many of its runs are recorded."""
    yield f"{experiment.name}: {experiment.question}"
    for variant in experiment.variants:
        finished = [record for record in records if record.variant == variant.name and not record.failed]
        yield f"  {variant.name:22} {len(finished):3} of {variant.seeds} runs recorded"


def table(records: Sequence[Record]) -> Iterator[str]:
    """One line a variant: runs, accuracy on the test images over seeds, parameters, MACs, time."""
    columns = f"{'runs':>4} {'failed':>6} {'accuracy (sd)':>15} {'parameters':>10} {'MACs':>10}"
    yield f"{'variant':22} {columns}  time a run"
    for name in dict.fromkeys(record.variant for record in records):
        runs = [record for record in records if record.variant == name]
        finished = [record for record in runs if not record.failed]
        counts = f"{name:22} {len(finished):4} {len(runs) - len(finished):6}"
        yield f"{counts} {_figures(finished)}" if finished else counts


def details(record: Record) -> Iterator[str]:
    """Everything about one run that fits a screen."""
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


def _figures(finished: Sequence[Record]) -> str:
    accuracies = [100 * record.outcome.accuracy for record in finished]
    spread = f"({stdev(accuracies):.3f})" if len(accuracies) > 1 else "(one)"
    seconds = fmean(record.seconds for record in finished)
    first = finished[0]
    accuracy = f"{fmean(accuracies):.3f} {spread}"
    return f"{accuracy:>15} {first.parameters:10,} {first.macs:10,}  {duration(seconds)}"
