"""What to say when a model does not run to its end."""

from typing import Any

import pandas as pd

from helpers.anatomy.trace import Tracer
from helpers.anatomy.windows import settings
from helpers.arithmetic import output_size


class IncompleteAnatomy(ValueError):
    """The model stopped before its end.

    Attributes:
        table: what `anatomy` would have returned, up to the layer that failed.
    """

    def __init__(self, message: str, table: pd.DataFrame) -> None:
        super().__init__(message)
        self.table = table


def explain(tracer: Tracer, error: Exception, input_size: Any, *, has_numbers: bool) -> str:
    """Which layer failed, on what, and what to do."""
    if not tracer.calls:
        return f"the model cannot be run: {error}"
    call = tracer.calls[-1]
    layer = f"layer {call.label!r} ({type(call.module).__name__})"
    shortfall = _shortfall(tracer)
    if shortfall:
        return f"input_size={input_size!r} is too small: at {layer}, {shortfall}"
    if not has_numbers and (isinstance(error, NotImplementedError) or "meta" in str(error)):
        return (
            f"{layer} looks at the values of its input, and this model has none (it is on the meta device): "
            f"build it with weights ({error})"
        )
    shapes = " and ".join(str(tuple(tensor.shape)) for tensor in call.inputs) or "no tensor"
    return f"input_size={input_size!r} does not suit the model: {layer} fails on {shapes}: {error}"


def _shortfall(tracer: Tracer) -> str:
    """What is wrong with a window that is larger than its map; nothing if none is."""
    name, arguments = tracer.running or ("", {})
    windows = [] if arguments.get("transposed") else settings(name, arguments)
    sizes = next(iter(arguments.values())).shape[-len(windows) :] if windows else ()
    for size, window in zip(sizes, windows, strict=True):
        try:
            output_size(size, **window)
        except ValueError as error:
            return str(error)
    return ""
