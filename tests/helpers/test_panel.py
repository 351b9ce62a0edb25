"""The panel that trains: what its buttons do, what it says, and that no thread is left behind."""

import threading
from functools import cache

import pytest
import torch
from torch import nn

from helpers.data import stand_in
from helpers.models import keras_init_, mnist_cnn
from helpers.panel import PADDINGS, LiveRun, TrainingPanel
from helpers.plots import Curve
from helpers.training import fit, streams

EXAMPLE = LiveRun(stride=2, padding="same-pytorch", images=64, seed=3, accuracy=(41.5,))
RECORDED = [Curve("(1, same)", [[60.0, 70.0], [62.0, 71.0]], stride=1, padding="same")]


@cache
def digits():
    return stand_in("mnist", split="test", size=200)


@pytest.fixture
def panel():
    made = panel_of(mnist_cnn)
    yield made
    made.close()
    assert not [thread for thread in threading.enumerate() if thread is made._thread]


def panel_of(build):
    made = TrainingPanel(build, digits(), digits().first(100), recorded=RECORDED, example=EXAMPLE)
    made.images.value = 128
    return made


class Gate(nn.Module):
    """A network that tells when it is at work, and works on when it is let."""

    def __init__(self):
        super().__init__()
        self.classes = nn.Linear(28 * 28, 10)
        self.at_work, self.may_go = threading.Event(), threading.Event()

    def forward(self, images):
        self.at_work.set()
        assert self.may_go.wait(20)
        return self.classes(images.flatten(1))


def resting(panel):
    return not panel.train_button.disabled and panel.stop_button.disabled


def test_nothing_is_trained_before_somebody_asks(panel):
    assert resting(panel)
    assert panel._thread is None
    assert panel.runs == []


@pytest.mark.parametrize("padding", PADDINGS.values())
def test_a_run_is_the_one_that_fit_makes_and_joins_the_figure(panel, padding):
    panel.stride.value, panel.padding.value, panel.epochs.value, panel.seed.value = 2, padding, 2, 5
    before = panel.picture.value
    panel.train_button.click()
    panel.wait()
    model = mnist_cnn(stride=2, padding=padding)
    keras_init_(model, streams(5).initialization)
    ours = fit(model, digits().first(128), digits().first(100), epochs=2, batch_size=64, seed=5, device="cpu")
    accuracy = tuple(100 * epoch.validation_accuracy for epoch in ours.epochs)
    assert panel.runs == [LiveRun(2, padding, 128, 5, accuracy)]
    assert panel.runs[0].words in panel.picture.value != before
    assert panel.progress.value == panel.progress.max == 4
    assert resting(panel)


def test_runs_add_up(panel):
    for seed in (0, 1):
        panel.seed.value = seed
        panel.start()
        panel.wait()
    assert all(run.words in panel.picture.value for run in panel.runs)
    assert [run.seed for run in panel.runs] == [0, 1]


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("images", 0, "images must be at least 1, got 0"),
        ("images", 201, "images must be at most 200, as many as there are, got 201"),
        ("epochs", 0, "epochs must be at least 1, got 0"),
        ("seed", -1, "seed must be at least 0, got -1"),
    ],
)
def test_what_is_wrong_with_a_setting_stands_in_the_panel(panel, setting, value, words):
    getattr(panel, setting).value = value
    panel.train_button.click()
    assert panel.message.value == words
    assert panel._thread is None
    assert resting(panel)


def test_it_stops_when_it_is_told_to_and_adds_nothing_that_is_not_done():
    gate = Gate()
    panel = panel_of(lambda **_: gate)
    panel.start()
    assert gate.at_work.wait(20)
    panel.start()  # while it trains, asking again changes nothing
    thread = panel._thread
    assert not resting(panel)
    panel.stop_button.click()
    gate.may_go.set()
    panel.wait()
    assert panel._thread is thread
    assert not thread.is_alive()
    assert panel.message.value == "Stopped; 0 of 1 epochs are done."
    assert panel.runs == []
    assert resting(panel)
    panel.start()  # and then it can train again
    panel.wait()
    assert len(panel.runs) == 1
    panel.close()


def test_closing_it_or_making_another_ends_its_thread():
    before = set(threading.enumerate())
    for end in (TrainingPanel.close, lambda _: panel_of(mnist_cnn).close()):
        gate = Gate()
        panel = panel_of(lambda gate=gate, **_: gate)
        panel.start()
        assert gate.at_work.wait(20)
        threading.Timer(0.1, gate.may_go.set).start()
        end(panel)
        assert not panel._thread.is_alive()
        end(panel)
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda logits: torch.inf * logits, "the loss is not finite at epoch 1, step 1"),
        (lambda logits: logits[:, :2], "out of bounds"),
    ],
)
def test_a_training_that_fails_says_so_and_leaves_the_panel_usable(fault, words):
    class Faulty(Gate):
        def forward(self, images):
            return fault(self.classes(images.flatten(1)))

    panel = panel_of(lambda **_: Faulty())
    panel.start()
    panel.wait()
    assert panel.message.value.startswith("The training ended early: ")
    assert words in panel.message.value
    assert panel.runs == []
    assert resting(panel)
    panel.close()


def test_a_page_shows_the_figure_with_the_example_and_no_control(panel):
    data, metadata = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert EXAMPLE.words in data["text/plain"]
    assert "Run this notebook" in data["text/html"]
    assert not {"<button", "<input", "<select"} & set(data["text/html"].split())
    assert metadata["image/png"]["alt"] == data["text/plain"]
