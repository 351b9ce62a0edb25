"""The command line: what it does, how it refuses, and that no kill and no rival loses a run."""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from worker_tasks import ended, run_command

from study.experiments import command
from study.experiments.catalog import MNIST
from study.experiments.command import main
from study.experiments.preparation import prepare
from study.experiments.runs import Job, run
from study.records import path_of, read, records, write

QUICK = ["--stand-in", "64", "--epochs", "1"]


@pytest.mark.usefixtures("forks")
def test_run_show_and_check(tmp_path, capsys):
    folder = ["--results", str(tmp_path)]
    command = ["run", "mnist", "--variants", "s2-valid", "--seeds", "2", "--workers", "1", *QUICK, *folder]
    assert main(command) == 0
    assert "2 runs finished, 0 failed" in capsys.readouterr().out
    assert main(command) == 0
    assert "2 of 2 runs are in" in capsys.readouterr().out
    assert main(["show", "mnist", *folder]) == 0
    assert "s2-valid                  2      0" in capsys.readouterr().out
    assert main(["show", "mnist/s2-valid/1", *folder]) == 0
    assert "python -m study run mnist" in capsys.readouterr().out
    assert main(["check", "mnist/s2-valid/1", *folder]) == 0
    assert "identical to the bit" in capsys.readouterr().out
    assert main(["list", *folder]) == 0
    assert "s2-valid                 2 of 20 runs recorded" in capsys.readouterr().out


def test_check_fails_on_a_record_that_does_not_come_out_again(tmp_path, capsys):
    """The record claims another seed's predictions."""
    job = Job(experiment=replace(MNIST, epochs=1), variant="s2-same", seed=0, device="cpu", drawn=64)
    first, second = run(job), run(replace(job, seed=1))
    assert first.outcome.accuracy != second.outcome.accuracy
    write(replace(first, test=second.test, tolerance=0.0), tmp_path)
    assert main(["check", "mnist/s2-same/0", "--results", str(tmp_path)]) == 1
    assert "BEYOND the tolerance of 0.0" in capsys.readouterr().out


def test_check_refuses_a_record_that_the_catalog_no_longer_describes(tmp_path, capsys):
    job = Job(experiment=replace(MNIST, batch_size=32), variant="s2-same", seed=0, device="cpu", drawn=64)
    write(run(job), tmp_path)
    assert main(["check", "--results", str(tmp_path)]) == 1
    assert "whose batch_size differ" in capsys.readouterr().err


def test_check_refuses_a_record_of_a_setting_that_the_catalog_has_no_more(tmp_path, capsys):
    record = run(Job(experiment=replace(MNIST, epochs=1), variant="s2-same", seed=0, device="cpu", drawn=64))
    write(replace(record, settings={**record.settings, "augment": {"name": "mirrored"}}), tmp_path)
    assert main(["check", "--results", str(tmp_path)]) == 1
    assert (
        "must be a run with the catalog's settings, got mnist/s2-same/0, whose augment differ"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "mnits"], "experiment must be one of 'mnist', 'fashion-mnist', "),
        (["sweep", "mnist", "mnits"], "got 'mnits'"),
        (["show", "mnits"], "got 'mnits'"),
        (["run", "mnist", "--variants", "s3"], "variant of mnist must be one of 's1-same', "),
        (["show", "mnist/s3"], "got 's3'"),
        (["show", "mnist/s1-same/7"], "name must be of recorded runs, got mnist/s1-same/7"),
        (["check", "mnist/s1-same/7"], "records must hold a finished run, got none"),
        (
            ["run", "mnist", *QUICK, "--scheduler", "tcp://127.0.0.1:1"],
            "no scheduler answers at tcp://127.0.0.1:1",
        ),
        (["run", "mnist", *QUICK, "--device", "mps"], "device must be one that this machine has, got 'mps'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    monkeypatch.setattr(command, "cluster_workers", partial(command.cluster_workers, timeout=0.5))
    assert main([*arguments, "--results", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seeds", ["0", "-1", "two", "2.5"])
def test_a_number_of_seeds_is_a_whole_number_from_one(capsys, seeds):
    with pytest.raises(SystemExit) as stopped:
        main(["run", "mnist", f"--seeds={seeds}"])
    assert stopped.value.code == 2
    assert f"must be a whole number from 1, got '{seeds}'" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--epochs", "1"], ["--stand-in", "64"]])
@pytest.mark.parametrize("folder", [[], ["--results", "results"], ["--results", "elsewhere/../results"]])
def test_short_or_drawn_runs_stay_out_of_the_results(tmp_path, capsys, monkeypatch, option, folder):
    monkeypatch.setattr(command, "RECORDED", tmp_path / "results")
    monkeypatch.setattr(command, "_sweep_jobs", lambda options, jobs: 0)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "mnist", *option, *folder]) == 1
    assert "--results must be another folder" in capsys.readouterr().err
    assert main(["run", "mnist", *option, "--results", "elsewhere"]) == 0


def test_a_few_drawn_garments_still_leave_one_to_validate_on(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "_sweep_jobs", lambda options, jobs: asked.extend(jobs))
    options = command._parser().parse_args(
        ["run", "fashion-mnist", "--stand-in", "5", "--results", str(tmp_path)]
    )
    options.command = ""
    options.do(options)
    assert {job.experiment.validation for job in asked} == {1}


@pytest.mark.parametrize("words", [["sweep", "--checkpoints", "mnist"], ["sweep", "--checkpoints", "mnits"]])
def test_an_experiment_is_not_taken_for_the_folder_of_the_checkpoints(capsys, words):
    with pytest.raises(SystemExit):
        command._parser().parse_args(words)  # no more: what was let through would train everything there is
    refusal = f"must be a folder with a slash, got {words[-1]!r}: write ./{words[-1]}"
    assert refusal in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ([], None),
        (["--checkpoints"], command.CHECKPOINTS),
        (["--checkpoints", "./weights"], Path("weights")),
        (["--checkpoints", "/tmp/weights"], Path("/tmp/weights")),
    ],
)
def test_checkpoints_are_kept_in_the_cache_or_where_it_says(words, folder):
    assert command._parser().parse_args(["sweep", "mnist", *words]).checkpoints == folder


