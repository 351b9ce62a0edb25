"""A record of each tensor of a run, and of the memory that it shares with its views."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from helpers.anatomy.axis import AxisFields
from helpers.anatomy.calls import BeforeAfter, LayerOutput, ModuleCall, TracedStep
from helpers.anatomy.moves import overwritten
from helpers.anatomy.paths import Paths, at_most, spread, union


@dataclass(eq=False)
class SharedMemory:
    """The memory that a tensor shares with its views.

    Attributes:
        allocated_in: the module call in which it was allocated; None for what was there before the run.
        version: how often it was written to.
        written: each tensor that was written into it, with its paths.
    """

    allocated_in: ModuleCall | None = None
    version: int = 0
    written: list[tuple[Tensor, Paths]] = field(default_factory=list)

    def write(self, tensor: Tensor, paths: Paths) -> None:
        """Note that part of the memory was overwritten through this tensor, which has these paths."""
        self.version += 1
        self.written.append((tensor, paths))


@dataclass(frozen=True, eq=False)
class TensorRecord:
    """What is known of one tensor.

    Attributes:
        output: its shape, the paths to it, and the memory it takes.
        memory: the memory that it shares with its views.
        version: version of the memory when this record was made.
        parameters: names of the parameters that it was made from, until a step reads them: a weight is often
            reshaped before it is used.
        padding: if a padding operator returned it, the padding (before, after) by dimension.
        padded_by: the step of that operator.
        is_traced: whether every operator that led to it was seen.
        is_from_mask: whether a buffer that holds zeros, and so may be a mask, went into it.
    """

    output: LayerOutput
    memory: SharedMemory = field(default_factory=SharedMemory)
    version: int = 0
    parameters: frozenset[str] = frozenset()
    padding: dict[int, BeforeAfter] = field(default_factory=dict)
    padded_by: TracedStep | None = None
    is_traced: bool = True
    is_from_mask: bool = False

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

    def refreshed(self, tensor: Tensor) -> tuple["TensorRecord", bool]:
        """The record after writes through other views, and whether it is known which units they overwrote.

        If that is not known, the paths become upper bounds: each unit reads at most its own and all written.
        """
        paths, is_known = self.paths, True
        for written, others in self.memory.written[self.version :]:
            new = overwritten(tensor, paths, written, others)
            if new is None:
                new, is_known = union(at_most(paths), at_most(spread(others, tensor.dim()))), False
            paths = new
        output = replace(self.output, paths=paths)
        return replace(self, output=output, version=self.memory.version), is_known


UNTRACED = TensorRecord(LayerOutput((), (), 0), is_traced=False)


class TensorRecords:
    """The records of all tensors of a run.

    They keep the tensors alive, so that no two have the same id; on the meta device that takes no memory.
    """

    def __init__(
        self,
        image: Tensor,
        dims: Sequence[int],
        parameters: Iterable[tuple[str, Tensor]],
        buffers: Iterable[tuple[Tensor, bool]],
    ) -> None:
        self._records: dict[int, tuple[Tensor, TensorRecord]] = {}
        path = tuple(AxisFields.of_input(image.shape, dim) for dim in dims)
        self.put(image, TensorRecord(LayerOutput(tuple(image.shape), (path,), 0)))
        for name, tensor in parameters:
            output = LayerOutput(tuple(tensor.shape), (), 0)
            self.put(tensor, TensorRecord(output, parameters=frozenset([name])))
        for tensor, may_mask in buffers:
            output = LayerOutput(tuple(tensor.shape), (), 0)
            self.put(tensor, TensorRecord(output, is_from_mask=may_mask))

    def put(self, tensor: Tensor, record: TensorRecord) -> None:
        """Keep the record of a tensor."""
        self._records[id(tensor)] = tensor, record

    def of(self, tensor: Tensor) -> TensorRecord:
        """The record of a tensor; `UNTRACED` for one that no operator of this run returned."""
        _, record = self._records.get(id(tensor), (tensor, UNTRACED))
        return record

    def alias(self, tensor: Tensor) -> Tensor:
        """A second tensor on the same memory, which keeps its shape when the original changes its own."""
        alias = tensor.detach()
        self.put(alias, self.of(tensor))
        return alias
