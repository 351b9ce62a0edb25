"""Run a model once and make the table: on the meta device if that is possible, else on a random image."""

import copy
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from helpers.anatomy.model import InputSize, ModelInput, check_model, model_inputs
from helpers.anatomy.table import LayerRow, layer_rows, unused_rows
from helpers.anatomy.trace import Tracer
from helpers.anatomy.windows import window_settings
from helpers.arithmetic import output_size


class IncompleteAnatomy(ValueError):
    """The model stopped before its end.

    Attributes:
        table: what `anatomy` would have returned, up to the layer that failed.
    """

    def __init__(self, message: str, table: pd.DataFrame) -> None:
        super().__init__(message)
        self.table = table


def anatomy(
    model: nn.Module, input_size: InputSize, *, image_dims: Sequence[int] | None = None
) -> pd.DataFrame:
    """Read a model layer by layer: a table with one row for each layer, in the order of execution.

    The model runs once, in evaluation mode. What runs is a copy on torch's meta device, where tensors have
    shapes but no values, so it takes hardly any memory. If the model needs values, as by `if x.sum() > 0`, it
    runs itself instead, on one random image, and a note says so. The columns are the attributes of
    `helpers.anatomy.LayerRow`. A layer is a module that calls no other module. What a larger module computes
    in its own `forward`, such as the sum of a residual block, has a row too. The first note says what was
    assumed about the image.

    Args:
        model: any torch module.
        input_size: pixels of a square image, (height, width), (channels, height, width), or the whole shape,
            such as (batch, channels, height, width) or (batch, time). Channels that are left out are those of
            the first convolution. If that is a `Conv1d` or `Conv3d`, the image has one axis or three. For a
            model that takes several tensors or a dict: a list of whole shapes, or a dict of them by name, of
            which the first is the image.
        image_dims: the dimensions of the whole shape along which the image lies; by default those along which
            the first convolution or pooling slides.

    Raises:
        TypeError: if `model` is no torch module, or `input_size` holds anything but integers.
        ValueError: if `input_size` is out of range, or `forward` needs other arguments.
        IncompleteAnatomy: (a ValueError) if the model stops before its end, for example on an input too small
            for it. The message names the layer, and its `table` holds the layers before.

    Source: Araujo, Norris & Sim 2019 for receptive field, jump and start.

    >>> net = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3))
    >>> anatomy(net, 28)[["name", "output_shape", "receptive_field", "macs", "pixels_unread"]]
      name    output_shape receptive_field   macs  pixels_unread
    0    0  (1, 8, 13, 13)          (3, 3)  12168             55
    1    1  (1, 8, 13, 13)          (3, 3)      0             55
    2    2  (1, 8, 11, 11)          (7, 7)  69696             55
    """
    run = traced(model, input_size, image_dims)
    if run.error is not None:
        message = _explanation(run, input_size)
        raise IncompleteAnatomy(message, _table(list(layer_rows(run.tracer.events)))) from run.error
    found = [*layer_rows(run.tracer.events), *unused_rows(model, run.tracer.ran, run.tracer.unused)]
    remarks = [run.model_input.remark, run.remark]
    if not any(row.kernel_size for row in found):
        remarks.append("no convolution or pooling in this model")
    return _table(_with_remark(found, "; ".join(filter(None, remarks)), run.layer))


def traced(model: nn.Module, input_size: InputSize, image_dims: Sequence[int] | None = None) -> "Run":
    """Run a model on the shape that `input_size` most likely stands for, or on another if that fails."""
    if not isinstance(model, nn.Module):
        check_model(model)
    runs = [Run(model, given) for given in model_inputs(model, input_size, image_dims)[:1]]
    run = runs[0]
    if run.error is not None:
        others = model_inputs(model, input_size, image_dims)[1:]
        if run.tracer.window_dims is not None or _shortfall(
            run.tracer
        ):  # only if another number of axes helps
            others = [given for given in others if len(given.shape) != len(run.model_input.shape)]
        for given in others:
            other = Run(model, given)
            run = run if other.error is not None else other
    slides = run.tracer.window_dims
    if image_dims is None and slides == ():  # the windows slide along other dimensions than those assumed
        every = replace(run.model_input, dims=tuple(range(1, len(run.model_input.shape))))
        slides = Run(model, every).tracer.window_dims
        if slides and slides != run.model_input.dims:
            run = Run(model, run.model_input.along(slides))
    return run


