"""Measure what a worker of a sweep takes of memory: `make bench`, or `python bench/memory.py`.

On Linux only, since the numbers are those of /proc.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from helpers.data import describe
from study.experiments.catalog import EXPERIMENTS
from study.experiments.runner import Died, local_workers, run_on_workers
from study.experiments.runs import Job, run

STATUS = Path("/proc/self/status")
VARIANTS = ["mnist/s1-same", "fashion-mnist/b", "fashion-mnist/c"]
DRAWN = 60_000  # images where the real ones are not to be had; drawing them takes memory of its own


def main() -> int:
    """Print what each worker takes at most; return the exit status."""
    if not STATUS.exists():
        print("memory of a worker: not measured, as there is no /proc here")
        return 0
    print("memory of a worker at most, in GB: resident, of which libraries that all workers share")
    for name in VARIANTS:
        # A worker each, since the peak of a process only grows.
        with local_workers(1) as client:
            ((_, taken),) = run_on_workers(measure, [name], client=client)
        if isinstance(taken, Died):
            print(f"  {name}: {taken.reason}")
            return 1
        peak, shared = taken
        print(f"  {name}: {peak:.2f}, of which {shared:.2f}", flush=True)
    return 0


def measure(name: str) -> tuple[float, float]:
    """Train for an epoch as a sweep does; return the peak of this process so far, and its files in memory."""
    experiment, variant = name.split("/")
    plan = replace(EXPERIMENTS[experiment], epochs=1)
    drawn = 0 if describe(plan.data, download=False).startswith("real") else DRAWN
    record = run(Job(experiment=plan, variant=variant, seed=0, device="cpu", drawn=drawn))
    if record.failed:
        raise RuntimeError(f"{name}: {record.reason}")
    return gigabytes("VmHWM"), gigabytes("RssFile")


def gigabytes(entry: str) -> float:
    """An entry of this process's status."""
    found = re.search(rf"^{entry}:\s+(\d+) kB$", STATUS.read_text(), flags=re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{STATUS} has no {entry}")
    return int(found[1]) * 1024 / 1e9


if __name__ == "__main__":
    raise SystemExit(main())
