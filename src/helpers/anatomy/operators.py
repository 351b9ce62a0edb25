"""Call the operators of torch: by the names of their arguments, and quickly on tensors without numbers."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor


def arguments_of(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by their names in the operator's schema, defaults included."""
    defaults = _defaults(func)
    return {**defaults, **dict(zip(defaults, args, strict=False)), **kwargs}


def run(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What an operator returns; without numbers two frequent kinds only need the shape they are given.

    Torch finds it by a dozen operators in Python, half of the time that a residual network takes.
    """
    if not (args and isinstance(args[0], Tensor) and args[0].is_meta):
        return func(*args, **kwargs)
    image = args[0]
    if func is torch.ops.aten.native_batch_norm.default and not args[5]:  # not in training
        return torch.empty_like(image), image.new_empty(0), image.new_empty(0)
    return image if _overwrites_alone(func) else func(*args, **kwargs)


@cache
def _overwrites_alone(func: Any) -> bool:
    """Whether an operator changes the one tensor it takes number by number and in place, as `relu_` does."""
    arguments = [argument for argument in func._schema.arguments if "Tensor" in str(argument.type)]
    is_in_place = len(arguments) == 1 and arguments[0].is_write
    return is_in_place and torch.Tag.pointwise in func.tags


@cache
def _defaults(func: Any) -> dict[str, Any]:
    return {argument.name: argument.default_value for argument in func._schema.arguments}
