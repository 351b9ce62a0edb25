"""Training: against a loop written out by hand, to the bit with the same seed, and with clear refusals."""

import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from helpers.training import (
    Examples,
    Streams,
    TrainingDiverged,
    choose_device,
    evaluate,
    fit,
    streams,
    train_one_epoch,
)

CLASSES = 3


def stripes(count, seed=0):
    """Noisy 8 x 8 images, bright in the rows of their class: easy to learn."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=count)
    images = generator.integers(0, 100, size=(count, 8, 8), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 2] += 100
    return Examples(torch.from_numpy(images), torch.from_numpy(labels))


def network(*, dropout=0.0, width=4):
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, width, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(36 * width, CLASSES)
    )


def trained(model, train=None, *, validation=None, **settings):
    """Fit on stripes; settings that a test does not care about are filled in."""
    defaults = {"epochs": 2, "batch_size": 16, "seed": 3, "device": "cpu"}
    return fit(model, train or stripes(100), validation or stripes(40, seed=1), **{**defaults, **settings})


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def without_time(history):
    return [{**vars(epoch), "seconds": 0} for epoch in history.epochs]


# --- learning


def test_learns():
    history = trained(network(), epochs=12)
    assert history.epochs[-1].validation_accuracy > 0.95
    assert history.epochs[-1].validation_loss < history.epochs[0].validation_loss


def test_does_what_the_loop_written_out_does():
    train, model, plain = stripes(50), network(), network()
    trained(model, train, epochs=2, learning_rate=0.01, epsilon=1e-3)

    optimizer = torch.optim.Adam(plain.parameters(), lr=0.01, eps=1e-3, foreach=False)
    order = streams(3).order
    for _ in range(2):
        for batch in torch.randperm(50, generator=order).split(16):
            optimizer.zero_grad()
            F.cross_entropy(plain(train.images[batch, None] / 255), train.labels[batch]).backward()
            optimizer.step()
    torch.testing.assert_close(weights(model), weights(plain), rtol=1e-4, atol=1e-6)


def test_running_score_weighs_a_short_last_batch_by_its_images():
    train = stripes(37)
    model = network()
    (epoch,) = trained(model, train, validation=train, epochs=1, learning_rate=0.0).epochs
    assert epoch.train_accuracy == epoch.validation_accuracy
    assert epoch.train_loss == pytest.approx(epoch.validation_loss, rel=1e-6)


def test_running_score_has_dropout_on_and_the_fitted_score_off():
    train, model = stripes(100), network(dropout=0.5)
    (epoch,) = trained(model, train, epochs=1, learning_rate=0.0, fitted_images=60).epochs
    fitted = evaluate(model, Examples(train.images[:60], train.labels[:60]))
    assert (epoch.fitted_loss, epoch.fitted_accuracy) == (fitted.loss, fitted.accuracy)
    assert epoch.train_loss != pytest.approx(evaluate(model, train).loss, rel=1e-3)


def test_fitted_score_is_none_unless_asked_for():
    (epoch,) = trained(network(), epochs=1).epochs
    assert epoch.fitted_loss is epoch.fitted_accuracy is None


def test_takes_another_optimizer():
    plain, other = network(), network()
    trained(plain)
    trained(other, optimizer=torch.optim.NAdam)
    assert not torch.equal(weights(plain), weights(other))


def test_two_threads_that_train_at_once_draw_from_their_own_streams():
    def run(seed):
        model = models[seed]
        trained(model, stripes(64), seed=seed)
        return weights(model)

    models = [network(dropout=0.5) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        beside = list(threads.map(run, range(4)))
    models = [network(dropout=0.5) for _ in range(4)]
    assert all(map(torch.equal, beside, map(run, range(4))))


def test_reports_each_epoch_as_it_ends():
    seen = []
    history = trained(network(), epochs=3, on_epoch=seen.append)
    assert tuple(seen) == history.epochs
    assert [epoch.epoch for epoch in seen] == [1, 2, 3]
    assert all(epoch.seconds > 0 for epoch in seen)
    assert history.device == "cpu"


# --- evaluating


def test_evaluation_is_torchs_loss_and_the_share_of_hits():
    model, examples = network(), stripes(25)
    logits = model.eval()(examples.images[:, None] / 255)
    found = evaluate(model.train(), examples, batch_size=10)
    assert found.loss == pytest.approx(F.cross_entropy(logits, examples.labels).item(), rel=1e-6)
    assert found.accuracy == (logits.argmax(1) == examples.labels).double().mean().item()
    torch.testing.assert_close(found.probabilities, logits.softmax(1))
    assert torch.equal(found.predictions, logits.argmax(1))


def test_evaluation_switches_dropout_off():
    model = network(dropout=0.9).train()
    assert evaluate(model, stripes(20)).loss == evaluate(model, stripes(20)).loss
    assert not model.training


@pytest.mark.parametrize("form", [lambda x: x[:, None], lambda x: x / 255, lambda x: x[:, None] / 255])
def test_bytes_and_floats_with_and_without_a_channel_are_the_same_images(form):
    examples, model = stripes(20), network()
    other = Examples(form(examples.images), examples.labels)
    assert torch.equal(evaluate(model, examples).probabilities, evaluate(model, other).probabilities)


# --- seeds


def test_the_same_seed_gives_the_same_run_to_the_bit():
    first, second = network(dropout=0.5), network(dropout=0.5)
    history = trained(first, fitted_images=20)
    torch.manual_seed(999)
    again = trained(second, fitted_images=20, on_epoch=lambda epoch: torch.rand(7))
    assert torch.equal(weights(first), weights(second))
    assert without_time(history) == without_time(again)


def test_another_seed_gives_another_run():
    first, second = network(), network()
    trained(first, seed=3)
    trained(second, seed=4)
    assert not torch.equal(weights(first), weights(second))


def test_leaves_the_global_stream_as_it_was():
    model = network(dropout=0.5)
    before = torch.get_rng_state()
    trained(model)
    assert torch.equal(before, torch.get_rng_state())


def spied(model, **settings):
    """What an augmentation sees in a run: the batches, and what it draws."""
    seen = []

    def augment(images, generator):
        seen.append((images.clone(), torch.rand(2, generator=generator)))
        return images

    trained(model, augment=augment, **settings)
    return seen


def test_two_models_with_one_seed_see_the_same_images_in_the_same_order():
    small, large = spied(network()), spied(network(dropout=0.5, width=9))
    for (images, draws), (other_images, other_draws) in zip(small, large, strict=True):
        assert torch.equal(images, other_images)
        assert torch.equal(draws, other_draws)
    assert torch.equal(small[0][1], torch.rand(2, generator=streams(3).augmentation))
    assert not torch.equal(small[0][0], small[7][0])  # each epoch in another order


def test_learns_from_what_the_augmentation_returns():
    dark, plain = network(), network()
    trained(dark, augment=lambda images, generator: torch.zeros_like(images))
    trained(plain)
    assert not torch.equal(weights(dark), weights(plain))


def test_dropout_differs_from_epoch_to_epoch():
    masks = []
    model = network(dropout=0.5)
    model[3].register_forward_hook(lambda module, inputs, output: masks.append(output == 0))
    train = Examples(torch.full((16, 8, 8), 255, dtype=torch.uint8), torch.zeros(16, dtype=torch.int64))
    trained(model, train, epochs=2, learning_rate=0.0)
    learning = [mask for mask in masks if len(mask) == 16]
    assert len(learning) == 2
    assert not torch.equal(*learning)


@given(st.integers(0, 2**70))
def test_streams_repeat_with_the_seed_and_differ_from_one_another(seed):
    draws = [torch.rand(4, generator=generator) for generator in streams(seed)]
    again = [torch.rand(4, generator=generator) for generator in streams(seed)]
    assert all(map(torch.equal, draws, again))
    assert len({tuple(draw.tolist()) for draw in draws}) == len(Streams._fields)


def test_streams_of_two_seeds_share_nothing():
    first, second = streams(0), streams(1)
    assert not {g.initial_seed() for g in first} & {g.initial_seed() for g in second}
    assert streams(np.int64(5)).order.initial_seed() == streams(5).order.initial_seed()


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (1.0, TypeError), (True, TypeError)])
def test_refuses_a_seed_that_is_none(seed, error):
    with pytest.raises(error, match=f"seed must be .*, got (the bool )?{seed}"):
        streams(seed)


# --- what goes wrong


def test_divergence_names_epoch_and_step():
    train = stripes(64)
    images = (train.images / 255).clone()
    images[10, 0, 0] = math.nan
    step = next(
        step
        for step, batch in enumerate(torch.randperm(64, generator=streams(3).order).split(16), start=1)
        if 10 in batch.tolist()
    )
    with pytest.raises(TrainingDiverged, match=f"epoch 1, step {step}"):
        trained(network(), Examples(images, train.labels))


def test_divergence_in_the_last_step_and_in_a_later_epoch_is_seen():
    with pytest.raises(TrainingDiverged, match="epoch 1, step 1"):
        trained(network(), stripes(20), batch_size=20, epochs=1, learning_rate=1e38)

    def spoil(epoch):
        model[0].weight.data.fill_(math.inf)

    model = network()
    with pytest.raises(TrainingDiverged, match="epoch 2, step 1"):
        trained(model, on_epoch=spoil)


def test_divergence_survives_a_trip_between_processes():
    error = pickle.loads(pickle.dumps(TrainingDiverged(2, 5)))
    assert (error.epoch, error.step, str(error)) == (2, 5, str(TrainingDiverged(2, 5)))


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
def test_refuses_counts_below_1_and_fractions(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        trained(network(), **{name: 0})
    with pytest.raises(TypeError, match=f"{name} must be a whole number, got 1.5"):
        trained(network(), **{name: 1.5})


def test_refuses_images_and_labels_that_do_not_match():
    good = stripes(10)
    with pytest.raises(ValueError, match=r"train.labels must have shape \(10,\), got \(9,\)"):
        trained(network(), Examples(good.images, good.labels[:9]))
    with pytest.raises(ValueError, match=r"validation.images must be .*, got \(0, 8, 8\)"):
        trained(network(), validation=Examples(good.images[:0], good.labels[:0]))
    with pytest.raises(ValueError, match=r"train.images must be .*, got \(10, 64\)"):
        trained(network(), Examples(good.images.flatten(1), good.labels))


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_a_gpu_where_there_is_one(monkeypatch, cuda, mps, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto").type == chosen
    assert choose_device("cpu").type == "cpu"


def test_refuses_a_device_that_is_unknown_or_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="device must be 'auto', 'cpu', 'cuda' or 'mps', got 'gpu'"):
        choose_device("gpu")
    with pytest.raises(ValueError, match="device must be one that this machine has, got 'cuda'"):
        trained(network(), device="cuda")


def test_an_epoch_can_be_run_by_itself():
    model, train = network(), stripes(30)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = weights(model)
    score = train_one_epoch(model, train, optimizer, batch_size=10, streams=streams(0))
    assert model.training
    assert not torch.equal(before, weights(model))
    assert 0 <= score.accuracy <= 1 < 2 * score.loss