class Run:
    """One run of a model: on the meta device, or if it needs values, on a random image.

    Attributes:
        model_input: the tensors that the model ran on.
        tracer: the operators and modules that ran.
        error: what stopped the model before its end; None if nothing did.
        remark: why the model ran on a random image; empty after a run on the meta device.
        layer: the layer that needs values; empty if none does.
        has_values: whether the model's tensors have values.
    """

    def __init__(self, model: nn.Module, given: ModelInput) -> None:
        self.model_input, self.remark, self.layer = given, "", ""
        try:
            tensors = [*model.parameters(), *model.buffers()]
        except RecursionError:
            raise ValueError(
                f"model must be nested less deeply than Python recurses, got {type(model).__name__}"
            ) from None
        self.has_values = not any(tensor.is_meta for tensor in tensors)
        if self.has_values and _has_masked_weights(model):
            self.tracer, self.error = _trace_itself(model, given)
            self.remark = "some taps of its weights are zero in every filter: this table is of these weights"
            return
        self.tracer, self.error = _trace_on_meta(model, given, has_values=self.has_values)
        if self.error is not None and self.has_values:
            reason, self.layer = str(self.error).split(". ")[0], _innermost(self.tracer)
            self.remark = f"looks at values ({reason}): this table is of one random image"
            self.tracer, self.error = _trace_itself(model, given)


def _has_masked_weights(model: nn.Module) -> bool:
    """Whether a convolution has taps that are zero in every filter, but not all of them."""
    for module in model.modules():
        if isinstance(module, _ConvNd) and module.weight[0, 0].numel() > 1:
            taps = (module.weight.detach() != 0).flatten(2).flatten(0, 1).any(dim=0)
            if bool(taps.any()) and not bool(taps.all()):
                return True
    return False


def _trace_on_meta(
    model: nn.Module, given: ModelInput, *, has_values: bool
) -> tuple[Tracer, BaseException | None]:
    try:
        tensors = {
            key: torch.empty(shape, dtype=_dtype(model), device="meta") for key, shape in given.shapes.items()
        }
    except RuntimeError as error:
        raise ValueError(
            f"input_size must be a shape that a tensor can have, got {given.shape}: {error}"
        ) from None
    try:
        copied = meta_copy(model)
    except Exception as error:  # whatever the model's own copying raises
        return Tracer(model, tensors[given.image], given.dims), error
    masks = {name for name, buffer in model.named_buffers() if buffer.is_meta or bool((buffer == 0).any())}
    return _trace(copied, given, tensors, has_values=has_values, masks=masks)


def _trace_itself(model: nn.Module, given: ModelInput) -> tuple[Tracer, BaseException | None]:
    first = next(model.parameters(), torch.empty(0))
    with evaluating(model), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tensors = {key: random_input(model, shape, first.device) for key, shape in given.shapes.items()}
        return _trace(model, given, tensors)


def _trace(
    model: nn.Module,
    given: ModelInput,
    tensors: dict[Any, Tensor],
    *,
    has_values: bool = False,
    masks: Collection[str] | None = None,
) -> tuple[Tracer, BaseException | None]:
    """Run a model; an error of its own is returned, not raised, so that the layers before it can be shown."""
    tracer = Tracer(model, tensors[given.image], given.dims, has_values=has_values, masks=masks)
    args, kwargs = given.arguments(tensors)
    try:
        with warnings.catch_warnings(), tracer.watching():
            warnings.simplefilter("ignore")  # the model's warnings are for those who use its results
            model(*args, **kwargs)
    except (Exception, SystemExit) as error:
        return tracer, error
    return tracer, None


