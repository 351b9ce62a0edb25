"""Call the operators of torch: by the names of their arguments, and quickly on tensors without numbers."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch


def arguments_of(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by their names in the operator's schema, defaults included."""
    defaults = _defaults(func)
    return {**defaults, **dict(zip(defaults, args, strict=False)), **kwargs}


def run(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What an operator returns; of batch normalization without numbers, a tensor of its shape.

    Torch finds this shape by a dozen operators in Python, half of the time that a residual network takes.
    """
    if func is torch.ops.aten.native_batch_norm.default:
        image, training = args[0], args[5]
        if image.is_meta and not training:
            return torch.empty_like(image), image.new_empty(0), image.new_empty(0)
    return func(*args, **kwargs)


@cache
def _defaults(func: Any) -> dict[str, Any]:
    return {argument.name: argument.default_value for argument in func._schema.arguments}
