"""Count the windows of published models: which stride and padding they have, and where they sit."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import pandas as pd
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from helpers.anatomy.load import load
from helpers.anatomy.operators import arguments_of, run
from helpers.anatomy.windows import settings
from helpers.checks import whole_number

WindowType = Literal["convolution", "pooling"]
PaddingKind = Literal["1x1", "same", "patches", "valid", "other"]


@dataclass(frozen=True)
class WindowRow:
    """One convolution or pooling of a model; a tuple holds one value for each axis of the image.

    Attributes:
        model: the model's name.
        type: "convolution" or "pooling".
        order: how many of its type run before it.
        kernel_size: taps of the kernel.
        stride: cells from one window to the next.
        padding: cells on each side.
        dilation: cells from one tap to the next.
        groups: groups of channels that are kept apart; of a pooling, None.
        padding_kind: what the padding amounts to, see `padding_kind`.
        size: cells of the map it reads.
        output_size: cells of the map it puts out.
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
    """Every convolution and pooling that runs in some models of torchvision, one row each.

    The models run without numbers, and nothing is downloaded. Not counted are transposed convolutions,
    poolings to a given size such as the global ones, and padding by an operator of its own.

    Args:
        models: their names; by default all models of torchvision that classify an image.
        input_size: pixels of the square image, on which the sizes of the maps depend and nothing else.

    Returns:
        A table whose columns are the attributes of `WindowRow`, by model and in the order of execution.

    Raises:
        TypeError: if `models` is a single string, or `input_size` no integer.
        ValueError: if there is no such model, or if it does not take one such image.

    >>> census(["alexnet"]).loc[:2, ["type", "kernel_size", "stride", "padding", "padding_kind"]]
              type kernel_size  stride padding padding_kind
    0  convolution    (11, 11)  (4, 4)  (2, 2)        other
    1      pooling      (3, 3)  (2, 2)  (0, 0)        valid
    2  convolution      (5, 5)  (1, 1)  (2, 2)         same
    """
    if isinstance(models, str):
        raise TypeError(f"models must be several names, got the string {models!r}: write [{models!r}]")
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
    """What the padding of a window amounts to; each setting holds one value for each axis.

    Returns:
        "1x1" for a single tap without padding; "same" for padding that keeps the size at stride 1; without
        padding, "patches" where the windows lie side by side (stride = kernel) and "valid" where they do
        not; "other" for any other padding.

    >>> padding_kind(kernel_size=[7, 7], stride=[2, 2], padding=[3, 3], dilation=[1, 1])
    'same'
    """
    if any(padding):
        axes = zip(kernel_size, padding, dilation, strict=True)
        return "same" if all(2 * cells == apart * (taps - 1) for taps, cells, apart in axes) else "other"
    if all(taps == 1 for taps in kernel_size):
        return "1x1"
    return "patches" if list(kernel_size) == list(stride) else "valid"


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves the base untyped
    """Notes each convolution and pooling that runs, and passes every operator on."""

    def __init__(self, model: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows: list[WindowRow] = []
        self._model = model
        self._orders: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        output = run(func, args, kwargs)
        name = func.overloadpacket.__name__
        if name == "convolution" or "pool" in name:
            self._note(name, arguments_of(func, args, kwargs), output)
        return output

    def _note(self, name: str, arguments: dict[str, Any], output: Any) -> None:
        windows = settings(name, arguments)
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
    model, watch = load(f"torchvision:{name}").eval(), _Watch(name)
    try:
        with torch.no_grad(), watch:
            model(torch.empty(1, 3, size, size, device="meta"))
    except Exception as error:  # whatever the model raises
        raise ValueError(
            f"model {name!r} cannot be counted on an image of input_size={size} pixels: {error}"
        ) from error
    return watch.rows