def meta_copy(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode on the meta device, made without copying any values first."""
    on_meta: dict[int, object] = {}
    for module in model.modules():
        for value in [*module._parameters.values(), *module._buffers.values(), *vars(module).values()]:
            if isinstance(value, Tensor) and value.is_meta:
                on_meta[id(value)] = value
            elif isinstance(value, Tensor):
                empty = torch.empty_like(value, device="meta", requires_grad=False)
                is_parameter = isinstance(value, nn.Parameter)
                on_meta[id(value)] = nn.Parameter(empty, requires_grad=False) if is_parameter else empty
    return copy.deepcopy(model, on_meta).eval()  # deepcopy treats what its memo holds as already copied


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Set evaluation mode and turn off fused kernels, which hide operators; restore both at exit."""
    modes = {module: module.training for module in model.modules()}
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    model.eval()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `flags` warns about the settings that it leaves as they are
            with torch.backends.mkldnn.flags(enabled=False):
                yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, mode in modes.items():
            module.training = mode


def random_input(model: nn.Module, shape: Sequence[int], device: str | torch.device = "cpu") -> Tensor:
    """A random tensor of the dtype that a model computes with; on the meta device, one without values."""
    if torch.device(device).type == "meta":
        return torch.empty(shape, dtype=_dtype(model), device="meta")
    return torch.randn(shape, dtype=_dtype(model)).to(device)


def _dtype(model: nn.Module) -> torch.dtype:
    kinds = (parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
    return next(kinds, torch.get_default_dtype())


def _innermost(tracer: Tracer) -> str:
    return tracer.calls[-1].label if tracer.calls else ""


def _explanation(run: Run, input_size: Any) -> str:
    """Which layer failed, on what, and what to do."""
    tracer, error = run.tracer, run.error
    if not tracer.calls:
        return f"model must be one that can be copied and run, got an error: {error}"
    call = tracer.calls[-1]
    layer = f"layer {call.label!r} ({type(call.module).__name__})"
    shortfall = _shortfall(tracer)
    if shortfall:
        return f"input_size must be large enough for the model, got {input_size!r}: at {layer}, {shortfall}"
    if tracer.following:
        return (
            f"anatomy cannot follow {tracer.following} at {layer}, a fault of its own, not of the model: "
            f"{type(error).__name__}: {error}"
        )
    if not run.has_values and (isinstance(error, NotImplementedError) or "meta" in str(error)):
        return (
            f"model must have weights, for {layer} looks at the values of its input, got one on the meta "
            f"device: build it with weights ({error})"
        )
    if isinstance(error, NotImplementedError):
        return f"anatomy cannot follow {layer}, which may be no fault of the model: {error}"
    shapes = " and ".join(str(tuple(tensor.shape)) for tensor in call.inputs) or "no tensor"
    ran_on = " and ".join(map(str, run.model_input.shapes.values()))
    return (
        f"input_size must suit the model, got {input_size!r}, run on {ran_on}: {layer} fails on {shapes}: "
        f"{error}; pass the whole shape if that is another"
    )


def _shortfall(tracer: Tracer) -> str:
    """The error of `output_size` for a window that is larger than its map; an empty string if none is."""
    name, arguments = tracer.running or ("", {})
    windows = [] if arguments.get("transposed") else window_settings(name, arguments)
    sizes = next(iter(arguments.values())).shape[-len(windows) :] if windows else ()
    for size, window in zip(sizes, windows, strict=True):
        try:
            output_size(size, **window)
        except ValueError as error:
            return str(error)
    return ""


def _with_remark(found: list[LayerRow], remark: str, layer: str) -> list[LayerRow]:
    """The rows, with a remark in the first that belongs to this layer, or in the very first if none does."""
    if not remark:
        return found
    inside = (index for index, row in enumerate(found) if f"{row.name}.".startswith(f"{layer}."))
    index = next(inside, 0)
    note = "; ".join(filter(None, [remark, found[index].note]))
    return [*found[:index], replace(found[index], note=note), *found[index + 1 :]]


def _table(found: list[LayerRow]) -> pd.DataFrame:
    table = pd.DataFrame([vars(row) for row in found], columns=[field.name for field in fields(LayerRow)])
    kinds = {"groups": "Int64", "pixels_unread": "Int64"}
    return table.astype({**kinds, "macs": "Int64"} if table["macs"].isna().any() else kinds)
