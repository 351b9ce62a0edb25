"""An experiment as data: its variants and how they are trained."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from helpers.checks import choice
from helpers.training import Augment
from study.experiments.measurements import Measurement
from study.experiments.preparation import Change


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One network of an experiment, and the data it is trained on.

    Functions are those of a module, or a `partial` of one with keywords: then they can be pickled, and the
    record can name them with their arguments.

    Attributes:
        name: the part after the slash in "mnist/s1-same".
        build: function that makes the untrained network.
        seeds: how many runs are recorded, of seeds 0 to seeds - 1.
        changes: changes of images and labels before the run, in this order; the same for every seed.
        augment: function that changes each training batch.
    """

    name: str
    build: Callable[[], nn.Module]
    seeds: int
    changes: tuple[Change, ...] = ()
    augment: Augment | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The network's name and arguments, its changes and its augmentation if any, for the record."""
        optional = {
            "changes": [_described(change) for change in self.changes],
            "augment": _described(self.augment) if self.augment else None,
        }
        build = _described(self.build)
        return {"model": build.pop("name"), **build, **_given(optional)}


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Networks trained alike on one data set, over seeds.

    The same seed gives every variant the same order of images, the same initial draws and the same dropout.

    Attributes:
        name: the part before the slash in "mnist/s1-same".
        question: the question that it is to answer, in one line.
        data: "mnist" or "fashion-mnist".
        variants: the networks that are compared.
        epochs: passes over the training images.
        batch_size: images per training step.
        learning_rate: Adam's.
        epsilon: Adam's; 1e-7 is Keras's default, torch's is 1e-8.
        validation: how many training images are held out to validate on, the same for every seed; with 0 the
            test images validate.
        tolerance: points of test accuracy by which a run on another machine may differ from the recorded one.
            Rounding differs there, and after training the two differ as much as two seeds do.
        evaluations: what is measured of each trained network besides its test accuracy.
        test_every_epoch: whether test accuracy is measured after each epoch as well.
    """

    name: str
    question: str
    data: str
    variants: tuple[Variant, ...]
    epochs: int
    batch_size: int
    learning_rate: float = 1e-3
    epsilon: float = 1e-7
    validation: int = 0
    tolerance: float
    evaluations: tuple[Measurement, ...] = ()
    test_every_epoch: bool = False

    @property
    def measurements(self) -> dict[str, Any]:
        """The additional measurements, if any, for the record."""
        return _given(
            {
                "evaluations": [_described(evaluation) for evaluation in self.evaluations],
                "test_every_epoch": self.test_every_epoch,
            }
        )

    def variant(self, name: str) -> Variant:
        """Return the variant of this name.

        Raises:
            ValueError: if there is none.
        """
        by_name = {variant.name: variant for variant in self.variants}
        choice(f"variant of {self.name}", name, by_name)
        return by_name[name]


def _described(function: Callable[..., Any]) -> dict[str, Any]:
    """Name and arguments of a function, as they come back from JSON: tuples as lists."""
    if isinstance(function, partial):
        keywords: dict[str, Any] = json.loads(json.dumps(function.keywords))
        return {"name": function.func.__name__, **keywords}
    return {"name": function.__name__}


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that are not empty: runs recorded before a setting existed are runs without it."""
    return {name: value for name, value in settings.items() if value}
