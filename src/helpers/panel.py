"""A panel of ipywidgets that trains a network in torch, and draws its curve beside those of recorded runs.

It is live in a notebook. A web page has no kernel: there it shows the same figure with one example run.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import ipywidgets as ipw
import numpy as np
from matplotlib.axes import Axes
from torch import Generator, Tensor, nn

from helpers.checks import choice, whole_number
from helpers.data import Images
from helpers.epoch import Epoch
from helpers.models import NetworkPadding, keras_init_
from helpers.plots import Curve, Panel, Picture, color, curves, figure
from helpers.training import fit, streams

PADDINGS: Mapping[str, NetworkPadding] = {
    "none (valid)": "valid",
    "same, as Keras pads": "same",
    "1 on each side, as torch is told": "same-pytorch",
}
"""The paddings to choose from, by their names in the panel: at stride 2, the last two read other pixels."""

_LIVE = "Run this notebook, and it is a panel: choose, train a network yourself, and see its curve here."


@dataclass(frozen=True)
class LiveRun:
    """One run beside the recorded ones: its settings, and the accuracy in percent after each epoch.

    >>> LiveRun(stride=2, padding="same-pytorch", images=6_000, seed=1, accuracy=(91.5, 94.0)).label
    '(2, padding 1), 6,000 images, seed 1'
    """

    stride: int
    padding: NetworkPadding
    images: int
    seed: int
    accuracy: Sequence[float]

    @property
    def label(self) -> str:
        """Its name in the legend."""
        padding = {"same-pytorch": "padding 1"}.get(self.padding, self.padding)
        return f"({self.stride}, {padding}), {self.images:,} images, seed {self.seed}"

    def draw(self, ax: Axes) -> None:
        """Draw it in black and dotted, with open marks if it has no padding."""
        curve = Curve(self.label, self.accuracy, padding="valid" if self.padding == "valid" else "same")
        look = curve.look | {"color": color("ink"), "linestyle": ":", "markeredgecolor": color("ink")}
        ax.plot(np.arange(1, 1 + len(self.accuracy)), self.accuracy, label=self.label, **look)

    @property
    def words(self) -> str:
        """What the drawing shows, for the text alternative."""
        return f"{self.label}: {', '.join(f'{each:.2f}' for each in self.accuracy)}."


class _Stopped(Exception):
    """Somebody asked the training to stop."""


class TrainingPanel:
    """Settings, buttons to train and to stop, a progress bar, and a figure to which each run adds its curve.

    The network is trained in a thread, so that the notebook stays usable. Only one panel is open at a time: a
    new one closes the one before, as when its cell runs again. Closing it ends its thread.

    Args:
        build: makes the untrained network; takes `stride` and `padding`, as `helpers.models.mnist_cnn` does.
        train: the training images; the first of them are used.
        held_out: the images that accuracy is measured on after each epoch.
        recorded: the curves of recorded runs, (runs, epochs) each, in percent.
        example: the run that a web page shows beside them.
        batch_size: images per training step.
        ylabel: the quantity and its unit.

    >>> from helpers.data import stand_in
    >>> from helpers.models import mnist_cnn
    >>> images = stand_in("mnist", split="test", size=64)
    >>> example = LiveRun(stride=2, padding="valid", images=64, seed=0, accuracy=(40.0,))
    >>> panel = TrainingPanel(
    ...     mnist_cnn, images, images, recorded=[Curve("two runs", [[50], [60]])], example=example
    ... )
    >>> panel.images.value = 0
    >>> panel.start()
    >>> panel.message.value
    'images must be at least 1, got 0'
    >>> panel.close()
    """

    _latest: weakref.ReferenceType[TrainingPanel] | None = None

    def __init__(
        self,
        build: Callable[..., nn.Module],
        train: Images,
        held_out: Images,
        *,
        recorded: Sequence[Curve],
        example: LiveRun,
        batch_size: int = 64,
        ylabel: str = "test accuracy, %",
    ) -> None:
        before = TrainingPanel._latest and TrainingPanel._latest()
        if before:
            before.close()
        TrainingPanel._latest = weakref.ref(self)
        self._build, self._train, self._held_out = build, train, held_out
        self._recorded, self._example, self._ylabel = list(recorded), example, ylabel
        self._batch_size = whole_number("batch_size", batch_size, at_least=1)
        self._asked_to_stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.runs: list[LiveRun] = []
        self._make_controls()

    def _make_controls(self) -> None:
        wide = {"layout": {"width": "24rem"}, "style": {"description_width": "8rem"}}
        self.stride = ipw.Dropdown(options=[1, 2], description="stride", **wide)
        named = list(PADDINGS.items())
        self.padding = ipw.Dropdown(options=named, value="same", description="padding", **wide)
        self.images = ipw.IntText(value=min(6_000, len(self._train)), description="training images", **wide)
        self.epochs = ipw.IntText(value=1, description="epochs", **wide)
        self.seed = ipw.IntText(value=0, description="seed", **wide)
        self.train_button = ipw.Button(description="Train", button_style="primary")
        self.stop_button = ipw.Button(description="Stop", disabled=True)
        self.progress = ipw.IntProgress(description="", layout={"width": "24rem"})
        self.message = ipw.Label("Nothing is trained before you ask.")
        self.picture = ipw.HTML(self._drawn(()).html)
        self.train_button.on_click(lambda _: self.start())
        self.stop_button.on_click(lambda _: self.stop())
        settings = [self.stride, self.padding, self.images, self.epochs, self.seed]
        buttons = ipw.HBox([self.train_button, self.stop_button])
        self.box = ipw.VBox([*settings, buttons, self.progress, self.message, self.picture])

    def start(self) -> None:
        """Start training with the current settings; if one is wrong, the panel shows the error."""
        if self._thread and self._thread.is_alive():
            return
        try:
            self._begin()
        except (TypeError, ValueError) as error:
            self.message.value = str(error)

    def stop(self) -> None:
        """Ask the training to stop after the current batch."""
        self._asked_to_stop.set()

    def wait(self) -> None:
        """Wait until the training is over."""
        if self._thread:
            self._thread.join()

    def close(self) -> None:
        """Stop, wait for the end of the thread, and remove the panel."""
        self.stop()
        self.wait()
        self.box.close()

    def _begin(self) -> None:
        stride, padding, seed = self.stride.value, self.padding.value, self.seed.value
        images = whole_number("images", self.images.value, at_least=1)
        if images > len(self._train):
            raise ValueError(f"images must be at most {len(self._train)}, as many as there are, got {images}")
        epochs = whole_number("epochs", self.epochs.value, at_least=1)
        choice("padding", padding, PADDINGS.values())
        model = self._build(stride=stride, padding=padding)
        keras_init_(model, streams(seed).initialization)
        self._asked_to_stop.clear()
        self.progress.value, self.progress.max = 0, epochs * ceil(images / self._batch_size)
        self.train_button.disabled, self.stop_button.disabled = True, False
        self.message.value = f"Training on {images:,} images."
        planned = LiveRun(stride=stride, padding=padding, images=images, seed=seed, accuracy=())
        self._thread = threading.Thread(target=self._run, args=(model, planned, epochs), daemon=True)
        atexit.register(self._end)
        self._thread.start()

    def _run(self, model: nn.Module, planned: LiveRun, epochs: int) -> None:
        """Run in the thread: train, report progress, and add the run to the figure."""
        reached: list[float] = []

        def note(epoch: Epoch) -> None:
            reached.append(100 * epoch.validation_accuracy)
            self.message.value = f"After epoch {epoch.epoch} of {epochs}: {reached[-1]:.2f}%."

        ending = "The training ended early."
        try:
            fit(
                model,
                self._train.first(planned.images),
                self._held_out,
                epochs=epochs,
                batch_size=self._batch_size,
                seed=planned.seed,
                augment=self._unchanged,
                device="cpu",
                on_epoch=note,
            )
            ending = f"Done: {planned.label}."
        except _Stopped:
            ending = f"Stopped; {len(reached)} of {epochs} epochs are done."
        except Exception as error:  # of whatever kind: the panel is where the reader looks
            ending = f"The training ended early: {error}."
        finally:
            if reached:
                self.runs.append(replace(planned, accuracy=tuple(reached)))
                self.picture.value = self._drawn(self.runs).html
            self.message.value = ending
            self.train_button.disabled, self.stop_button.disabled = False, True
            atexit.unregister(self._end)

    def _unchanged(self, batch: Tensor, generator: Generator) -> Tensor:
        """An `augment` that changes nothing; being called with each batch, it counts steps and can stop."""
        if self._asked_to_stop.is_set():
            raise _Stopped
        self.progress.value += 1
        return batch

    def _end(self) -> None:
        self.stop()
        self.wait()

    def _drawn(self, runs: Sequence[LiveRun], *, caption: str | None = None) -> Picture:
        """The recorded curves with their bands, and these runs."""
        panel: Panel = curves(self._recorded, ylabel=self._ylabel, band="run")
        for run in runs:
            panel = panel.plus(run.draw, says=run.words)
        return figure(panel, caption=caption)

    def _repr_mimebundle_(self, **keywords: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = self._drawn([self._example], caption=_LIVE)._repr_mimebundle_()
        live = self.box._repr_mimebundle_(**keywords) or {}
        return {**live, **data}, metadata
