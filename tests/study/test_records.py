"""The record of a run: through JSON and back, whole or not at all, with errors that say what to do."""

import errno
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.records import (
    SCHEMA_VERSION,
    ConfidentError,
    Environment,
    Epoch,
    Outcome,
    Record,
    UnreadableRecord,
    capture,
    clear_leftovers,
    environment,
    is_finished,
    path_of,
    per_epoch,
    read,
    recorded,
    records,
    write,
)

ENVIRONMENT = Environment(
    python="3.11.2",
    torch="2.15.0",
    device="cpu",
    processor="a processor",
    threads=1,
    commit="0" * 40,
    dirty=False,
    command="python -m study run mnist",
    finished="2026-01-01T00:00:00+00:00",
)
EPOCH = Epoch(
    epoch=1, train_loss=0.5, train_accuracy=0.8, validation_loss=0.4, validation_accuracy=0.85, seconds=1.5
)


def predictions(images=21, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(4, size=images), generator.dirichlet(np.ones(4), size=images)


def a_record(**changes):
    fields = {
        "experiment": "mnist",
        "variant": "s1-same",
        "seed": 3,
        "settings": {"data": "mnist", "batch_size": 64, "learning_rate": 1e-3},
        "environment": ENVIRONMENT,
        "tolerance": 0.3,
        "epochs": (EPOCH, replace(EPOCH, epoch=2, fitted_loss=0.3, fitted_accuracy=0.9)),
        "test": Outcome.measured(*predictions(), loss=0.4),
        "parameters": 421_642,
        "macs": 4_241_152,
        "extra": {"accuracy-shifted": 0.75},
        "conv1": (((0.1, -0.2), (0.3, 0.4)),),
    }
    return Record(**{**fields, **changes})


def a_failed_record(**changes):
    empty = {"epochs": (), "test": None, "extra": {}, "conv1": None}
    return a_record(reason="the loss is not finite at epoch 1, step 7", **empty, **changes)


def files(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


# --- the outcome


@given(st.integers(1, 40), st.integers(0, 100))
def test_outcome_is_what_the_probabilities_say(images, seed):
    truth, probabilities = predictions(images, seed)
    predicted = probabilities.argmax(axis=1)
    outcome = Outcome.measured(truth, probabilities, loss=1.0, most_confident=3)
    assert outcome.hits().tolist() == (truth == predicted).tolist()
    assert outcome.accuracy == np.mean(truth == predicted)
    assert outcome.images == images
    for row in range(4):
        for column in range(4):
            assert outcome.confusion[row][column] == np.sum((truth == row) & (predicted == column))
    wrong = sorted((-probabilities[i].max(), i) for i in np.flatnonzero(truth != predicted))[:3]
    assert outcome.errors == tuple(
        ConfidentError(i, truth[i], predicted[i], round(-confidence, 6)) for confidence, i in wrong
    )


def test_ten_thousand_images_take_1250_bytes():
    assert len(Outcome.measured(*predictions(10_000), loss=1.0).right) == 1250


def test_outcome_refuses_what_does_not_fit_together():
    outcome = Outcome.measured(*predictions(), loss=1.0)
    with pytest.raises(ValueError, match="right must have the 6 hits of 21 images"):
        replace(outcome, right=bytes([255, 255, 255]))
    with pytest.raises(ValueError, match="in 4 bytes"):
        replace(outcome, right=outcome.right + b"\0")
    with pytest.raises(ValueError, match=r"probabilities must be \(images, classes\) for \(21,\) labels"):
        Outcome.measured(predictions(21)[0], predictions(20)[1], loss=1.0)


# --- the record


@pytest.mark.parametrize("record", [a_record(), a_failed_record(), a_record(conv1=None, seed=0)])
def test_a_record_comes_back_as_it_was(tmp_path, record):
    assert read(write(record, tmp_path)) == record


def test_a_record_of_ten_thousand_images_is_small(tmp_path):
    path = write(a_record(test=Outcome.measured(*predictions(10_000), loss=0.4)), tmp_path)
    assert path.stat().st_size < 6_000
    version_checksum_and_braces = 4
    assert len(path.read_text().splitlines()) == len(asdict(a_record())) + version_checksum_and_braces


@pytest.mark.parametrize("name", ["", "Mnist", "a/b", "..", "a--b", "-a", "s1_same", None])
def test_refuses_names_that_are_no_folder_everywhere(name):
    for kind in ("experiment", "variant"):
        with pytest.raises(ValueError, match=f"{kind} must be lower-case letters, digits and single hyphens"):
            a_record(**{kind: name})


@pytest.mark.parametrize("seed", [-1, 1.0, "1", True])
def test_refuses_seeds_that_are_none(seed):
    with pytest.raises(ValueError, match="seed must be a whole number from 0"):
        a_record(seed=seed)


def test_a_finished_run_has_results_and_a_failed_one_a_reason():
    for missing in ({"test": None}, {"epochs": ()}):
        with pytest.raises(ValueError, match="epochs and test must be given for a finished run"):
            a_record(**missing)
    assert a_record().seconds == 3.0
    assert a_record().outcome == a_record().test
    assert a_failed_record().failed
    with pytest.raises(ValueError, match="got mnist/s1-same/3, which failed: the loss is not finite"):
        _ = a_failed_record().outcome


# --- storing


def test_a_run_has_its_own_file(tmp_path):
    write(a_record(), tmp_path)
    write(a_record(seed=12), tmp_path)
    write(a_record(variant="s2-same"), tmp_path)
    assert files(tmp_path) == ["mnist/s1-same/12.json", "mnist/s1-same/3.json", "mnist/s2-same/3.json"]
    assert is_finished(tmp_path, "mnist", "s1-same", 12)
    assert not is_finished(tmp_path, "mnist", "s1-same", 4)
    with pytest.raises(ValueError, match="variant must be"):
        path_of(tmp_path, "mnist", "../s1", 3)


def test_records_come_in_order_and_by_name(tmp_path):
    for variant, seed in [("b", 10), ("a", 2), ("b", 9)]:
        write(a_record(variant=variant, seed=seed), tmp_path)
    write(a_record(experiment="fashion", variant="a", seed=1), tmp_path)
    (tmp_path / "LOG.md").write_text("no record")

    def found(**names):
        return [(record.experiment, record.variant, record.seed) for record in records(tmp_path, **names)]

    assert found() == [("fashion", "a", 1), ("mnist", "a", 2), ("mnist", "b", 9), ("mnist", "b", 10)]
    assert found(experiment="mnist", variant="b") == [("mnist", "b", 9), ("mnist", "b", 10)]
    assert not list(records(tmp_path / "nowhere"))


def test_a_failed_run_never_stands_in_the_way_of_a_finished_one(tmp_path):
    write(a_failed_record(), tmp_path)
    assert [record.failed for record in records(tmp_path)] == [True]
    assert not is_finished(tmp_path, "mnist", "s1-same", 3)
    write(a_record(), tmp_path)
    assert files(tmp_path) == ["mnist/s1-same/3.json"]
    write(a_failed_record(), tmp_path)  # another sweep had begun the same run, and lost it
    assert [record.failed for record in records(tmp_path)] == [False]
    assert is_finished(tmp_path, "mnist", "s1-same", 3)


def store_many(root, variant):
    for seed in range(10):
        write(a_record(seed=seed), root)
        write(a_record(variant=variant, seed=seed), root)


def test_two_sweeps_at_once_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    sweeps = [context.Process(target=store_many, args=(tmp_path, name)) for name in ("one", "two")]
    for sweep in sweeps:
        sweep.start()
    for sweep in sweeps:
        sweep.join()
    assert [sweep.exitcode for sweep in sweeps] == [0, 0]
    assert len(list(records(tmp_path))) == 30
    assert not [name for name in files(tmp_path) if not name.endswith(".json")]


WRITER = """
import sys
from pathlib import Path
from dataclasses import replace
from study.records import read, write
root, record = Path(sys.argv[1]), read(Path(sys.argv[2]))
print("ready", flush=True)
while True:
    for seed in range(5):
        write(replace(record, seed=seed), root)
"""


def test_a_kill_at_any_moment_leaves_whole_records(tmp_path):
    pattern = write(a_record(), tmp_path / "pattern")
    for delay in (0.01, 0.03, 0.06):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "root"), str(pattern)], stdout=subprocess.PIPE
        )
        with writer:
            writer.stdout.readline()
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
    for record in records(tmp_path / "root"):
        assert record == a_record(seed=record.seed)


