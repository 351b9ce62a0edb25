"""Adam, as torch computes it, in a process that has no use for torch's compiler."""

from collections.abc import Iterable
from typing import Protocol

import torch
from torch import nn
from torch.optim.adam import adam


class Optimizer(Protocol):
    """What a step of training needs of one; those of `torch.optim` have it."""

    def zero_grad(self) -> None:
        """Forget the gradients."""

    def step(self) -> object:
        """Change the parameters by their gradients."""


class Adam:
    """`torch.optim.Adam`, fused where torch has such a kernel: the same function of torch, the same numbers.

    The class of torch imports torch's compiler, which takes 0.2 GB in each process of a sweep.

    Args:
        parameters: to be changed in place; all of one device.
        lr: learning rate.
        eps: added to the denominator.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, lr: float, eps: float) -> None:
        self.parameters = list(parameters)
        self.lr, self.eps = lr, eps
        self._means = [torch.zeros_like(each) for each in self.parameters]
        self._squares = [torch.zeros_like(each) for each in self.parameters]
        self._steps = [torch.zeros((), device=each.device) for each in self.parameters]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for each in self.parameters:
            each.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Change the parameters by their gradients; those without one stay."""
        rows = zip(self.parameters, self._means, self._squares, self._steps, strict=True)
        known = [(each, each.grad, *state) for each, *state in rows if each.grad is not None]
        changed, gradients, means, squares, steps = (list(column) for column in zip(*known, strict=True))
        adam(
            changed, gradients, means, squares, [], steps,
            fused=changed[0].device.type != "mps", amsgrad=False, maximize=False, weight_decay=0.0,
            beta1=0.9, beta2=0.999, lr=self.lr, eps=self.eps,
        )  # fmt: skip
