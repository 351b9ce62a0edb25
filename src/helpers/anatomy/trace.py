"""Watch one run of a model: every operator it calls, and the module that calls it."""

from collections.abc import Callable, Iterator, Sequence
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

from helpers.anatomy.call import Call, Pair, Window
from helpers.anatomy.operators import arguments_of, run
from helpers.anatomy.paths import Paths, union
from helpers.anatomy.rules import rule_of, scattered, tensors_in
from helpers.anatomy.steps import ModuleCall, Result, Step
from helpers.anatomy.tensors import NOTHING, Record, Storage, Tensors

_COPIES = {"_to_copy", "_unsafe_view", "clone", "copy"}  # with the views, what only moves units
_STALE = "reads memory that was written through a view: taken to read all that was written"
_OUTSIDE = "computes outside torch's operators: taken to read all of its input"
T = TypeVar("T")

_NO_WINDOW = Window(1, 1, (0, 0), 1, size=1, units=1, unread=0, padding_unread=(0, 0))


class Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves the base untyped
    """Follows an image through every operator of a model.

    Attributes:
        events: steps, and module calls that have ended, in the order of execution.
        calls: module calls that have not ended, the innermost last.
        running: name and arguments of the operator that has not ended.
        ran: names of the modules that were called.
        unused: parameters that no operator has read, and how many numbers each holds.
    """

    def __init__(self, model: nn.Module, image: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        parameters = dict(model.named_parameters())
        self.events: list[Step | ModuleCall] = []
        self.calls: list[ModuleCall] = []
        self.ran: set[str] = set()
        self.running: tuple[str, dict[str, Any]] | None = None
        self.unused = {name: parameter.numel() for name, parameter in parameters.items()}
        self._inside_one = False
        self._readers: dict[str, Step] = {}
        self._names = {id(module): name for name, module in model.named_modules()}
        self._tensors = Tensors(image, parameters.items(), model.buffers())

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
        """Run an operator and note what its output reads."""
        kwargs = kwargs or {}
        if self._inside_one:
            return func(*args, **kwargs)
        arguments = arguments_of(func, args, kwargs)
        changes_shape = torch.Tag.inplace_view in func.tags
        if changes_shape:  # its rule needs the shape from before
            arguments[next(iter(arguments))] = self._tensors.twin(args[0])
        self.running = func.overloadpacket.__name__.rstrip("_"), arguments
        output = run(func, args, kwargs)
        call = self._call(*self.running, output)
        call.is_view = func.is_view or changes_shape
        call.is_pointwise = torch.Tag.pointwise in func.tags
        call.overwrites = bool(args) and output is args[0] and not changes_shape
        formula = flop_registry.get(func.overloadpacket)
        self._follow(call, formula(*args, **kwargs, out_val=output) // 2 if formula else 0)  # two flops a MAC
        return output

    def follow_as_one(self, name: str, function: Callable[..., Tensor], arguments: dict[str, Any]) -> Tensor:
        """Run a function and note what its output reads, as if it were one operator with its own rule."""
        self.running, self._inside_one = (name, arguments), True
        try:
            output = function(**arguments)
        finally:
            self._inside_one = False
        self._follow(self._call(name, arguments, output), macs=0)
        return output

    def _call(self, name: str, arguments: dict[str, Any], output: Any) -> Call:
        self.running = None
        return Call(name, arguments, output, self._paths, self._pads)

    def _follow(self, call: Call, macs: int) -> None:
        """Note what an operator's outputs read, and the step if it is one."""
        inputs, outputs = [*tensors_in(call.arguments.values())], [*tensors_in([call.output])]
        if not outputs:
            return
        records = [self._current(tensor, call.notes) for tensor in inputs]
        reads = any(record.paths for record in records)
        ways = _ways(call, outputs) if reads else [()] * len(outputs)
        known = records[0].storage if records and (call.is_view or call.overwrites) else None
        results = [
            Result(tuple(tensor.shape), paths, tensor.numel() * tensor.element_size())
            for tensor, paths in zip(outputs, ways, strict=True)
        ]
        names = frozenset[str]().union(*(record.parameters for record in records))
        step = None
        if macs or (reads and (call.notes or not (call.is_view or call.name in _COPIES))):
            shown = replace(results[0], new_bytes=0) if known else results[0]
            step, names = self._step(call, shown, macs, names), frozenset()
        if known and reads and call.overwrites:
            known.write(ways[0])
        traced = all(record.traced for record in records)
        for tensor, result in zip(outputs, results, strict=True):
            storage = known or Storage(self.calls[-1] if self.calls else None)
            self._tensors.put(
                tensor, Record(result, storage, storage.version, names, call.pads, step, traced)
            )

    def _step(self, call: Call, result: Result, macs: int, names: frozenset[str]) -> Step:
        """The step of an operator; padding that was added just before becomes part of its window."""
        source = self._tensors.of(call.source) if isinstance(call.source, Tensor) else NOTHING
        windows = _on_image_axes(call.windows, source.paths, _NO_WINDOW)
        padding = _on_image_axes(call.pads, source.paths, (0, 0))
        step = Step(call.name, self.calls[-1], result, windows, call.groups, padding, macs, notes=call.notes)
        if windows and source.padded_by and source.pads:
            source.padded_by.folded = True
            step.notes += source.padded_by.notes
        self.calls[-1].steps.append(step)
        self.events.append(step)
        for name in sorted(names):  # each parameter counts at the first step that reads it
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
        inputs, call.inputs, call.ended = call.inputs, [], True  # what is kept there would not be freed
        outputs = [*tensors_in([output] if isinstance(output, Tensor) else tree_leaves(output))]
        records = [self._current(tensor, call.notes) for tensor in outputs]
        if any(record.is_unknown for record in records) and any(map(self._paths, inputs)):
            call.notes.append(_OUTSIDE)
            records = [self._guessed(tensor, inputs, call) for tensor in outputs]
        if records:
            made = records[0].result
            call.result = made if records[0].storage.maker is call else replace(made, new_bytes=0)
            if made.paths and self.calls:
                self.calls[-1].has_children = True
        self.events.append(call)

    def _current(self, tensor: Tensor, notes: list[str]) -> Record:
        """What is known of a tensor, with a note if that is less than it was."""
        record = self._tensors.of(tensor)
        if record.is_stale:
            notes.append(_STALE)
            record = record.refreshed()
            self._tensors.put(tensor, record)
        return record

    def _guessed(self, tensor: Tensor, inputs: Sequence[Tensor], call: ModuleCall) -> Record:
        """What is known of an output; if nothing, that it may read all that the module was given."""
        record = self._tensors.of(tensor)
        if record.is_unknown:
            paths = union(*(scattered(self._paths(given), tensor.dim()) for given in inputs))
            size = tensor.numel() * tensor.element_size()
            record = Record(Result(tuple(tensor.shape), paths, size), Storage(call))
            self._tensors.put(tensor, record)
        return record

    def _paths(self, tensor: Tensor) -> Paths:
        return self._tensors.of(tensor).paths

    def _pads(self, tensor: Tensor) -> dict[int, Pair]:
        return self._tensors.of(tensor).pads


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


def _ways(call: Call, outputs: list[Tensor]) -> list[Paths]:
    """The paths of each output; of a secondary output of another shape, all that the operator reads."""
    ways = rule_of(call)(call)
    if isinstance(ways, list):
        return ways
    first = outputs[0].shape
    return [ways if tensor.shape == first else scattered(ways, tensor.dim()) for tensor in outputs]


def _on_image_axes(by_dim: dict[int, T], paths: Paths, otherwise: T) -> tuple[T, ...]:
    """What is given by dimension of a tensor, by axis of the image."""
    if not by_dim or not paths:
        return ()
    homes = [
        next((axis.dim for axis in axes if axis.dim is not None), None) for axes in zip(*paths, strict=True)
    ]
    if any(home in by_dim for home in homes):
        return tuple(by_dim.get(home, otherwise) if home is not None else otherwise for home in homes)
    last = [by_dim[dim] for dim in sorted(by_dim)][-len(homes) :]
    return (*[otherwise] * (len(homes) - len(last)), *last)