def test_a_whole_new_file_takes_the_place_of_the_old_one(tmp_path, monkeypatch):
    path = write(a_record(), tmp_path)
    old, synced = path.stat().st_ino, []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append((os.fstat(file).st_size, read(path).macs)))
    write(a_record(macs=5), tmp_path)
    assert synced == [(path.stat().st_size, a_record().macs)]  # all of it on disk, the old one still there
    assert path.stat().st_ino != old


def full_disk(*arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_costs_only_the_run_that_met_it(tmp_path, monkeypatch):
    write(a_record(), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_disk)
        with pytest.raises(
            OSError, match=r"could not be stored \(No space left.*run the same command"
        ) as caught:
            write(a_record(parameters=1), tmp_path)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename.endswith("3.json")
    assert files(tmp_path) == ["mnist/s1-same/3.json"]
    assert next(records(tmp_path)) == a_record()


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "results").write_text("in the way")
    with pytest.raises(OSError, match=r"could not be stored .* choose another folder"):
        write(a_record(), tmp_path / "results")


def test_a_number_that_is_none_is_not_stored(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(a_record(extra={"accuracy": float("nan")}), tmp_path)
    assert files(tmp_path) == []


def test_leftovers_of_killed_writers_are_cleared_and_those_of_live_ones_are_not(tmp_path):
    path = write(a_record(), tmp_path)
    old, new = path.with_name(".3.json.a.tmp"), path.with_name(".3.json.b.tmp")
    for leftover in (old, new):
        leftover.write_text("{")
    os.utime(old, (0, 0))
    os.utime(path, (0, 0))
    assert list(records(tmp_path)) == [a_record()]
    clear_leftovers(tmp_path)
    assert sorted(p.name for p in path.parent.iterdir()) == [".3.json.b.tmp", "3.json"]


def test_a_leftover_that_goes_away_by_itself_is_no_trouble(tmp_path):
    """A link to nowhere stands in for it: it is listed, and not there when it is looked at."""
    path = write(a_record(), tmp_path)
    path.with_name(".3.json.a.tmp").symlink_to("nowhere")
    clear_leftovers(tmp_path)
    assert list(records(tmp_path)) == [a_record()]


# --- reading what is no record


def changed(path, **fields):
    """Change a record as one of the first schema, which has no checksum to tell."""
    old = {**json.loads(path.read_text()), "schema_version": 1}
    del old["sha256"]
    path.write_text(json.dumps({**old, **fields}))


@given(st.integers(1, 10_000))
def test_a_file_cut_off_anywhere_is_named(tmp_path_factory, length):
    path = write(a_record(), tmp_path_factory.mktemp("cut"))
    text = path.read_text()
    path.write_text(text[: min(length, len(text) - 3)])
    with pytest.raises(UnreadableRecord, match=rf"{path} is cut off or no JSON .*; delete it and run"):
        read(path)


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        (0, "delete it and run"),
        (SCHEMA_VERSION + 1, "update this package"),
        (None, "delete it"),
        (1.0, "delete it"),
        (True, "delete it"),
    ],
)
def test_another_schema_is_named_with_its_remedy(tmp_path, version, remedy):
    path = write(a_record(), tmp_path)
    changed(path, schema_version=version)
    with pytest.raises(UnreadableRecord, match=rf"{path} has schema {version}, .* reads 1 and 2: {remedy}"):
        read(path)


