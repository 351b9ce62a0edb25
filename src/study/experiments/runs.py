"""One training run, from a job to its record, and the cost of its network."""

import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial, reduce
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import torch
from torch import nn

from helpers.arithmetic import macs
from helpers.data import CorruptData, DataUnavailable
from helpers.models import keras_init_
from helpers.training import Epoch, History, choose_device, evaluate, fit, streams
from study.experiments.measurements import Trained
from study.experiments.memory import Adam, hand_back_freed_memory, keep_freed_memory
from study.experiments.plan import Experiment, Variant
from study.experiments.preparation import SPLIT_SEED, Splits, prepare
from study.records import Environment, Outcome, Record, capture, to_json


class Cost(NamedTuple):
    """Number of parameters, and multiply-accumulates for one image, biases excluded."""

    parameters: int
    macs: int


def cost(model: nn.Module, *, size: int = 28) -> Cost:
    """Count the parameters of `model`, and the MACs of its convolutions, dense and LSTM layers for one image.

    Raises:
        TypeError: if a layer with parameters is of another kind.

    >>> cost(nn.Conv2d(1, 32, kernel_size=3, padding=1))
    Cost(parameters=320, macs=225792)
    """
    counted: list[int] = []

    def count(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        counted.append(_macs(module, inputs[0], output))

    learned = [layer for layer in model.modules() if any(True for _ in layer.parameters(recurse=False))]
    hooks = [layer.register_forward_hook(count) for layer in learned]
    was_training = model.training
    with torch.inference_mode():
        model.eval()(torch.zeros(1, 1, size, size))
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    return Cost(sum(parameter.numel() for parameter in model.parameters()), sum(counted))


def _macs(module: nn.Module, input: torch.Tensor, output: torch.Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        height, width = output.shape[-2:]
        kernel_size = module.kernel_size[0], module.kernel_size[1]
        return macs(
            module.in_channels, module.out_channels, kernel_size, (height, width), groups=module.groups
        )
    if isinstance(module, nn.Linear):
        return macs(module.in_features, module.out_features, 1, 1)
    if isinstance(module, nn.LSTM) and module.num_layers == 1:
        gates = 4 * module.hidden_size
        a_step = macs(module.input_size, gates, 1, 1) + macs(module.hidden_size, gates, 1, 1)
        return (2 if module.bidirectional else 1) * input.shape[1] * a_step
    raise TypeError(
        "model must have convolutions, dense layers and LSTMs of one layer only, "
        f"got a layer of type {type(module).__name__}"
    )


# How many of the first training images each epoch is evaluated on: as many as there are test images. The
# number is part of each record.
FITTED_IMAGES = 10_000

# Torch's number of threads, its flags and its global generator belong to the process.
_one_run = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run to do, with what its record needs besides.

    Attributes:
        experiment: the whole experiment, so that it need not be in the catalog of the process that runs it.
        variant: name of one of its variants.
        seed: seed of initial weights, order, dropout and augmentation.
        device: "auto", "cpu", "cuda" or "mps".
        drawn: 0 for the real data; else how many images of the stand-in to train on.
        command: the command line that the user typed.
        rules: digest of each rule, by claim, that will judge this run.
        checkpoints: a folder for the trained weights; None to discard them.
    """

    experiment: Experiment
    variant: str
    seed: int
    device: str = "auto"
    drawn: int = 0
    command: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)
    checkpoints: Path | None = None

    @property
    def name(self) -> str:
        """Such as "mnist/s1-same/0"."""
        return f"{self.experiment.name}/{self.variant}/{self.seed}"

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the results except the seed; runs of different settings must not be mixed."""
        plan = self.experiment
        return {
            "data": plan.data,
            "stand_in": self.drawn,
            **plan.variant(self.variant).settings,
            "epochs": plan.epochs,
            "batch_size": plan.batch_size,
            "optimizer": "Adam",
            "learning_rate": plan.learning_rate,
            "epsilon": plan.epsilon,
            "validation": plan.validation,
            "split_seed": SPLIT_SEED if plan.validation else None,
            "fitted_images": FITTED_IMAGES,
            **plan.measurements,
        }

    def failure(self, reason: str) -> Record:
        """The record of a failed run."""
        return Record(**self._identity(), environment=_environment(self), reason=reason)

    def success(self, environment: Environment, **results: Any) -> Record:
        """The record of a finished run."""
        return Record(**self._identity(), environment=environment, **results)

    def other_settings(self, record: Record) -> list[str]:
        """Names of the settings in which a recorded run differs from this one, rules not counted."""
        stored = {name: value for name, value in record.settings.items() if name != "rules"}
        asked, absent = self.settings, object()
        return sorted(name for name in stored | asked if stored.get(name, absent) != asked.get(name, absent))

    def _identity(self) -> dict[str, Any]:
        return {
            "experiment": self.experiment.name,
            "variant": self.variant,
            "seed": self.seed,
            "settings": {**self.settings, "rules": dict(self.rules)},
            "tolerance": self.experiment.tolerance,
        }


def run(job: Job) -> Record:
    """Train, test and record one network; an error goes into the record, except for missing data.

    One thread on a CPU, repeatable kernels in full float32 on a GPU: the same job gives the same numbers to
    the bit on the same machine, however many run beside it, and no kernel rounds more coarsely than a CPU's.
    A process does one run at a time; where a worker has several threads, the others wait.

    Raises:
        DataUnavailable, CorruptData: as `helpers.data.load` does; nothing else.
    """
    with (
        _one_run,
        _one_thread(),
        torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False),
    ):
        try:
            _environment(job)  # caches the commit now, before it can change during the run
            record = _trained(job)
            to_json(record)  # a number that cannot be stored fails this run, not the sweep that stores it
            return record
        except (DataUnavailable, CorruptData):  # every other run would fail, too
            raise
        except Exception as error:  # a sweep goes on without this run, and a later one can repeat it
            return job.failure(f"{type(error).__name__}: {error}")


def _trained(job: Job) -> Record:
    plan, variant = job.experiment, job.experiment.variant(job.variant)
    unchanged = prepare(plan.data, validation=plan.validation, drawn=job.drawn)
    splits = reduce(lambda before, change: change(before), variant.changes, unchanged)
    model = untrained(variant, job.seed)
    counted = cost(model)
    history, tested = _fit(model, splits, job)
    result = evaluate(model, splits.test)
    trained = Trained(
        model=model, untrained=partial(untrained, variant, job.seed), splits=splits, unchanged=unchanged
    )
    extra = dict(tested)
    for evaluation in plan.evaluations:
        extra |= evaluation(trained)
    record = job.success(
        _environment(job),
        epochs=history.epochs,
        test=Outcome.measured(splits.test.labels, result.probabilities, loss=result.loss),
        parameters=counted.parameters,
        macs=counted.macs,
        extra=extra,
        conv1=_first_kernels(model) if job.seed == 0 else None,
    )
    if job.checkpoints is not None:
        _keep(model, job.checkpoints / f"{job.name}.pt")
    return record


def untrained(variant: Variant, seed: int) -> nn.Module:
    """The network with the initial weights of a run of this seed."""
    model = variant.build()
    keras_init_(model, streams(seed).initialization)
    return model


def _fit(model: nn.Module, splits: Splits, job: Job) -> tuple[History, dict[str, float]]:
    """Train; return also the test accuracy after each epoch, if the experiment asks for it."""
    plan = job.experiment
    tested: dict[str, float] = {}

    def on_epoch(epoch: Epoch) -> None:
        hand_back_freed_memory()  # else free blocks of the wrong size accumulate from epoch to epoch
        if plan.test_every_epoch:
            tested[f"accuracy-epoch-{epoch.epoch}"] = evaluate(model, splits.test).accuracy

    keep_freed_memory()
    hand_back_freed_memory()
    history = fit(
        model,
        splits.train,
        splits.validation,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        seed=job.seed,
        learning_rate=plan.learning_rate,
        epsilon=plan.epsilon,
        optimizer=Adam,
        augment=plan.variant(job.variant).augment,
        fitted_images=FITTED_IMAGES,
        device=job.device,
        on_epoch=on_epoch,
    )
    return history, tested


def _first_kernels(model: nn.Module) -> tuple[tuple[tuple[float, ...], ...], ...]:
    conv1 = next(layer for layer in model.modules() if isinstance(layer, nn.Conv2d))
    kernels = conv1.weight.detach().cpu()[:, 0]  # (filters, height, width)
    return tuple(
        tuple(tuple(round(value, 6) for value in row) for row in kernel) for kernel in kernels.tolist()
    )


def _keep(model: nn.Module, path: Path) -> None:
    """Save the weights, in a file that appears whole or not at all; if that fails, only warn."""
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.tmp")  # another sweep may save the same run
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({name: value.cpu() for name, value in model.state_dict().items()}, unfinished)
        unfinished.replace(path)
    except (OSError, RuntimeError) as error:  # torch raises the latter where the disk is full
        warnings.warn(f"the trained weights are not kept in {path}: {error}", stacklevel=2)
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _environment(job: Job) -> Environment:
    """The environment of this process; for a device that is not available, only its name."""
    device, gpu = job.device, ""
    with suppress(ValueError):  # a run that fails for want of its device is recorded, too
        chosen = choose_device(device)
        device = chosen.type
        gpu = torch.cuda.get_device_name(chosen) if device == "cuda" else ""
    return capture(device=device, threads=torch.get_num_threads(), command=job.command, processor=gpu)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
