"""One run and its record: the sources' set-ups, the same numbers to the bit, every failure with a reason."""

import datetime
import json
import math
import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from helpers.data import Images, stand_in
from helpers.models import keras_init_, mnist_cnn
from helpers.training import fit, streams
from study.experiments.catalog import EXPERIMENTS, FASHION, MNIST, find
from study.experiments.plan import Experiment, Variant
from study.experiments.preparation import prepare, stratified_split
from study.experiments.report import compare, details, overview, pick, table
from study.experiments.runs import Job, cost, run, untrained
from study.experiments.sweep import plan_jobs, rule_digests
from study.judging import MARGINS, MEASURES, RULES, read_rules
from study.judging.rules import SECONDS_MARGIN
from study.records import Record, read, records, write

ROOT = Path(__file__).resolve().parents[2]

SMALL = Experiment(
    name="small",
    question="Does it run?",
    data="mnist",
    variants=(
        Variant(name="s2-valid", seeds=3, build=partial(mnist_cnn, stride=2, padding="valid")),
        Variant(name="s2-same", seeds=2, build=partial(mnist_cnn, stride=2, padding="same")),
    ),
    epochs=2,
    batch_size=32,
    tolerance=1.0,
)
JOB = Job(experiment=SMALL, variant="s2-valid", seed=0, device="cpu", drawn=320, command="a test")


@pytest.fixture(scope="module")
def record() -> Record:
    return run(JOB)


# The experiments as data


def test_the_experiments_are_those_of_the_sources():
    shape = {
        experiment.name: (experiment.data, experiment.epochs, experiment.batch_size, experiment.validation)
        for experiment in EXPERIMENTS.values()
    }
    assert shape["mnist"] == ("mnist", 3, 64, 0)
    assert shape["fashion-mnist"] == ("fashion-mnist", 8, 128, 6_000)
    for experiment in (MNIST, FASHION):
        assert (experiment.learning_rate, experiment.epsilon) == (1e-3, 1e-7)
    seeds = {variant.name: variant.seeds for variant in MNIST.variants + FASHION.variants}
    assert seeds == {
        "s1-same": 60, "s1-valid": 60, "s2-same": 20, "s2-valid": 20, "s2-same-pytorch": 20,
        "a": 20, "b": 20, "c": 10,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("experiment", "variant", "parameters", "macs"),
    [
        ("mnist", "s1-same", 421_642, 4_241_152),
        ("mnist", "s1-valid", 225_034, 2_631_040),
        ("mnist", "s2-same", 53_002, 385_408),
        ("mnist", "s2-same-pytorch", 53_002, 385_408),
        ("mnist", "s2-valid", 28_426, 131_872),
        ("fashion-mnist", "a", 53_002, 377_632),
        ("fashion-mnist", "b", 225_034, 2_631_040),
        ("fashion-mnist", "c", 51_274, 9_860_864),
    ],
)
def test_the_networks_have_the_size_and_cost_that_was_published(experiment, variant, parameters, macs):
    assert cost(find(experiment).variant(variant).build()) == (parameters, macs)


def test_cost_counts_a_layer_as_often_as_it_runs_and_leaves_the_model_as_it_was():
    layer = nn.Conv2d(1, 1, 3, padding=1)
    twice = nn.Sequential(layer, layer).train()
    assert cost(twice).macs == 2 * cost(layer).macs
    assert twice.training
    assert not layer._forward_hooks


def test_cost_refuses_what_it_cannot_count():
    with pytest.raises(TypeError, match="PReLU"):
        cost(nn.Sequential(nn.Conv2d(1, 4, 3), nn.PReLU()))


def test_an_experiment_travels_to_other_processes():
    for experiment in EXPERIMENTS.values():
        again = pickle.loads(pickle.dumps(experiment))
        assert [variant.settings for variant in again.variants] == [v.settings for v in experiment.variants]