@pytest.mark.parametrize(
    "fields",
    [
        *(
            {"seed": "3"},
            {"test": {}},
            {"epochs": [{}]},
            {"stranger": 1},
            {"environment": None},
            {"test": None},
        ),
        *({"settings": None}, {"settings": []}, {"macs": "many"}, {"macs": 1.5}, {"parameters": True}),
        *({"tolerance": "x"}, {"tolerance": -1}, {"extra": {"share": "0.5"}}, {"conv1": [[["0.1"]]]}),
        {"epochs": [{**asdict(EPOCH), "seconds": "long"}]},
        {"epochs": [{**asdict(EPOCH), "validation_accuracy": 1.5}]},
        {"epochs": [{**asdict(EPOCH), "epoch": 2}]},
        {"environment": {**asdict(ENVIRONMENT), "finished": 5}},
        {"environment": {**asdict(ENVIRONMENT), "threads": 1.0}},
    ],
)
def test_a_record_that_contradicts_itself_is_named(tmp_path, fields):
    path = write(a_record(), tmp_path)
    changed(path, **fields)
    with pytest.raises(UnreadableRecord, match=rf"{path} is no sound record .* restore it with git"):
        read(path)


@pytest.mark.parametrize(
    "text",
    ['{"schema_version": 1, "test": {"loss": NaN}}', "[" * 100_000, '{"seed": ' + "9" * 5_000 + "}"],
    ids=["not a number", "nested without end", "digits without end"],
)
def test_what_the_parser_refuses_is_named_with_its_file(tmp_path, text):
    path = write(a_record(), tmp_path)
    path.write_text(text)
    with pytest.raises(UnreadableRecord, match=rf"{path} is cut off or no JSON"):
        read(path)


