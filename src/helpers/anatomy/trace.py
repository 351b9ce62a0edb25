"""Follow one run of a model: every operator that it calls, and what each tensor reads of the image."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from helpers.anatomy.calls import (
    BeforeAfter,
    LayerOutput,
    MapWindow,
    ModuleCall,
    NeedsValues,
    OperatorCall,
    TracedStep,
    arguments_of,
    run_operator,
    tensors_in,
)
from helpers.anatomy.from_onnx import evaluated
from helpers.anatomy.memory import UNTRACED, SharedMemory, TensorRecord, TensorRecords
from helpers.anatomy.paths import Paths, at_most, spread, union
from helpers.anatomy.rules import output_paths

_COPIES = {"_to_copy", "_unsafe_view", "clone", "copy"}  # compute nothing, so they get no row, like views
_STALE = "reads memory that was written through a view: what it reads is not known"
OUTSIDE = "computes outside torch's operators: what it reads and costs is not known"
_T = TypeVar("_T")

_NO_WINDOW = MapWindow(1, 1, (0, 0), 1, size=1, output_size=1, unread=0, padding_unread=(0, 0))


class Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves the base untyped
    """Follows an image through every operator of a model.

    Args:
        model: the model that will run.
        image: the tensor that it will run on.
        dims: the dimensions of `image` that are its axes, such as (2, 3) for height and width.
        has_values: whether the model that runs is a meta copy of one with values.
        masks: names of the buffers that hold zeros, and so may be masks; None if that is not known.

    Attributes:
        events: steps, and module calls that have returned, in the order of execution.
        calls: module calls that have not returned, the innermost last.
        running: name and arguments of the operator that has not returned.
        ran: names of the modules that were called.
        unused: parameters that no operator has read, with their number of elements.
        window_dims: the dimensions of the image along which the first convolution or pooling slides; None
            until one has run, empty if they are not all known.
        following: name of the operator whose rule is running; empty while the model itself runs.
    """

    def __init__(
        self,
        model: nn.Module,
        image: Tensor,
        dims: Sequence[int] = (2, 3),
        *,
        has_values: bool = False,
        masks: Collection[str] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._has_values, self._dims = has_values, dims
        parameters = dict(model.named_parameters())
        self.events: list[TracedStep | ModuleCall] = []
        self.calls: list[ModuleCall] = []
        self.ran: set[str] = set()
        self.running: tuple[str, dict[str, Any]] | None = None
        self.unused = {name: parameter.numel() for name, parameter in parameters.items()}
        self._inside_one = False
        self._readers: dict[str, TracedStep] = {}
        self._names = {id(module): name for name, module in model.named_modules()}
        buffers = [(tensor, masks is None or name in masks) for name, tensor in model.named_buffers()]
        self._records = TensorRecords(image, dims, parameters.items(), buffers)
        self._masked: set[int] = set()  # memory of parameters that were changed by buffers
        self._parameters = {parameter.untyped_storage()._cdata for parameter in parameters.values()}
        self.following = ""
        self.window_dims: tuple[int, ...] | None = None

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from importing its compiler, which takes seconds, only to skip this class."""
        return False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Trace what runs inside, without gradients."""
        hooks = [register_module_forward_pre_hook(self._enter), register_module_forward_hook(self._leave)]
        try:
            with torch.no_grad(), self, _SeenAsOne(self):
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator and record what its output reads."""
        kwargs = kwargs or {}
        if self._inside_one:
            return func(*args, **kwargs)
        arguments = arguments_of(func, args, kwargs)
        changes_shape = torch.Tag.inplace_view in func.tags
        if changes_shape:  # its rule needs the shape from before
            arguments[next(iter(arguments))] = self._records.alias(args[0])
        name = func.overloadpacket.__name__.rstrip("_")
        self.running = "convolution" if name == "_convolution" else name, arguments  # as in TorchScript
        output = run_operator(func, args, kwargs)
        call = self._call(*self.running, output)
        call.func, call.may_need_values = func, self._has_values
        call.is_view = func.is_view or changes_shape
        call.is_pointwise = torch.Tag.pointwise in func.tags
        call.is_in_place = bool(args) and output is args[0] and not changes_shape
        self.following = call.name
        formula = flop_registry.get(func.overloadpacket)
        macs = formula(*args, **kwargs, out_val=output) // 2 if formula else 0  # two flops a MAC
        if name == "deform_conv2d":
            macs = output.numel() * arguments["weight"][0].numel()
        self._follow(call, macs)
        self.following = ""
        return output

    def follow_as_one(
        self, name: str, function: Callable[..., Any], arguments: dict[str, Any], *, macs: int = 0
    ) -> Any:
        """Run a function of many operators as one operator of this name, with that operator's rule."""
        self.running, self._inside_one = (name, arguments), True
        try:
            output = function(**arguments)
        finally:
            self._inside_one = False
        call = self._call(name, arguments, output)
        call.func, call.may_need_values = function, self._has_values
        self.following = name
        self._follow(call, macs)
        self.following = ""
        return output

    def _call(self, name: str, arguments: dict[str, Any], output: Any) -> OperatorCall:
        self.running = None
        return OperatorCall(name, arguments, output, self._paths, self._padding)

    def _follow(self, call: OperatorCall, macs: int | None) -> None:
        """Record what an operator's outputs read, and a step if it computes."""
        inputs, outputs = [*tensors_in(call.arguments.values())], [*tensors_in([call.output])]
        if not outputs:
            return
        records = [self._current(tensor, call.notes) for tensor in inputs]
        may_be_masked = self._may_be_masked(call, records)
        reads = any(record.paths for record in records)
        paths_of_each = output_paths(call) if reads else [()] * len(outputs)
        if may_be_masked:
            paths_of_each = [*map(at_most, paths_of_each)]
        known = records[0].memory if records and (call.is_view or call.is_in_place) else None
        results = [
            LayerOutput(tuple(tensor.shape), paths, tensor.numel() * tensor.element_size())
            for tensor, paths in zip(outputs, paths_of_each, strict=True)
        ]
        names = frozenset[str]().union(*(record.parameters for record in records))
        step = None
        if call.is_opaque and not macs:
            macs = None
        if macs or (reads and (call.notes or not (call.is_view or call.name in _COPIES))):
            shown = replace(results[0], new_bytes=0) if known else results[0]
            step, names = self._step(call, shown, macs, names), frozenset()
        if call.windows and reads and "keepdim" not in call.arguments and self.window_dims is None:
            self.window_dims = self._dims_of_windows(call)
        if known and reads and call.is_in_place:
            known.write(outputs[0], paths_of_each[0])
        is_traced = all(record.is_traced for record in records)
        is_from_mask = any(record.is_from_mask for record in records)
        for tensor, result in zip(outputs, results, strict=True):
            memory = known or SharedMemory(self.calls[-1] if self.calls else None)
            record = TensorRecord(
                result, memory, memory.version, names, call.padding, step, is_traced, is_from_mask
            )
            self._records.put(tensor, record)

    def _may_be_masked(self, call: OperatorCall, records: Sequence[TensorRecord]) -> bool:
        """Whether the weights of a convolution were made with a buffer that may be a mask.

        Raises:
            NeedsValues: if a run on real tensors is possible, which shows the mask.
        """
        tensors = [*tensors_in(call.arguments.values())]
        of_masks = any(record.is_from_mask for record in records)
        if call.is_in_place and of_masks and tensors[0].untyped_storage()._cdata in self._parameters:
            self._masked.add(tensors[0].untyped_storage()._cdata)
        if call.name != "convolution" or not call["weight"].is_meta:
            return False
        if not records[1].is_from_mask and call["weight"].untyped_storage()._cdata not in self._masked:
            return False
        if self._has_values:
            raise NeedsValues("a convolution has weights that are made with a mask")
        call.notes.append("its weights are made with a buffer: if that is a mask, it reads less")
        return True

    def _dims_of_windows(self, call: OperatorCall) -> tuple[int, ...]:
        """The dimensions of the image along which a call's windows slide; empty if not all are known."""
        axes = dict(zip(self._dims, self._paths(call.source)[0], strict=True))
        found = {dim: axis.dim for dim, axis in axes.items() if axis.dim in call.windows}
        return tuple(found) if len(found) == len(call.windows) else ()

    def _step(
        self, call: OperatorCall, output: LayerOutput, macs: int | None, parameters: frozenset[str]
    ) -> TracedStep:
        """The step of an operator; padding that was added just before becomes part of its window."""
        source = self._records.of(call.source) if isinstance(call.source, Tensor) else UNTRACED
        windows = _by_image_axis(call.windows, source.paths, _NO_WINDOW)
        padding = _by_image_axis(call.padding, source.paths, (0, 0))
        caller = self.calls[-1]
        step = TracedStep(call.name, caller, output, windows, call.groups, padding, macs, notes=call.notes)
        step.source = source.output if windows else None
        if windows and source.padded_by and source.padding:
            source.padded_by.merged = True
            step.notes += source.padded_by.notes
        caller.steps.append(step)
        self.events.append(step)
        for name in sorted(parameters):  # each parameter counts at the first step that reads it
            if name in self.unused:
                step.parameters[name] = self.unused.pop(name)
                self._readers[name] = step
            else:
                step.shared[name] = self._readers[name]
        return step

    def _enter(self, module: nn.Module, args: Any) -> None:
        name = self._names.get(id(module), f"({type(module).__name__}, not registered)")
        self.ran.add(name)
        self.calls.append(ModuleCall(name, module, [*tensors_in(args)]))

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        while (call := self.calls.pop()).module is not module:
            pass  # a call that raised an error which the model caught
        inputs, call.inputs, call.ended = call.inputs, [], True  # keeping tensors would keep their memory
        outputs = [*tensors_in([output] if isinstance(output, Tensor) else tree_leaves(output))]
        records = [self._current(tensor, call.notes) for tensor in outputs]
        if any(record.is_unknown for record in records) and any(map(self._paths, inputs)):
            call.notes.append(OUTSIDE)
            records = [self._guessed(tensor, inputs, call) for tensor in outputs]
        if records:
            first = records[0]
            is_new = first.memory.allocated_in is call
            call.output = first.output if is_new else replace(first.output, new_bytes=0)
            if first.paths and self.calls:
                self.calls[-1].has_children = True
        self.events.append(call)

    def _current(self, tensor: Tensor, notes: list[str]) -> TensorRecord:
        """The record of a tensor, brought up to date if its memory was written to since."""
        record = self._records.of(tensor)
        if record.is_stale:
            record, is_known = record.refreshed(tensor)
            notes += [] if is_known else [_STALE]
            self._records.put(tensor, record)
        return record

    def _guessed(self, tensor: Tensor, inputs: Sequence[Tensor], call: ModuleCall) -> TensorRecord:
        """The record of an output; an unknown one reads at most all that the module was given."""
        record = self._records.of(tensor)
        if record.is_unknown:
            paths = at_most(union(*(spread(self._paths(given), tensor.dim()) for given in inputs)))
            size = tensor.numel() * tensor.element_size()
            record = TensorRecord(LayerOutput(tuple(tensor.shape), paths, size), SharedMemory(call))
            self._records.put(tensor, record)
        return record

    def _paths(self, tensor: Tensor) -> Paths:
        return self._records.of(tensor).paths

    def _padding(self, tensor: Tensor) -> dict[int, BeforeAfter]:
        return self._records.of(tensor).padding


