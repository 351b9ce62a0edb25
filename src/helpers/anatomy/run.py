"""Run a model once to see what it is made of: without numbers if it can be, on random ones if it must."""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace

import pandas as pd
import torch
from torch import Tensor, nn

from helpers.anatomy.failure import IncompleteAnatomy, explain
from helpers.anatomy.inputs import check_model, input_shape
from helpers.anatomy.rows import Row, rows, rows_not_run
from helpers.anatomy.trace import Tracer


def anatomy(model: nn.Module, input_size: int | tuple[int, ...]) -> pd.DataFrame:
    """Read a model layer by layer: a table of one row a layer, in the order of execution.

    The model runs once, in evaluation mode: a copy of it without numbers (on torch's meta device) or, where
    it looks at values, the model itself on one random image, which a note then says. The columns are the
    attributes of `helpers.anatomy.Row`. A layer is a module that calls no other; what a larger module
    computes itself, such as the sum of a residual block, has a row too.

    Args:
        model: any torch module whose `forward` takes one image.
        input_size: pixels of a square image, (height, width), (channels, height, width), or a whole shape
            (batch, channels, height, width). Channels left out are those of the first convolution. The image
            has one axis or three where the first convolution has.

    Raises:
        TypeError: if `model` is no torch module, or `input_size` no integers.
        ValueError: if `input_size` is out of range, or `forward` needs more than one image.
        IncompleteAnatomy: (a ValueError) if the model stops before its end, for example on an input too small
            for it. It names the layer, and its `table` holds the layers before.

    Source: Araujo, Norris & Sim 2019 for receptive field, jump and start.

    >>> net = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3))
    >>> anatomy(net, 28)[["name", "output_shape", "receptive_field", "macs", "pixels_unread"]]
      name    output_shape receptive_field   macs  pixels_unread
    0    0  (1, 8, 13, 13)          (3, 3)  12168             55
    1    1  (1, 8, 13, 13)          (3, 3)      0             55
    2    2  (1, 8, 11, 11)          (7, 7)  69696             55
    """
    check_model(model)
    shape = input_shape(model, input_size)
    tracer, error = _trace_skeleton(model, shape)
    has_numbers = not any(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()])
    remark, place = "", ""
    if error is not None and has_numbers:
        reason, place = str(error).split(". ")[0], _innermost(tracer)
        remark = f"looks at values ({reason}): this table is of one random image"
        tracer, error = _trace_itself(model, shape)
    if error is not None:
        message = explain(tracer, error, input_size, has_numbers=has_numbers)
        raise IncompleteAnatomy(message, _table(list(rows(tracer.events)))) from error
    found = [*rows(tracer.events), *rows_not_run(model, tracer.ran, tracer.unused)]
    if not any(row.kernel_size for row in found):
        remark = "; ".join(filter(None, [remark, "no convolution or pooling in this model"]))
    return _table(_with_remark(found, remark, place))


def _trace_skeleton(model: nn.Module, shape: tuple[int, ...]) -> tuple[Tracer, Exception | None]:
    image = torch.empty(shape, dtype=_dtype(model), device="meta")
    try:
        skeleton = _skeleton(model)
    except Exception as error:  # whatever the model's own copying raises
        return Tracer(model, image), error
    return _trace(skeleton, image)


def _trace_itself(model: nn.Module, shape: tuple[int, ...]) -> tuple[Tracer, Exception | None]:
    first = next(model.parameters(), torch.empty(0))
    with _evaluating(model), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _trace(model, torch.randn(shape, dtype=_dtype(model)).to(first.device))


def _trace(model: nn.Module, image: Tensor) -> tuple[Tracer, Exception | None]:
    """Run a model; an error of its own is returned, since what ran before it is worth seeing."""
    tracer = Tracer(model, image)
    try:
        with warnings.catch_warnings(), tracer.watching():
            warnings.simplefilter("ignore")  # what the model warns of is for who runs it, not who reads it
            model(image)
    except Exception as error:
        return tracer, error
    return tracer, None


def _skeleton(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose tensors have shapes but no numbers, so that it takes no memory."""
    bodiless: dict[int, object] = {}
    for module in model.modules():
        for value in [*module._parameters.values(), *module._buffers.values(), *vars(module).values()]:
            if isinstance(value, Tensor) and value.is_meta:
                bodiless[id(value)] = value
            elif isinstance(value, Tensor):
                empty = torch.empty_like(value, device="meta", requires_grad=False)
                is_parameter = isinstance(value, nn.Parameter)
                bodiless[id(value)] = nn.Parameter(empty, requires_grad=False) if is_parameter else empty
    return copy.deepcopy(model, bodiless).eval()  # what is in the memo counts as copied


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, without the fused kernels that hide which operators run; both are put back."""
    modes = {module: module.training for module in model.modules()}
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    model.eval()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the flags warn of what they are not asked to change
            with torch.backends.mkldnn.flags(enabled=False):
                yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, mode in modes.items():
            module.training = mode


def _dtype(model: nn.Module) -> torch.dtype:
    kinds = (parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
    return next(kinds, torch.get_default_dtype())


def _innermost(tracer: Tracer) -> str:
    return tracer.calls[-1].label if tracer.calls else ""


def _with_remark(found: list[Row], remark: str, place: str) -> list[Row]:
    """The rows, with a remark at the first of the layer called `place`, or at the first of all."""
    if not remark:
        return found
    names = (index for index, row in enumerate(found) if f"{row.name}.".startswith(f"{place}."))
    index = next(names, 0)
    note = "; ".join(filter(None, [remark, found[index].note]))
    return [*found[:index], replace(found[index], note=note), *found[index + 1 :]]


def _table(found: list[Row]) -> pd.DataFrame:
    table = pd.DataFrame([vars(row) for row in found], columns=[field.name for field in fields(Row)])
    return table.astype({"groups": "Int64", "pixels_unread": "Int64"})
