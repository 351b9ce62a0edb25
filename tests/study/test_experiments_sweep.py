"""Many runs: each stored once whatever happens, none run twice without need, every refusal in plain words."""

import errno
import io
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from worker_tasks import no_network

from helpers.models import mnist_cnn
from study.experiments.plan import Experiment, Variant
from study.experiments.runner import Died, local_workers, run_on_workers
from study.experiments.runs import Job, run
from study.experiments.sweep import CLAIM, OtherSettings, rule_digests, sweep, what_is_missing
from study.judging import RULES, read_rules
from study.records import UnreadableRecord, records, write

SMALL = Experiment(
    name="small",
    question="Does it run?",
    data="mnist",
    variants=(
        Variant(name="plain", seeds=3, build=partial(mnist_cnn, stride=2, padding="valid")),
        Variant(name="deadly", seeds=1, build=no_network),
    ),
    epochs=1,
    batch_size=32,
    tolerance=1.0,
)
JOBS = [Job(experiment=SMALL, variant="plain", seed=seed, device="cpu", drawn=64) for seed in range(3)]
RESULTS = Path(__file__).resolve().parents[2] / "results"


@pytest.fixture(scope="module")
def made():
    """One real record, from which the tests that train nothing make others."""
    return run(JOBS[0])


@pytest.fixture
def runner(made):
    """Stands in for the workers: gives every job a record without training, and notes its seed."""

    def give(jobs):
        for job in jobs:
            give.asked.append(job.seed)
            yield job, replace(made, seed=job.seed)

    give.asked = []
    return give


def stored(folder):
    return [(record.variant, record.seed) for record in records(folder)]


def lines(function, *arguments, **options):
    stream = io.StringIO()
    function(*arguments, stream=stream, **options)
    return stream.getvalue().splitlines()


# Storing and going on


def test_every_run_is_stored_and_reported(tmp_path, runner):
    reported = lines(sweep, JOBS, results=tmp_path, runner=runner)
    assert stored(tmp_path) == [("plain", 0), ("plain", 1), ("plain", 2)]
    assert [line.split(":")[0] for line in reported] == [f"[{n}/3] small/plain/{n - 1}" for n in (1, 2, 3)]


def test_each_record_is_there_before_the_next_run_begins(tmp_path, runner):
    def watched(jobs):
        for done, result in enumerate(runner(jobs)):
            assert len(stored(tmp_path)) == done
            yield result

    sweep(JOBS, results=tmp_path, runner=watched, stream=io.StringIO())
    assert len(stored(tmp_path)) == 3


def test_only_what_is_missing_is_run(tmp_path, runner, made):
    write(replace(made, seed=1), tmp_path)
    missing = what_is_missing(JOBS, results=tmp_path)
    sweep(missing, results=tmp_path, runner=runner, stream=io.StringIO())
    assert runner.asked == [0, 2]
    assert what_is_missing(JOBS, results=tmp_path) == []


def test_what_another_sweep_stores_meanwhile_is_not_run_again(tmp_path, runner, made):
    def with_rival(jobs):
        for result in runner(jobs):
            write(replace(made, seed=1), tmp_path)
            yield result

    reported = lines(sweep, JOBS, results=tmp_path, runner=with_rival)
    assert runner.asked == [0, 2]
    assert "small/plain/1: stored meanwhile" in reported[1]
    assert reported[2].endswith("done")


@pytest.fixture
def impatient(monkeypatch):
    """Look at other sweeps' claims without a pause."""
    monkeypatch.setattr("study.experiments.sweep._POLL", 0.01)


@pytest.mark.usefixtures("impatient")
def test_two_sweeps_at_once_train_each_run_once_and_both_end_with_all(tmp_path, made):
    jobs = [replace(JOBS[0], seed=seed) for seed in range(12)]
    asked, began = [], threading.Barrier(2, timeout=60)

    def slow(given):
        if not asked:  # the two begin together; a later round has no one to wait for
            began.wait()
        for job in given:
            asked.append(job.seed)
            time.sleep(0.01)
            yield job, replace(made, seed=job.seed)

    with ThreadPoolExecutor(2) as pool:
        streams = [io.StringIO(), io.StringIO()]
        sweeps = [pool.submit(sweep, jobs, results=tmp_path, runner=slow, stream=each) for each in streams]
        assert [each.result(timeout=60) for each in sweeps] == [0, 0]
    assert sorted(asked) == list(range(12))
    assert [seed for _, seed in stored(tmp_path)] == list(range(12))
    for each in streams:
        assert len(each.getvalue().splitlines()) == 12
    assert not list(tmp_path.glob(f".*{CLAIM}"))


@pytest.mark.usefixtures("impatient")
def test_what_a_dead_sweep_had_claimed_is_run(tmp_path, runner):
    claim = (
        "import os, signal, sys; from pathlib import Path; from filelock import FileLock; "
        f"lock = FileLock(Path(sys.argv[1], '.small-plain-1{CLAIM}')); "
        "lock.acquire(); print('claimed', flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", claim, tmp_path], stdout=subprocess.PIPE, text=True
    ) as rival:
        assert rival.stdout.readline() == "claimed\n"

        def until_it_dies(given):
            yield from runner(given)
            rival.kill()
            rival.wait()

        sweep(JOBS, results=tmp_path, runner=until_it_dies, stream=io.StringIO())
    assert runner.asked == [0, 2, 1]
    assert len(stored(tmp_path)) == 3