def test_runs_come_seed_by_seed():
    assert plan_jobs(SMALL) == [
        ("s2-valid", 0), ("s2-same", 0), ("s2-valid", 1), ("s2-same", 1), ("s2-valid", 2),
    ]  # fmt: skip
    assert plan_jobs(SMALL, variants=["s2-same"], seeds=3) == [("s2-same", 0), ("s2-same", 1), ("s2-same", 2)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: find("mnits"), "experiment must be one of 'mnist', 'fashion-mnist', .* got 'mnits'"),
        (lambda: SMALL.variant("s3"), "variant of small must be one of 's2-valid', 's2-same'.* got 's3'"),
        (lambda: plan_jobs(SMALL, variants=["s3"]), "variant of small must be one of .* got 's3'"),
        (lambda: plan_jobs(SMALL, seeds=0), "seeds must be at least 1, got 0"),
    ],
)
def test_what_does_not_exist_is_named_beside_what_does(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# The images


def test_the_split_is_stratified_disjoint_and_always_the_same():
    labels = torch.arange(10).repeat_interleave(600)[torch.randperm(6000)]
    kept, out = stratified_split(labels, held_out=600)
    assert torch.bincount(labels[out]).tolist() == [60] * 10
    assert sorted(kept.tolist() + out.tolist()) == list(range(6000))
    again = stratified_split(labels, held_out=600)
    assert torch.equal(again[0], kept)
    assert not torch.equal(stratified_split(labels, held_out=600, seed=1)[1], out)


@pytest.mark.parametrize("held_out", [1, 7, 33, 99])
def test_uneven_classes_give_their_share_to_within_one(held_out):
    labels = torch.tensor([0] * 50 + [1] * 30 + [2] * 20)
    _, out = stratified_split(labels, held_out=held_out)
    shares = torch.bincount(labels[out], minlength=3)
    assert shares.sum() == held_out
    assert (shares - torch.tensor([0.5, 0.3, 0.2]) * held_out).abs().max() <= 1


@pytest.mark.parametrize("held_out", [0, 100, 101])
def test_a_split_leaves_something_on_both_sides(held_out):
    with pytest.raises(ValueError, match=f"held_out must be from 1 to .*, got {held_out}"):
        stratified_split(torch.zeros(100, dtype=torch.int64), held_out=held_out)


def test_without_held_out_images_the_test_images_validate():
    splits = prepare("mnist", validation=0, drawn=80)
    assert splits.validation is splits.test
    assert (len(splits.train), len(splits.test)) == (80, 20)


@pytest.mark.parametrize("drawn", [1, 3, 4])
def test_however_few_images_are_drawn_none_is_a_real_one(drawn):
    splits = prepare("mnist", validation=0, drawn=drawn)
    assert splits.test.is_stand_in
    assert (len(splits.train), len(splits.test)) == (drawn, 1)


def test_held_out_images_are_not_learned_from():
    splits = prepare("fashion-mnist", validation=20, drawn=80)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (60, 20, 20)
    rows = [tuple(image.flatten().tolist()) for image in splits.validation.images]
    learned = {tuple(image.flatten().tolist()) for image in splits.train.images}
    assert learned.isdisjoint(rows)


# One run


def test_a_record_holds_what_the_design_asks(record):
    assert (record.experiment, record.variant, record.seed) == ("small", "s2-valid", 0)
    assert not record.failed
    assert [epoch.epoch for epoch in record.epochs] == [1, 2]
    assert all(0 <= epoch.fitted_accuracy <= 1 and epoch.seconds > 0 for epoch in record.epochs)
    assert record.outcome.images == 80
    assert len(record.outcome.errors) > 0
    assert (record.parameters, record.macs) == (28_426, 131_872)
    environment = record.environment
    assert (environment.device, environment.threads, environment.command) == ("cpu", 1, "a test")
    assert record.tolerance == 1.0


def test_a_record_says_all_that_decided_its_numbers(record):
    assert record.settings == {
        "data": "mnist", "stand_in": 320, "model": "mnist_cnn", "stride": 2, "padding": "valid", "epochs": 2,
        "batch_size": 32, "optimizer": "Adam", "learning_rate": 1e-3, "epsilon": 1e-7, "validation": 0,
        "split_seed": None, "fitted_images": 10_000, "rules": {},
    }  # fmt: skip


def test_the_rules_that_will_judge_a_run_are_in_its_record():
    judged = run(replace(JOB, rules={"M-04": "0" * 64}))
    assert judged.settings["rules"] == {"M-04": "0" * 64}


def test_the_run_is_training_with_these_settings_and_nothing_else(record):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = mnist_cnn(stride=2, padding="valid")
    keras_init_(model, streams(0).initialization)
    train, test = (
        stand_in("mnist", split=split, size=size) for split, size in (("train", 320), ("test", 80))
    )
    history = fit(
        model, train, test, epochs=2, batch_size=32, seed=0, learning_rate=1e-3, epsilon=1e-7, device="cpu"
    )
    torch.set_num_threads(threads)
    assert [epoch.validation_loss for epoch in record.epochs] == [e.validation_loss for e in history.epochs]
    assert [epoch.train_loss for epoch in record.epochs] == [e.train_loss for e in history.epochs]
    assert record.outcome.accuracy == history.epochs[-1].validation_accuracy
    assert torch.allclose(torch.tensor(record.conv1), model.conv1.weight[:, 0], atol=1e-6)


def test_the_same_seed_gives_the_same_numbers_to_the_bit(record):
    again = compare(record, run(JOB))
    assert again.identical
    assert again.agrees


def test_another_seed_gives_others_and_no_kernels(record):
    other = run(replace(JOB, seed=1))
    assert not compare(record, other).identical
    assert record.conv1 is not None
    assert other.conv1 is None


def test_the_same_seed_is_the_same_stream_for_every_variant():
    """The first convolutions have the same shape: so they start from the same weights."""
    first, second = (untrained(variant, 7) for variant in SMALL.variants)
    assert torch.equal(first.conv1.weight, second.conv1.weight)
    assert torch.equal(first.conv2.weight, second.conv2.weight)
    assert not torch.equal(first.conv1.weight, untrained(SMALL.variants[0], 8).conv1.weight)


def test_a_run_leaves_the_threads_of_its_process_alone():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert run(replace(JOB, drawn=40)).environment.threads == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_run_asks_a_gpu_for_repeatable_kernels_in_full_float32():
    def seen() -> dict[str, float]:
        """What cuDNN's settings are while the run evaluates its network, as numbers, which a record holds."""
        cudnn = torch.backends.cudnn
        settings = {"enabled": cudnn.enabled, "deterministic": cudnn.deterministic, "tf32": cudnn.allow_tf32}
        return {name: float(is_on) for name, is_on in settings.items()}

    before = seen()
    experiment = replace(SMALL, evaluations=(lambda trained: seen(),))
    assert run(replace(JOB, experiment=experiment, drawn=40)).extra == {
        "enabled": True, "deterministic": True, "tf32": False,
    }  # fmt: skip
    assert seen() == before != {"enabled": True, "deterministic": True, "tf32": False}


def test_a_run_that_diverges_is_recorded_with_its_reason():
    wild = run(replace(JOB, experiment=replace(SMALL, learning_rate=math.inf)))
    assert wild.failed
    assert wild.reason.startswith("TrainingDiverged: the loss is not finite at epoch 1")
    assert wild.test is None


def refuse() -> nn.Module:
    raise MemoryError("no room for the network")


def test_a_run_that_raises_is_recorded_with_its_reason():
    broken = replace(SMALL, variants=(Variant(name="s2-valid", seeds=1, build=refuse),))
    assert run(replace(JOB, experiment=broken)).reason == "MemoryError: no room for the network"


def test_a_run_without_its_device_is_recorded_with_its_reason(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    failed = run(replace(JOB, device="cuda"))
    assert failed.reason.startswith("ValueError: device must be one that this machine has, got 'cuda'")
    assert failed.environment.device == "cuda"
    lost = replace(JOB, device="cuda").failure("the worker process died")
    assert lost.reason == "the worker process died"


def nothing_by_nothing(trained):
    return {"sound": 1.0, "edge-response": math.nan}


def test_a_measure_that_is_no_number_fails_its_run_and_is_named(tmp_path):
    odd = run(replace(JOB, experiment=replace(SMALL, epochs=1, evaluations=(nothing_by_nothing,))))
    assert odd.reason.startswith("ValueError: extra.edge-response=nan: Out of range")
    assert read(write(odd, tmp_path)) == odd


def unmeasurable(trained):
    raise ArithmeticError("cannot be measured")


def test_weights_are_kept_only_of_a_run_that_is_whole(tmp_path):
    job = replace(JOB, experiment=replace(SMALL, epochs=1, evaluations=(unmeasurable,)), checkpoints=tmp_path)
    assert run(job).reason == "ArithmeticError: cannot be measured"
    assert list(tmp_path.rglob("*.*")) == []


def test_weights_that_cannot_be_kept_cost_no_run_and_leave_nothing(tmp_path, monkeypatch):
    def full(state, path):
        path.write_bytes(b"half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr("torch.save", full)
    with pytest.warns(UserWarning, match=r"weights are not kept in .*0\.pt: No space left"):
        kept = run(replace(JOB, drawn=40, checkpoints=tmp_path))
    assert not kept.failed
    assert list(tmp_path.rglob("*.*")) == []


def test_the_trained_weights_are_kept_where_asked(tmp_path, record):
    run(replace(JOB, checkpoints=tmp_path))
    weights = torch.load(tmp_path / "small" / "s2-valid" / "0.pt")
    assert torch.allclose(weights["conv1.weight"][:, 0], torch.tensor(record.conv1), atol=1e-6)
    assert [path.name for path in (tmp_path / "small" / "s2-valid").iterdir()] == ["0.pt"]


def test_real_runs_never_use_the_stand_in(monkeypatch):
    used = []

    def load(name, *, split):
        used.append(split)
        images = stand_in(name, split=split, size=40)
        return Images(images.images, images.labels, images.classes, False, name, split)

    monkeypatch.setattr("study.experiments.preparation.load", load)
    prepare.cache_clear()
    assert run(replace(JOB, drawn=0)).settings["stand_in"] == 0
    prepare.cache_clear()
    assert used == ["train", "test"]


# Checking a record, and reading several


def with_accuracy_off_by(record, images):
    """The same record with so many more wrong predictions."""
    hits = record.outcome.hits().copy()
    confusion = [list(row) for row in record.outcome.confusion]
    for index in np.flatnonzero(hits)[:images]:
        hits[index] = False
    moved = 0
    for place, row in enumerate(confusion):
        while row[place] and moved < images:
            row[place] -= 1
            row[(place + 1) % 10] += 1
            moved += 1
    outcome = replace(
        record.outcome, right=np.packbits(hits).tobytes(), confusion=tuple(map(tuple, confusion))
    )
    return replace(record, test=outcome)


def test_a_repetition_within_the_tolerance_agrees_and_beyond_it_does_not(record):
    off = with_accuracy_off_by(record, 1)  # one of 80 images: 1.25 points
    assert not compare(record, off).identical
    assert not compare(record, off).agrees
    lenient = replace(record, tolerance=1.25)
    assert compare(lenient, off).agrees
    assert compare(record, off).recorded - compare(record, off).repeated == pytest.approx(1.25)


def test_a_run_to_check_is_picked_by_name_or_by_date(record):
    runs = [replace(record, seed=seed) for seed in range(3)] + [record_that_failed()]
    assert pick(runs, name="small/s2-valid/2").seed == 2
    days = [datetime.date(2026, 1, day) for day in range(1, 7)]
    picked = [pick(runs, date=day).seed for day in days]
    assert sorted(picked) == [0, 0, 1, 1, 2, 2]
    assert picked == [pick(runs, date=day).seed for day in days]


def record_that_failed():
    return JOB.failure("TrainingDiverged: on purpose")


@pytest.mark.parametrize(
    ("runs", "name", "message"),
    [
        ([], "", "records must hold a finished run, got none"),
        ([record_that_failed()], "", "records must hold a finished run, got none"),
        (None, "small/s2-valid/9", "such as small/s2-valid/0, got 'small/s2-valid/9'"),
    ],
)
def test_a_run_that_is_not_there_cannot_be_checked(record, runs, name, message):
    with pytest.raises(ValueError, match=message):
        pick([record] if runs is None else runs, name=name)


def test_the_table_counts_runs_and_averages_over_seeds(record):
    runs = [record, with_accuracy_off_by(record, 1), record_that_failed()]
    heading, line = table(runs)
    assert heading.split()[:3] == ["variant", "runs", "failed"]
    mean = 100 * record.outcome.accuracy - 0.625
    assert line.split()[:5] == ["s2-valid", "2", "1", f"{mean:.3f}", f"({1.25 / math.sqrt(2):.3f})"]


def test_details_tell_where_a_record_comes_from(record):
    text = "\n".join(details(record))
    for part in ("seed 0", "a test", "stride 2", record.environment.torch, "epoch 2", "1.0 points"):
        assert part in text
    assert "failed: TrainingDiverged" in "\n".join(details(record_that_failed()))


def test_the_overview_tells_how_much_is_recorded(record):
    lines = list(overview(SMALL, [record, record_that_failed()]))
    assert lines[0] == "small: Does it run?"
    assert lines[1].split() == ["s2-valid", "1", "of", "3", "runs", "recorded"]
    assert lines[2].split() == ["s2-same", "0", "of", "2", "runs", "recorded"]


def test_a_record_survives_the_disk(tmp_path, record):
    assert read(write(record, tmp_path)) == record


# What is committed


def test_what_is_recorded_is_complete_real_and_of_the_catalog():
    """The settings, and the analytic fields, which are computed here again."""
    costs = {
        (experiment.name, variant.name): cost(variant.build())
        for experiment in EXPERIMENTS.values()
        for variant in experiment.variants
    }
    excerpts = dict.fromkeys(("page", "page-garments"), 1_000)  # test images, as many as a page is given
    for record in records(ROOT / "results"):
        job = Job(experiment=find(record.experiment), variant=record.variant, seed=record.seed)
        settings = json.loads(json.dumps(job.settings))
        assert {**record.settings, "rules": None} == {**settings, "rules": None}, job.name
        assert record.settings["stand_in"] == 0
        assert not record.environment.dirty
        assert len(record.environment.commit) == 40
        assert (record.parameters, record.macs) == costs[record.experiment, record.variant]
        assert record.outcome.images == excerpts.get(record.experiment, 10_000)


def test_every_rule_that_judges_a_run_was_there_before_it():
    digests = {name: rule_digests(name) for name in EXPERIMENTS}
    for record in records(ROOT / "results"):
        assert record.settings["rules"] == digests[record.experiment], (record.experiment, record.variant)


def test_the_committed_rules_can_be_read_and_judge_known_runs():
    rules = read_rules(RULES)
    for rule in rules.values():
        assert rule.measure in MEASURES
        margins = {find(experiment).data: MARGINS[find(experiment).data] for experiment in rule.experiments}
        assert {rule.margin} == ({SECONDS_MARGIN} if rule.measure == "seconds" else set(margins.values()))
        for contrast in (rule.contrast, *rule.conditions):
            for name in (contrast.first, contrast.second):
                experiment, variant = name.split("/")
                assert find(experiment).variant(variant).seeds >= rule.seeds
