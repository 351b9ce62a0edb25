"""Look for what breaks: kill sweeps and builds at random moments, give tests other random cases than before.

    python tools/soak.py --minutes 5                           the campaigns in turn until the time is over
    python tools/soak.py --only build --seed 7 --minutes 0     one turn of one: what was found, again

A table in the end says what was tried and found; the exit status is 1 if anything was.
"""

from __future__ import annotations

import argparse
import atexit
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
GRACE = 120.0  # seconds for what has been stopped to be gone, on a busy machine
MOST_FAULTS = 4  # in a sweep; then it may end
# Tests that draw their cases by chance: each turn gives them another seed.
TESTS = {
    "arithmetic": ["tests/helpers/test_arithmetic_window.py", "tests/helpers/test_arithmetic_sizes.py"],
    "records": ["tests/study/test_records.py", "-k", "flipped or cut_off"],
    "data": ["tests/helpers/test_data.py", "-k", "changed_anywhere or whatever_was_published"],
    "states": ["tests/browser/test_states.py", "-k", "tampered"],
}
SWEEP = ["run", "mnist", "--variants", "s1-valid", "s2-valid", "--seeds", "4", "--workers", "2"]
SWEEP += ["--stand-in", "64", "--epochs", "1"]
COPIED = ["_config.yml", "book/references.bib", "pyproject.toml", "requirements.lock", "site", "src", "tools"]
INTRO = "# A tiny book\n\n<!-- explorer -->\n"
CONTENTS = "format: jb-book\nroot: book/intro\nchapters:\n- file: notebooks/one\n- file: notebooks/two\n"
CELL = """
import time
from helpers.arithmetic import output_size
time.sleep(1)
print("{}", output_size(8, kernel_size=3))
"""


@dataclass
class Tally:
    """What the turns of a campaign tried and found."""

    turns: int = 0
    tries: int = 0
    faults: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)


class Found(Exception):
    """Something is not as it has to be; the message says what."""


Turn = Callable[[random.Random, Path, Tally], None]


def main() -> int:
    """Run the campaigns and print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (default: 5)")
    parser.add_argument("--only", choices=CAMPAIGNS, help="this campaign only")
    parser.add_argument("--seed", type=int, help="of the first turn; each further one has the next")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    end = time.monotonic() + 60 * options.minutes
    tallies = {name: Tally() for name in CAMPAIGNS if options.only in (None, name)}
    for turn, name in enumerate(cycle(tallies)):
        if turn >= len(tallies) and time.monotonic() > end:
            break
        take_turn(name, seed + turn, tallies[name])
    print(*table(tallies), sep="\n")
    return int(any(tally.findings for tally in tallies.values()))


def take_turn(name: str, seed: int, tally: Tally) -> None:
    """Take one turn of a campaign; whatever it raises is a finding."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"soak-{name}-") as folder:
        try:
            CAMPAIGNS[name](random.Random(f"{name} {seed}"), Path(folder), tally)
        except Exception as error:
            kind = "" if isinstance(error, Found) else f"{type(error).__name__}: "
            tally.findings.append(f"{name}, seed {seed}: {kind}{error}")
            print(tally.findings[-1], flush=True)
    tally.turns += 1
    tally.seconds += time.monotonic() - start
    print(f"{name}, seed {seed}: {time.monotonic() - start:.0f} s", flush=True)


def table(tallies: dict[str, Tally]) -> list[str]:
    """Lines of the table, with the findings below."""
    lines = [f"{'campaign':12}{'turns':>8}{'tries':>8}{'faults':>8}{'found':>8}{'seconds':>9}"]
    for name, each in tallies.items():
        lines.append(
            f"{name:12}{each.turns:8}{each.tries:8}{each.faults:8}{len(each.findings):8}{each.seconds:9.0f}"
        )
    return ["", *lines, *(finding for each in tallies.values() for finding in each.findings)]


# Processes