@given(st.data())
@settings(max_examples=300)
def test_one_flipped_bit_is_always_found(tmp_path_factory, data):
    path = write(a_record(), tmp_path_factory.mktemp("flipped"))
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, 8 * len(content) - 1))
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)
    with pytest.raises(UnreadableRecord, match=re.escape(str(path))):
        read(path)


def test_a_record_without_its_checksum_is_refused(tmp_path):
    path = write(a_record(), tmp_path)
    body = path.read_text().rpartition(',\n"sha256"')[0]
    path.write_text(body + "\n}\n")
    with pytest.raises(UnreadableRecord, match="was changed since it was written"):
        read(path)


def test_records_from_before_the_checksum_are_read_as_they_were(tmp_path):
    path = write(a_record(), tmp_path)
    changed(path)
    assert read(path) == a_record()


def test_a_link_that_leads_nowhere_is_no_missing_run(tmp_path):
    path = path_of(tmp_path, "mnist", "s1-same", 3)
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "gone")
    assert is_finished(tmp_path, "mnist", "s1-same", 3)
    with pytest.raises(FileNotFoundError, match=re.escape(str(path))):
        read(path)


def test_tampered_predictions_are_seen(tmp_path):
    path = write(a_record(), tmp_path)
    test = json.loads(path.read_text())["test"]
    changed(path, test={**test, "right": "////"})
    with pytest.raises(UnreadableRecord, match=r"right must have the .* got 24 in 3 bytes"):
        read(path)


@pytest.mark.parametrize("content", [b"[]", b"3", b"\xff\xfe\x00"])
def test_a_file_that_is_something_else_is_named(tmp_path, content):
    path = write(a_record(), tmp_path)
    path.write_bytes(content)
    with pytest.raises(UnreadableRecord, match=re.escape(str(path))):
        read(path)


def test_a_record_in_the_wrong_place_is_named(tmp_path):
    path = write(a_record(), tmp_path)
    moved = path.rename(path.with_name("4.json"))
    with pytest.raises(UnreadableRecord, match=r"holds the run mnist/s1-same/3.json: move it there"):
        read(moved)
    with pytest.raises(UnreadableRecord):
        list(records(tmp_path))
    with pytest.raises(FileNotFoundError):
        read(path)


# --- the environment


