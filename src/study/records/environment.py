"""What ran a training run: versions, machine, commit, command."""

import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

_SOURCE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a run comes from.

    Attributes:
        python: version.
        torch: version.
        device: "cpu", "cuda" or "mps".
        processor: name of the CPU or GPU.
        threads: number of threads that torch used.
        commit: full hash of the source's commit; empty if the source is no git checkout.
        dirty: whether the package or its locked dependencies differed from that commit.
        command: the command line that started it, without the folders of this machine.
        finished: time in UTC, ISO 8601.
    """

    python: str
    torch: str
    device: str
    processor: str
    threads: int
    commit: str
    dirty: bool
    command: str
    finished: str


def capture(*, device: str, threads: int, command: str, processor: str = "") -> Environment:
    """Describe this process now; the commit is that of the first call, since the code was loaded from it.

    Args:
        device: "cpu", "cuda" or "mps".
        threads: number of threads that torch uses.
        command: the command line; folders of absolute paths are left out.
        processor: name of the GPU; empty for the name of the CPU.
    """
    commit, dirty = _commit()
    return Environment(
        python=platform.python_version(),
        torch=version("torch"),
        device=device,
        processor=processor or _cpu_name(),
        threads=threads,
        commit=commit,
        dirty=dirty,
        command=_without_folders(command),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _without_folders(command: str) -> str:
    """The command with each absolute path cut down to its last part; addresses such as tcp://host stay."""
    return re.sub(r"(?<![\w.:/])(?:~|[A-Za-z]:)?[/\\](?:[^\s'\"/\\]+[/\\])*", "", command)


@cache
def _commit() -> tuple[str, bool]:
    commit = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--", str(_SOURCE), str(_SOURCE.parent / "requirements.lock"))
    return commit, bool(changed)


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=_SOURCE, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # no git, or no checkout
        return ""
    return done.stdout.strip()


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