def start(command: list[str], folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Start a Python command in a group of its own, as a terminal does; its output goes to `folder`/log."""
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=os.environ | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


def strike(process: subprocess.Popen[bytes], chance: random.Random) -> str:
    """Send a signal to a process, to its group, or to one process that it has started; say which.

    Raises:
        Found: if it was to end and did not, or left a process behind.
    """
    started = psutil.Process(process.pid).children(recursive=True)
    number, target = chance.choice(SIGNALS), chance.choice(["group", "parent", "child"])
    if target == "child" and started:
        chance.choice(started).send_signal(number)
    elif target == "group":
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    said = f"{number.name} to {target}"
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise Found(f"{said}: went on for {GRACE:.0f} s") from None
    deadline = time.monotonic() + GRACE
    while alive := [each for each in started if is_alive(each)]:
        if time.monotonic() > deadline:
            left = [" ".join(each.cmdline())[:80] for each in alive]
            for each in alive:
                each.kill()
            raise Found(f"{said}: left {left}")
        time.sleep(0.1)
    return said


def is_alive(process: psutil.Process) -> bool:
    """Whether a process runs; one that has ended may still be listed where nobody waits for it."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def finished(process: subprocess.Popen[bytes], folder: Path) -> int:
    """Wait for the end; return the exit status.

    Raises:
        Found: if there is none in ten minutes.
    """
    try:
        return process.wait(600)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise Found(f"went on for ten minutes; it said: {tail(folder)}") from None


def tail(folder: Path) -> str:
    """The last lines of what a command said."""
    return " / ".join((folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()[-4:])


# Sweeps


def sweep_turn(chance: random.Random, folder: Path, tally: Tally) -> None:
    """Stop a sweep at random moments, go on until all is recorded, compare with one that nobody stopped."""
    reference, usual = undisturbed_sweep()
    said: list[str] = []
    for _ in range(MOST_FAULTS + 3):
        tally.tries += 1
        running = start(["-m", "study", *SWEEP, "--results", str(folder / "results")], folder)
        try:
            status = running.wait(chance.uniform(0, usual) if len(said) < MOST_FAULTS else 600)
        except subprocess.TimeoutExpired:
            said.append(strike(running, chance))
            tally.faults += 1
            continue
        if status == 0:
            break
    else:
        raise Found(f"{said}: never ends well; it says: {tail(folder)}")
    if differing := different_records(reference, folder / "results"):
        raise Found(f"{said}: {differing}")


@cache
def undisturbed_sweep() -> tuple[Path, float]:
    """The records of a sweep that nobody stops, and the seconds that it takes."""
    kept = tempfile.TemporaryDirectory(prefix="soak-reference-")
    atexit.register(kept.cleanup)
    folder = Path(kept.name)
    begin = time.monotonic()
    if finished(start(["-m", "study", *SWEEP, "--results", str(folder / "results")], folder), folder):
        raise Found(f"an undisturbed sweep fails: {tail(folder)}")
    return folder / "results", time.monotonic() - begin


def different_records(one: Path, other: Path) -> list[str]:
    """Names of the runs that are not in both folders, or differ by a bit, times aside."""
    from study.experiments.report import compare
    from study.records import records

    ours, theirs = ({each.name: each for each in records(folder)} for folder in (one, other))
    names = sorted(ours.keys() | theirs.keys())
    return [
        name
        for name in names
        if not (name in ours and name in theirs and compare(ours[name], theirs[name]).identical)
    ]


# Builds


def build_turn(chance: random.Random, folder: Path, tally: Tally) -> None:
    """Stop a build of an edited book at a random moment, build again, compare with an undisturbed one."""
    before, after = undisturbed_builds()
    book = write_book(folder / "book")
    edit(book, "before")
    tally.tries += 1
    if finished(start_build(book), book) or pages(book) != before:
        raise Found(f"an undisturbed build is not as the one before: {tail(book)}")
    edit(book, "after")
    running, second = start_build(book), None
    if chance.random() < 0.2:
        second, said = start_build(book), "two at once"
    else:
        try:
            running.wait(chance.uniform(0, 1.2 * BUILD_SECONDS[0]))
            said = "it ended before"
        except subprocess.TimeoutExpired:
            said = strike(running, chance)
            tally.faults += 1
    statuses = [finished(each, book) for each in (running, second) if each]
    if second and any(statuses):
        raise Found(f"{said}: ended with {statuses}; it says: {tail(book)}")
    if status := finished(start_build(book), book):
        raise Found(f"{said}: the next build ends with {status}; it says: {tail(book)}")
    found = pages(book)
    if wrong := sorted(name for name in found.keys() | after.keys() if found.get(name) != after.get(name)):
        raise Found(f"{said}: the next build has other {wrong[:5]}")


BUILD_SECONDS = [0.0]  # that a build of the tiny book takes; known after the first


@cache
def undisturbed_builds() -> tuple[dict[str, str], dict[str, str]]:
    """The digests of all pages, before and after the edit, each in a folder where nothing was built."""
    found = []
    for state in ("before", "after"):
        with tempfile.TemporaryDirectory(prefix="soak-reference-") as folder:
            book = write_book(Path(folder) / "book")
            edit(book, state)
            begin = time.monotonic()
            if finished(start_build(book), book):
                raise Found(f"an undisturbed build fails: {tail(book)}")
            BUILD_SECONDS[0] = time.monotonic() - begin
            found.append(pages(book))
    return found[0], found[1]


def write_book(folder: Path) -> Path:
    """Write a book of two notebooks with the sources of this one."""
    for name in COPIED:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, target)
    (folder / "_toc.yml").write_text(CONTENTS, encoding="utf-8")
    (folder / "book" / "intro.md").write_text(INTRO, encoding="utf-8")
    (folder / "notebooks").mkdir()
    return folder


def edit(book: Path, state: str) -> None:
    """Write the state into both notebooks, the front page and the style sheet."""
    import nbformat.v4 as notebooks

    for name in ("one", "two"):
        title = notebooks.new_markdown_cell(f"# {name}\n\n{state}", id="title")
        cell = notebooks.new_code_cell(CELL.format(state), id="cell")
        notebook = notebooks.new_notebook(cells=[title, cell])
        (book / "notebooks" / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (book / "book" / "intro.md").write_text(f"{INTRO}\n{state}\n", encoding="utf-8")
    style = (ROOT / "site" / "book.css").read_text(encoding="utf-8")
    (book / "site" / "book.css").write_text(f"{style}\n/* {state} */\n", encoding="utf-8")


def start_build(book: Path) -> subprocess.Popen[bytes]:
    """Start a build."""
    cache = {"PYTHONPYCACHEPREFIX": str(book.parent / "pycache")}
    return start([str(book / "tools" / "build.py")], book, PYTHONPATH=str(book / "src"), **cache)


def pages(book: Path) -> dict[str, str]:
    """The digest of each file of the built book."""
    built = book / "_build" / "html"
    return {
        path.relative_to(built).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(built.rglob("*"))
        if path.is_file() and path.name != ".buildinfo"
    }


# Tests that draw their cases


def test_turn(name: str) -> Turn:
    """A turn that runs tests with cases of its own."""

    def turn(chance: random.Random, folder: Path, tally: Tally) -> None:
        seed = str(chance.randrange(2**32))
        command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=default"]
        command += ["--hypothesis-show-statistics", f"--hypothesis-seed={seed}", f"--rootdir={ROOT}"]
        words = [str(ROOT / word) if word.startswith("tests/") else word for word in TESTS[name]]
        status = finished(start([*command, *words], folder, STRIDE_BOOK_SEED=seed), folder)
        said = (folder / "log").read_text(encoding="utf-8")
        counts = re.findall(r"- (\d+) passing", said) or re.findall(r"(\d+) passed", said)
        tally.tries += sum(map(int, counts))
        if status:
            raise Found("; ".join(re.findall(r"^FAILED .*", said, flags=re.MULTILINE)) or tail(folder))

    return turn


CAMPAIGNS: dict[str, Turn] = {
    "sweep": sweep_turn,
    "build": build_turn,
    **{name: test_turn(name) for name in TESTS},
}

if __name__ == "__main__":
    raise SystemExit(main())