def test_environment_says_what_ran():
    found = capture(device="cpu", threads=2, command="python -m study run mnist")
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", found.torch)
    assert (found.device, found.threads, found.command) == (
        "cpu",
        2,
        "python -m study run mnist",
    )
    assert found.processor
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", found.finished)
    assert capture(device="cuda", threads=1, command="", processor="a GPU").processor == "a GPU"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("python -m x --results /home/me/out --seeds 20", "python -m x --results out --seeds 20"),
        ("/usr/bin/python -m x --root=/data/mnist", "python -m x --root=mnist"),
        (r"python -m x --root C:\Users\me\out", "python -m x --root out"),
        ("python -m x ~/out results/mnist", "python -m x out results/mnist"),
        ("python -m x --scheduler tcp://host:8786", "python -m x --scheduler tcp://host:8786"),
    ],
)
def test_environment_keeps_no_folder_of_this_machine(typed, kept):
    assert capture(device="cpu", threads=1, command=typed).command == kept


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git checkout with a source folder and a results folder, as this one has."""
    source = tmp_path / "src"
    source.mkdir()
    (source / "code.py").write_text("a = 1\n")

    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    monkeypatch.setattr(environment, "_SOURCE", source)
    environment._commit.cache_clear()
    yield tmp_path, git
    environment._commit.cache_clear()


def commit_and_dirt():
    environment._commit.cache_clear()
    found = capture(device="cpu", threads=1, command="")
    return found.commit, found.dirty


def test_environment_names_the_commit_and_whether_the_code_differs(checkout):
    root, git = checkout
    assert commit_and_dirt() == ("", False)
    git("init", "-q")
    git("add", "src")
    git("commit", "-q", "-m", "first")
    assert commit_and_dirt() == (git("rev-parse", "HEAD"), False)
    (root / "results").mkdir()
    (root / "results" / "3.json").write_text("{}")  # a sweep makes these itself
    assert not commit_and_dirt()[1]
    (root / "src" / "new.py").write_text("b = 2\n")
    assert commit_and_dirt()[1]


def test_environment_keeps_the_commit_that_the_code_was_loaded_from(checkout):
    root, git = checkout
    git("init", "-q")
    git("add", "src")
    git("commit", "-q", "-m", "first")
    before = commit_and_dirt()
    (root / "src" / "code.py").write_text("a = 2\n")
    found = capture(device="cpu", threads=1, command="")
    assert (found.commit, found.dirty) == before


def test_the_finished_runs_of_an_experiment_come_by_variant_in_the_order_of_their_seeds(tmp_path):
    for seed in (10, 2):
        write(a_record(seed=seed), tmp_path)
    write(a_record(seed=0, variant="s2-same"), tmp_path)
    write(a_failed_record(seed=3), tmp_path)
    write(a_record(experiment="other"), tmp_path)
    found = recorded("mnist", root=tmp_path)
    assert {variant: [run.seed for run in runs] for variant, runs in found.items()} == {
        "s1-same": [2, 10],
        "s2-same": [0],
    }
    with pytest.raises(ValueError, match=r"must have finished runs.*got 'minst'.*\['mnist', 'other'\]"):
        recorded("minst", root=tmp_path)


def test_a_quantity_per_epoch_has_a_row_a_run_and_a_column_an_epoch():
    later = replace(EPOCH, epoch=2, train_loss=0.25)
    runs = [a_record(epochs=(EPOCH, later)), a_record(epochs=(replace(EPOCH, train_loss=0.75), later))]
    np.testing.assert_array_equal(per_epoch(runs, "train_loss"), [[0.5, 0.25], [0.75, 0.25]])


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        ("accuracy", "quantity must be one of epoch, train_loss"),
        ("fitted_loss", "quantity must be measured in all"),
    ],
)
def test_a_quantity_that_is_not_there_is_named(quantity, message):
    with pytest.raises(ValueError, match=message):
        per_epoch([a_record()], quantity)


def test_works_without_torch_loaded():
    code = "import sys, study.records; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
