"""Many runs, each stored as soon as it is finished; only those that are missing are run.

Sweeps into one folder share its runs: each claims a run before it trains it, and a claim ends with the
process that made it.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from filelock import FileLock, Timeout
from tqdm import tqdm

from study.experiments.plan import Experiment
from study.experiments.report import duration
from study.experiments.runner import Died
from study.experiments.runs import Job, cost
from study.judging.rules import rules
from study.records import Record, clear_leftovers, is_finished, path_of, read, write

Runner = Callable[[Iterable[Job]], Iterator[tuple[Job, Record | Died]]]

# Overhead per image, in multiply-accumulates; found by timing the networks of the sources.
_OVERHEAD = 300_000
CLAIM = ".claim"  # ends the name of a file beside the folders of the records
_POLL = 2.0  # seconds between two looks at what another sweep has claimed


class OtherSettings(ValueError):
    """A run of that name is stored already, but with other settings."""


def plan_jobs(
    experiment: Experiment, *, variants: Sequence[str] = (), seeds: int | None = None
) -> list[tuple[str, int]]:
    """Variant and seed of each run, seed by seed: an interrupted sweep has the same seeds of each variant.

    Args:
        experiment: the experiment.
        variants: only these variants; all if empty.
        seeds: how many runs of each variant, instead of as many as the experiment says.

    Raises:
        ValueError: for an unknown variant, or fewer than one seed.
    """
    if seeds is not None and seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    chosen = [experiment.variant(name) for name in variants] or list(experiment.variants)
    counts = {variant.name: seeds or variant.seeds for variant in chosen}
    return [(name, seed) for seed in range(max(counts.values())) for name in counts if seed < counts[name]]


def rule_digests(experiment: str) -> dict[str, str]:
    """Digest of each committed rule that judges runs of this experiment, by the claim it decides."""
    return {claim: rule.digest for claim, rule in rules().items() if experiment in rule.experiments}


def what_is_missing(jobs: Iterable[Job], *, results: Path) -> list[Job]:
    """The jobs without a finished run in `results`; failed runs are tried again.

    Raises:
        OtherSettings: if a run of that name was made with other settings.
        UnreadableRecord: if one is cut off or of another schema.
        OSError: if the folder cannot be written to.
    """
    _check_writable(results)
    clear_leftovers(results)
    return [job for job in jobs if not _is_stored(job, results)]


def sweep(jobs: Sequence[Job], *, results: Path, runner: Runner, stream: TextIO = sys.stderr) -> int:
    """Run all jobs, and store each record as soon as it is finished; return how many runs failed.

    A run that fails is stored with its reason, and does not stop the others.

    Args:
        jobs: the jobs.
        results: the folder of the records.
        runner: function that yields each job with its record, such as `run_on_workers` with `run`.
        stream: where to print the progress.

    Raises:
        OSError: if a record cannot be stored; those stored before are safe.
    """
    failed = 0
    with _Progress(jobs, stream) as progress, _Claims(results) as claims:
        left = list(jobs)
        while left:
            batch, left = left, []
            for job, result in runner(_claimed(batch, results, claims, progress, left)):
                record = job.failure(result.reason) if isinstance(result, Died) else result
                write(record, results)
                claims.release(job)
                failed += record.failed
                progress.finish(job, _summary(record))
            if left:
                time.sleep(_POLL)
    return failed


def _claimed(
    jobs: Iterable[Job], results: Path, claims: "_Claims", progress: "_Progress", left: list[Job]
) -> Iterator[Job]:
    """The jobs that no other sweep has stored or claimed when a worker is free; claimed ones go to `left`."""
    for job in jobs:
        if not claims.take(job):
            left.append(job)
        elif _is_stored(job, results):
            claims.release(job)
            progress.finish(job, "stored meanwhile")
        else:
            yield job


class _Claims:
    """The runs that this sweep has claimed: a file lock each, which the system releases with the process."""

    def __init__(self, results: Path) -> None:
        self._results = results
        self._locks: dict[str, FileLock] = {}

    def __enter__(self) -> "_Claims":
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._locks):
            self._release(name)

    def take(self, job: Job) -> bool:
        """Claim a run; False if another sweep has."""
        lock = FileLock(self._results / f".{job.name.replace('/', '-')}{CLAIM}")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        self._locks[job.name] = lock
        return True

    def release(self, job: Job) -> None:
        """End the claim on a run that is stored; a sweep that claims it afterwards finds it stored."""
        self._release(job.name)

    def _release(self, name: str) -> None:
        lock = self._locks.pop(name)
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


class _Progress:
    """Prints a line for each run that is over, and on a terminal a progress bar below the lines."""

    def __init__(self, jobs: Sequence[Job], stream: TextIO) -> None:
        self._work = {id(job): _work(job) for job in jobs}
        self._total, self._done, self._finished = sum(self._work.values()), 0.0, 0
        self._stream, self._began = stream, time.monotonic()
        self._bar = tqdm(
            total=self._total,
            file=stream,
            disable=not stream.isatty(),
            bar_format="{percentage:3.0f}%|{bar}|",
            leave=False,
        )

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def finish(self, job: Job, message: str) -> None:
        """Report a run, and the time left if the rest of the work goes at the mean speed so far."""
        self._done += self._work[id(job)]
        self._finished += 1
        runs = len(self._work)
        seconds = (time.monotonic() - self._began) * (self._total - self._done) / self._done
        left = f"{duration(seconds)} left" if self._finished < runs else "done"
        line = f"[{self._finished:{len(str(runs))}}/{runs}] {job.name}: {message}; {left}"
        self._bar.update(self._work[id(job)])
        tqdm.write(line, file=self._stream)
        self._stream.flush()


def _is_stored(job: Job, results: Path) -> bool:
    run = (job.experiment.name, job.variant, job.seed)
    if not is_finished(results, *run):
        return False
    path = path_of(results, *run)
    if others := job.other_settings(read(path)):
        raise OtherSettings(
            f"{path} was run with another {', '.join(others)}; name another folder: --results"
        )
    return True


def _check_writable(results: Path) -> None:
    try:
        results.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=results):
            pass
    except OSError as error:
        message = f"no record can be stored here ({error.strerror}); choose another folder"
        raise OSError(error.errno, message, str(results)) from error


def _work(job: Job) -> float:
    try:
        macs = cost(job.experiment.variant(job.variant).build()).macs
    except Exception:  # the record of the run will name the error
        macs = 0
    return float(job.experiment.epochs * (_OVERHEAD + macs))


def _summary(record: Record) -> str:
    if record.failed:
        return f"FAILED, {record.reason}"
    return f"{100 * record.outcome.accuracy:.2f}% in {duration(record.seconds)}"
