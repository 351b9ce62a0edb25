"""Follow one run of a model: every operator that it calls, and what each tensor reads of the image."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from helpers.anatomy.axis import AxisFields
from helpers.anatomy.calls import (
    BeforeAfter,
    LayerOutput,
    MapWindow,
    ModuleCall,
    OperatorCall,
    TracedStep,
    arguments_of,
    run_operator,
)
from helpers.anatomy.paths import Paths, spread, union
from helpers.anatomy.rules import rule_for, tensors_in

_COPIES = {"_to_copy", "_unsafe_view", "clone", "copy"}  # like views, they compute nothing and get no row
_STALE = "reads memory that was written through a view: taken to read all that was written"
_OUTSIDE = "computes outside torch's operators: taken to read all of its input"
_T = TypeVar("_T")

_NO_WINDOW = MapWindow(1, 1, (0, 0), 1, size=1, output_size=1, unread=0, padding_unread=(0, 0))


@dataclass(eq=False)
class SharedMemory:
    """The memory that a tensor shares with its views.

    Attributes:
        allocated_in: the module call in which it was allocated; None for what was there before the run.
        version: how often it was written to.
        written: the paths of each tensor that was written into it.
    """

    allocated_in: ModuleCall | None = None
    version: int = 0
    written: list[Paths] = field(default_factory=list)

    def write(self, paths: Paths) -> None:
        """Note that a tensor with these paths was written into some part of the memory."""
        self.version += 1
        self.written.append(paths)


@dataclass(frozen=True, eq=False)
class TensorRecord:
    """What is known of one tensor.

    Attributes:
        output: its shape, the paths to it, and the memory it takes.
        memory: what it shares with its views.
        version: that of the memory when this record was made.
        parameters: names of the parameters that it was made from and that no step has read yet, for a weight
            is often reshaped before it is used.
        padding: what the padding operator that returned it added, by dimension.
        padded_by: that operator's step.
        is_traced: whether the run of every operator that led to it was seen.
    """

    output: LayerOutput
    memory: SharedMemory = field(default_factory=SharedMemory)
    version: int = 0
    parameters: frozenset[str] = frozenset()
    padding: dict[int, BeforeAfter] = field(default_factory=dict)
    padded_by: TracedStep | None = None
    is_traced: bool = True

    @property
    def paths(self) -> Paths:
        """The paths from the image to the tensor."""
        return self.output.paths

    @property
    def is_stale(self) -> bool:
        """Whether the memory was written to after the record was made, through another view."""
        return self.version < self.memory.version

    @property
    def is_unknown(self) -> bool:
        """Whether the tensor may depend on the image in a way that was not seen."""
        return not self.is_traced and not self.paths

    def refreshed(self) -> "TensorRecord":
        """The record after writing through other views: each unit is taken to read all that was written."""
        written = (spread(paths, len(self.output.shape)) for paths in self.memory.written)
        output = replace(self.output, paths=union(self.paths, *written))
        return replace(self, output=output, version=self.memory.version)


UNTRACED = TensorRecord(LayerOutput((), (), 0), is_traced=False)


class TensorRecords:
    """The records of all tensors of a run.

    They keep the tensors alive, so that no two have the same id; on the meta device that takes no memory.
    """

    def __init__(
        self, image: Tensor, parameters: Iterable[tuple[str, Tensor]], buffers: Iterable[Tensor]
    ) -> None:
        self._records: dict[int, tuple[Tensor, TensorRecord]] = {}
        path = tuple(AxisFields.of_input(image.shape, dim) for dim in range(2, image.dim()))
        self.put(image, TensorRecord(LayerOutput(tuple(image.shape), (path,), 0)))
        for name, tensor in parameters:
            output = LayerOutput(tuple(tensor.shape), (), 0)
            self.put(tensor, TensorRecord(output, parameters=frozenset([name])))
        for tensor in buffers:
            self.put(tensor, TensorRecord(LayerOutput(tuple(tensor.shape), (), 0)))

    def put(self, tensor: Tensor, record: TensorRecord) -> None:
        """Keep the record of a tensor."""
        self._records[id(tensor)] = tensor, record

    def of(self, tensor: Tensor) -> TensorRecord:
        """The record of a tensor; `UNTRACED` for one that no operator of this run returned."""
        _, record = self._records.get(id(tensor), (tensor, UNTRACED))
        return record

    def alias(self, tensor: Tensor) -> Tensor:
        """A tensor on the same memory, which keeps the shape when an operator changes it in the original."""
        alias = tensor.detach()
        self.put(alias, self.of(tensor))
        return alias


class Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves the base untyped
    """Follows an image through every operator of a model.

    Attributes:
        events: steps, and module calls that have returned, in the order of execution.
        calls: module calls that have not returned, the innermost last.
        running: name and arguments of the operator that has not returned.
        ran: names of the modules that were called.
        unused: parameters that no operator has read, with their number of elements.
    """

    def __init__(self, model: nn.Module, image: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        parameters = dict(model.named_parameters())
        self.events: list[TracedStep | ModuleCall] = []
        self.calls: list[ModuleCall] = []
        self.ran: set[str] = set()
        self.running: tuple[str, dict[str, Any]] | None = None
        self.unused = {name: parameter.numel() for name, parameter in parameters.items()}
        self._inside_one = False
        self._readers: dict[str, TracedStep] = {}
        self._names = {id(module): name for name, module in model.named_modules()}
        self._records = TensorRecords(image, parameters.items(), model.buffers())

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Trace what runs inside, without gradients."""
        hooks = [register_module_forward_pre_hook(self._enter), register_module_forward_hook(self._leave)]
        try:
            with torch.no_grad(), self, _CircularPadding(self):
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
        self.running = func.overloadpacket.__name__.rstrip("_"), arguments
        output = run_operator(func, args, kwargs)
        call = self._call(*self.running, output)
        call.is_view = func.is_view or changes_shape
        call.is_pointwise = torch.Tag.pointwise in func.tags
        call.is_in_place = bool(args) and output is args[0] and not changes_shape
        formula = flop_registry.get(func.overloadpacket)
        self._follow(call, formula(*args, **kwargs, out_val=output) // 2 if formula else 0)  # two flops a MAC
        return output

    def follow_as_one(self, name: str, function: Callable[..., Tensor], arguments: dict[str, Any]) -> Tensor:
        """Run a function and record what its output reads by one rule, that for an operator of this name."""
        self.running, self._inside_one = (name, arguments), True
        try:
            output = function(**arguments)
        finally:
            self._inside_one = False
        self._follow(self._call(name, arguments, output), macs=0)
        return output

    def _call(self, name: str, arguments: dict[str, Any], output: Any) -> OperatorCall:
        self.running = None
        return OperatorCall(name, arguments, output, self._paths, self._padding)

    def _follow(self, call: OperatorCall, macs: int) -> None:
        """Record what an operator's outputs read, and a step if it computes."""
        inputs, outputs = [*tensors_in(call.arguments.values())], [*tensors_in([call.output])]
        if not outputs:
            return
        records = [self._current(tensor, call.notes) for tensor in inputs]
        reads = any(record.paths for record in records)
        paths_of_each = _output_paths(call, outputs) if reads else [()] * len(outputs)
        known = records[0].memory if records and (call.is_view or call.is_in_place) else None
        results = [
            LayerOutput(tuple(tensor.shape), paths, tensor.numel() * tensor.element_size())
            for tensor, paths in zip(outputs, paths_of_each, strict=True)
        ]
        names = frozenset[str]().union(*(record.parameters for record in records))
        step = None
        if macs or (reads and (call.notes or not (call.is_view or call.name in _COPIES))):
            shown = replace(results[0], new_bytes=0) if known else results[0]
            step, names = self._step(call, shown, macs, names), frozenset()
        if known and reads and call.is_in_place:
            known.write(paths_of_each[0])
        is_traced = all(record.is_traced for record in records)
        for tensor, result in zip(outputs, results, strict=True):
            memory = known or SharedMemory(self.calls[-1] if self.calls else None)
            record = TensorRecord(result, memory, memory.version, names, call.padding, step, is_traced)
            self._records.put(tensor, record)

    def _step(
        self, call: OperatorCall, output: LayerOutput, macs: int, parameters: frozenset[str]
    ) -> TracedStep:
        """The step of an operator; padding that was added just before becomes part of its window."""
        source = self._records.of(call.source) if isinstance(call.source, Tensor) else UNTRACED
        windows = _by_image_axis(call.windows, source.paths, _NO_WINDOW)
        padding = _by_image_axis(call.padding, source.paths, (0, 0))
        caller = self.calls[-1]
        step = TracedStep(call.name, caller, output, windows, call.groups, padding, macs, notes=call.notes)
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
        inputs, call.inputs, call.ended = call.inputs, [], True  # a tensor that is kept here is never freed
        outputs = [*tensors_in([output] if isinstance(output, Tensor) else tree_leaves(output))]
        records = [self._current(tensor, call.notes) for tensor in outputs]
        if any(record.is_unknown for record in records) and any(map(self._paths, inputs)):
            call.notes.append(_OUTSIDE)
            records = [self._guessed(tensor, inputs, call) for tensor in outputs]
        if records:
            first = records[0]
            is_new = first.memory.allocated_in is call
            call.output = first.output if is_new else replace(first.output, new_bytes=0)
            if first.paths and self.calls:
                self.calls[-1].has_children = True
        self.events.append(call)

    def _current(self, tensor: Tensor, notes: list[str]) -> TensorRecord:
        """The record of a tensor, brought up to date with a note if its memory was written to since."""
        record = self._records.of(tensor)
        if record.is_stale:
            notes.append(_STALE)
            record = record.refreshed()
            self._records.put(tensor, record)
        return record

    def _guessed(self, tensor: Tensor, inputs: Sequence[Tensor], call: ModuleCall) -> TensorRecord:
        """The record of an output; an unknown one is taken to read all that the module was given."""
        record = self._records.of(tensor)
        if record.is_unknown:
            paths = union(*(spread(self._paths(given), tensor.dim()) for given in inputs))
            size = tensor.numel() * tensor.element_size()
            record = TensorRecord(LayerOutput(tuple(tensor.shape), paths, size), SharedMemory(call))
            self._records.put(tensor, record)
        return record

    def _paths(self, tensor: Tensor) -> Paths:
        return self._records.of(tensor).paths

    def _padding(self, tensor: Tensor) -> dict[int, BeforeAfter]:
        return self._records.of(tensor).padding


class _CircularPadding(TorchFunctionMode):
    """Shows circular padding to the tracer as one operator; torch writes slices into empty memory for it."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__()
        self._tracer = tracer

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is F.pad:
            arguments = {**dict(zip(("input", "pad", "mode", "value"), args, strict=False)), **kwargs}
            if arguments.get("mode") == "circular":
                return self._tracer.follow_as_one("circular_pad", func, arguments)
        return func(*args, **kwargs)


def _output_paths(call: OperatorCall, outputs: list[Tensor]) -> list[Paths]:
    """The paths of each output; a later one of another shape is taken to read all that the first does."""
    paths = rule_for(call)(call)
    if isinstance(paths, list):
        return paths
    first = outputs[0].shape
    return [paths if tensor.shape == first else spread(paths, tensor.dim()) for tensor in outputs]


def _by_image_axis(by_dim: dict[int, _T], paths: Paths, otherwise: _T) -> tuple[_T, ...]:
    """Values by dimension of a tensor, as one value for each axis of the image."""
    if not by_dim or not paths:
        return ()
    dims = [
        next((axis.dim for axis in axes if axis.dim is not None), None) for axes in zip(*paths, strict=True)
    ]
    if any(dim in by_dim for dim in dims):
        return tuple(by_dim.get(dim, otherwise) if dim is not None else otherwise for dim in dims)
    last = [by_dim[dim] for dim in sorted(by_dim)][-len(dims) :]
    return (*[otherwise] * (len(dims) - len(last)), *last)