class _SeenAsOne(TorchFunctionMode):
    """Shows circular padding, recurrent layers and ONNX's evaluator to the tracer as one operator each.

    For circular padding torch writes slices into empty memory. A recurrent layer calls a dozen operators for
    each step in time; to trace them takes minutes on a long sequence.
    """

    def __init__(self, tracer: Tracer) -> None:
        super().__init__()
        self._tracer = tracer

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is F.pad:
            arguments = {**dict(zip(("input", "pad", "mode", "value"), args, strict=False)), **kwargs}
            if arguments.get("mode") == "circular":
                return self._tracer.follow_as_one("circular_pad", func, arguments)
        if func in _RECURRENT and isinstance(args[2], list | tuple):  # else a packed sequence
            arguments = dict(zip(_RECURRENT_ARGUMENTS, args, strict=False))
            run = _recurrent_on_meta if args[0].is_meta else lambda **given: func(*given.values())
            macs = args[0].shape[:2].numel() * sum(each.numel() for each in args[2] if each.dim() == 2)
            return self._tracer.follow_as_one("recurrent", run, arguments, macs=macs)
        if func is evaluated:
            return self._tracer.follow_as_one(kwargs["node"].operator, func, kwargs)
        return func(*args, **kwargs)


_RECURRENT = (torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu)
_RECURRENT_ARGUMENTS = (
    "input", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional", "batch_first",
)  # fmt: skip


def _recurrent_on_meta(**arguments: Any) -> tuple[Tensor, ...]:
    """Tensors of the shapes that a recurrent layer returns."""
    source, given = arguments["input"], arguments["hx"]
    states = given if isinstance(given, list | tuple) else [given]
    features = states[0].shape[-1] * (2 if arguments["bidirectional"] else 1)
    return source.new_empty((*source.shape[:2], features)), *(each.new_empty(each.shape) for each in states)


def _by_image_axis(by_dim: dict[int, _T], paths: Paths, otherwise: _T) -> tuple[_T, ...]:
    """Turn values by dimension of a tensor into one value for each axis of the image."""
    if not by_dim or not paths:
        return ()
    dims = [
        next((axis.dim for axis in axes if axis.dim is not None), None) for axes in zip(*paths, strict=True)
    ]
    if any(dim in by_dim for dim in dims):
        return tuple(by_dim.get(dim, otherwise) if dim is not None else otherwise for dim in dims)
    last = [by_dim[dim] for dim in sorted(by_dim)][-len(dims) :]
    return (*[otherwise] * (len(dims) - len(last)), *last)
