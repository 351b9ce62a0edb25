"""Count the convolutions and poolings of published models by their kernel, stride and padding."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import pandas as pd
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from helpers.anatomy.calls import arguments_of, run_operator
from helpers.anatomy.files import load_model
from helpers.anatomy.windows import window_settings
from helpers.checks import whole_number

WindowType = Literal["convolution", "pooling"]
PaddingKind = Literal["1x1", "same", "patches", "valid", "other"]


@dataclass(frozen=True)
class WindowRow:
    """One convolution or pooling of a model; a tuple holds one value for each axis of the image.

    Attributes:
        model: the model's name.
        type: "convolution" or "pooling".
        order: how many of its type run before it in the model.
        kernel_size: elements of the kernel along each axis.
        stride: as torch defines it.
        padding: pixels on each side.
        dilation: as torch defines it.
        groups: the groups of a convolution; of a pooling, None.
        padding_kind: what the padding amounts to, see `padding_kind`.
        size: height and width of the map it reads.
        output_size: height and width of its output.
    """

    model: str
    type: WindowType
    order: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int | None
    padding_kind: PaddingKind
    size: tuple[int, ...]
    output_size: tuple[int, ...]


def census(models: Iterable[str] | None = None, *, input_size: int = 224) -> pd.DataFrame:
    """List every convolution and pooling that runs in some models of torchvision, one row each.

    The models run on the meta device, without weights, and nothing is downloaded. Not counted are transposed
    convolutions, adaptive and global poolings, and separate padding operators.

    Args:
        models: their names; by default all models of torchvision that classify an image.
        input_size: pixels of the square image; only `size` and `output_size` depend on it.

    Returns:
        A table whose columns are the attributes of `WindowRow`, by model and in the order of execution.

    Raises:
        TypeError: if `models` is a single string, or `input_size` no integer.
        ValueError: if there is no such model, or if it does not run on one such image.

    >>> census(["alexnet"]).loc[:2, ["type", "kernel_size", "stride", "padding", "padding_kind"]]
              type kernel_size  stride padding padding_kind
    0  convolution    (11, 11)  (4, 4)  (2, 2)        other
    1      pooling      (3, 3)  (2, 2)  (0, 0)        valid
    2  convolution      (5, 5)  (1, 1)  (2, 2)         same
    """
    if isinstance(models, str):
        raise TypeError(f"models must be a list of names, got the string {models!r}: write [{models!r}]")
    size = whole_number("input_size", input_size, at_least=1)
    names = classification_models() if models is None else models
    found = [vars(row) for name in names for row in _rows(name, size)]
    table = pd.DataFrame(found, columns=[field.name for field in fields(WindowRow)])
    return table.astype({"groups": "Int64"})


def classification_models() -> list[str]:
    """Names of all models of torchvision that classify an image."""
    from torchvision import models  # takes a second to import

    names: list[str] = models.list_models(module=models)
    return names


def padding_kind(
    *, kernel_size: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]
) -> PaddingKind:
    """Classify the padding of a convolution or pooling; each argument holds one value for each axis.

    Returns:
        With padding, "same" if it would keep the size at stride 1, else "other". Without padding, "1x1" for a
        1x1 kernel, "patches" if the windows lie side by side (the stride is the kernel size), else "valid".

    >>> padding_kind(kernel_size=[7, 7], stride=[2, 2], padding=[3, 3], dilation=[1, 1])
    'same'
    """
    if any(padding):
        axes = zip(kernel_size, padding, dilation, strict=True)
        return "same" if all(2 * cells == apart * (taps - 1) for taps, cells, apart in axes) else "other"
    if all(taps == 1 for taps in kernel_size):
        return "1x1"
    return "patches" if list(kernel_size) == list(stride) else "valid"


class _WindowCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves the base untyped
    """Runs every operator as it is, and keeps a row of each convolution and pooling."""

    def __init__(self, model: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows: list[WindowRow] = []
        self._model = model
        self._orders: Counter[str] = Counter()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """See `helpers.anatomy.trace.Tracer`."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        output = run_operator(func, args, kwargs)
        name = func.overloadpacket.__name__
        if name == "convolution" or "pool" in name:
            self._keep(name, arguments_of(func, args, kwargs), output)
        return output

    def _keep(self, name: str, arguments: dict[str, Any], output: Any) -> None:
        windows = window_settings(name, arguments)
        if not windows or arguments.get("transposed"):
            return
        kind: WindowType = "convolution" if name == "convolution" else "pooling"
        result = output if isinstance(output, Tensor) else output[0]
        axes = {
            "kernel_size": tuple(window["kernel_size"] for window in windows),
            "stride": tuple(window["stride"] for window in windows),
            "padding": tuple(window["padding"] for window in windows),
            "dilation": tuple(window["dilation"] for window in windows),
        }
        row = WindowRow(
            self._model,
            kind,
            self._orders[kind],
            **axes,
            groups=arguments.get("groups"),
            padding_kind=padding_kind(**axes),
            size=tuple(next(iter(arguments.values())).shape[-len(windows) :]),
            output_size=tuple(result.shape[-len(windows) :]),
        )
        self._orders[kind] += 1
        self.rows.append(row)


def _rows(name: str, size: int) -> Sequence[WindowRow]:
    """The rows of one model, which runs once."""
    model, counter = load_model(f"torchvision:{name}").eval(), _WindowCounter(name)
    try:
        with torch.no_grad(), counter:
            model(torch.empty(1, 3, size, size, device="meta"))
    except Exception as error:  # whatever the model raises
        raise ValueError(
            f"models must run on one image of input_size={size} pixels, got {name!r}: {error}"
        ) from error
    return counter.rows