def test_a_failed_run_is_stored_with_its_reason_and_tried_again(tmp_path, runner):
    def failing(jobs):
        for job in jobs:
            yield job, job.failure("TrainingDiverged: at once") if job.seed == 1 else Died("out of memory")

    reported = lines(sweep, JOBS, results=tmp_path, runner=failing)
    assert "small/plain/1: FAILED, TrainingDiverged: at once" in reported[1]
    assert [record.reason for record in records(tmp_path)] == [
        "out of memory", "TrainingDiverged: at once", "out of memory",
    ]  # fmt: skip
    assert what_is_missing(JOBS, results=tmp_path) == JOBS
    assert sweep(JOBS, results=tmp_path, runner=runner, stream=io.StringIO()) == 0
    assert not any(record.failed for record in records(tmp_path))


@pytest.mark.usefixtures("forks")
def test_a_worker_that_dies_costs_its_own_run_only(tmp_path):
    jobs = [JOBS[0], replace(JOBS[0], variant="deadly"), JOBS[1]]
    with local_workers(2) as client:
        runner = partial(run_on_workers, run, client=client)
        failed = sweep(jobs, results=tmp_path, runner=runner, stream=io.StringIO())
    assert failed == 1
    reasons = {(record.variant, record.seed): record.reason for record in records(tmp_path)}
    assert reasons.pop(("deadly", 0)) == "the worker process died, 2 times"
    assert reasons == {("plain", 0): "", ("plain", 1): ""}


def test_a_full_disk_stops_the_sweep_and_costs_nothing_stored(tmp_path, runner, monkeypatch):
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device.*make room") as caught:
        sweep(JOBS, results=tmp_path, runner=runner, stream=io.StringIO())
    assert caught.value.errno == errno.ENOSPC
    assert stored(tmp_path) == [("plain", 0)]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["0.json"]
    sweep(what_is_missing(JOBS, results=tmp_path), results=tmp_path, runner=runner, stream=io.StringIO())
    assert len(stored(tmp_path)) == 3


def test_runs_of_other_settings_are_not_mixed(tmp_path, made):
    write(made, tmp_path)
    longer = [replace(job, experiment=replace(SMALL, epochs=2, learning_rate=0.01)) for job in JOBS]
    with pytest.raises(OtherSettings, match=r"0.json was run with another epochs, learning_rate"):
        what_is_missing(longer, results=tmp_path)


def test_other_rules_do_not_make_other_runs(tmp_path, made):
    write(made, tmp_path)
    assert what_is_missing([replace(JOBS[0], rules={"M-01": "1"})], results=tmp_path) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text[: len(text) // 2], "0.json is cut off"),
        (lambda text: "", "0.json is cut off"),
        (lambda text: text.replace('"schema_version": 2', '"schema_version": 0'), "0.json has schema 0"),
    ],
)
def test_a_spoiled_record_stops_the_sweep_before_it_begins(tmp_path, made, spoil, message):
    path = write(made, tmp_path)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(UnreadableRecord, match=message):
        what_is_missing(JOBS, results=tmp_path)


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_run(tmp_path):
    occupied = tmp_path / "results"
    occupied.write_text("a file")
    with pytest.raises(OSError, match=r"no record can be stored here.*results"):
        what_is_missing(JOBS, results=occupied)


def test_a_run_is_told_the_rules_that_will_judge_it():
    rules = read_rules(RULES)
    found = rule_digests("mnist")
    judging = {
        claim for claim, rule in rules.items() if any(name.startswith("mnist/") for name in rule.variants)
    }
    assert found == {claim: rules[claim].digest for claim in judging} != {}
    assert rule_digests("unheard-of") == {}


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_time_left_is_reckoned_from_the_work_done(tmp_path, runner, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("study.experiments.sweep._work", lambda job: {0: 10, 1: 50, 2: 40}[job.seed])
    monkeypatch.setattr("study.experiments.sweep.time.monotonic", lambda: now[0])

    def slow(jobs):
        for result in runner(jobs):
            now[0] += 60 if result[0].seed < 2 else 0
            yield result

    reported = lines(sweep, JOBS, results=tmp_path, runner=slow)
    assert [line.rpartition("; ")[2] for line in reported] == ["9 min 0 s left", "1 min 20 s left", "done"]


def test_on_a_terminal_a_bar_stays_below_the_lines(tmp_path, runner):
    stream = Terminal()
    sweep(JOBS, results=tmp_path, runner=runner, stream=stream)
    shown = stream.getvalue()
    assert [line in shown for line in ("  0%|", " 33%|", " 67%|", "100%|")] == [True] * 4
    for number in range(3):
        assert f"\r[{number + 1}/3] small/plain/{number}: " in shown
    assert shown.endswith("\r")  # the bar is wiped in the end