def test_data_that_cannot_be_had_stops_the_sweep_without_a_record(tmp_path, capsys, monkeypatch):
    prepare.cache_clear()
    monkeypatch.delenv("STRIDE_BOOK_DATA", raising=False)
    monkeypatch.setenv("STRIDE_BOOK_OFFLINE", "1")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    results = tmp_path / "results"
    assert main(["run", "mnist", "--results", str(results)]) == 1
    assert "the train split of mnist could not be had" in capsys.readouterr().err
    assert list(results.iterdir()) == []


class Interrupts:
    """Finds a module as Ctrl-C finds it: while it is imported."""

    def find_spec(self, name, *_):
        if name == "study.experiments.command":
            raise KeyboardInterrupt


def test_ctrl_c_while_it_is_imported_is_no_traceback(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [Interrupts(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "study.experiments.command")
    handlers = []
    monkeypatch.setattr(signal, "signal", lambda *words: handlers.append(words))
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("study", run_name="__main__")
    assert stopped.value.code == 130
    assert handlers == [(signal.SIGINT, signal.SIG_DFL)]


def living(group):
    """Processes of this group that have not ended; those that nobody has waited for have."""
    listed = subprocess.run(
        ["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    return [row for row in rows if int(row[0]) == group and not row[1].startswith("Z")]


def stored(folder):
    return list(folder.glob("*/*/[!.]*.json"))


def started(forks, words, errors):
    """The process of `python -m study`, which ends with the context."""
    return ended(forks.Process(target=run_command, args=("study.experiments.command", words, errors)))


def test_ctrl_c_ends_a_sweep_in_a_line(forks, tmp_path):
    """A terminal sends it to the workers as well."""
    words = ["run", "mnist", "--results", str(tmp_path / "results")]
    words += ["--variants", "s2-valid", "--seeds", "20", "--workers", "2", *QUICK]
    errors = tmp_path / "errors"
    with started(forks, words, errors) as running:
        while not stored(tmp_path / "results"):
            assert running.is_alive()
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGINT)
        running.join()
        assert running.exitcode == 130
        while living(running.pid):
            time.sleep(0.05)
    assert errors.read_text().splitlines()[-1] == "stopped; the same command goes on from here"
    assert "Traceback" not in errors.read_text()
    assert not any(record.failed for record in records(tmp_path / "results"))


def test_a_sweep_killed_at_any_moment_goes_on_and_two_at_once_lose_nothing(forks, tmp_path):
    """Kill the first with runs stored and one at work; then let two others finish side by side."""
    results = tmp_path / "results"
    words = ["run", "mnist", "--results", str(results), "--seeds", "4", "--workers", "1", *QUICK]
    with started(forks, words, tmp_path / "first") as first:
        while len(stored(results)) < 4:
            assert first.is_alive()
            time.sleep(0.01)
        first.kill()
    before = {path: path.read_bytes() for path in stored(results)}
    assert 4 <= len(before) < 20
    with started(forks, words, tmp_path / "rival") as rival:
        assert main(words) == 0
        rival.join()
        assert rival.exitcode == 0
    found = list(records(results))
    names = {path_of(results, record.experiment, record.variant, record.seed) for record in found}
    assert len(names) == len(found) == 20
    assert {path: path.read_bytes() for path in before} == before
    for path in names:
        assert json.loads(path.read_text())["seed"] == read(path).seed
