"""What is known of every tensor of a run: how it reads the input, and which parameters are in it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from torch import Tensor

from helpers.anatomy.axis import Axis
from helpers.anatomy.call import Pair
from helpers.anatomy.paths import Paths, union
from helpers.anatomy.rules import scattered
from helpers.anatomy.steps import ModuleCall, Result, Step


@dataclass(eq=False)
class Storage:
    """The memory that a tensor shares with its views.

    Attributes:
        maker: the module call in which it was made; None for what was there before.
        version: how often it was written to.
        written: what all that was written reads.
    """

    maker: ModuleCall | None = None
    version: int = 0
    written: list[Paths] = field(default_factory=list)

    def write(self, paths: Paths) -> None:
        """Note that units which read this were written somewhere into the memory."""
        self.version += 1
        self.written.append(paths)


@dataclass(frozen=True, eq=False)
class Record:
    """What is known of one tensor.

    Attributes:
        result: its shape, its ways from the input, and its memory.
        storage: what it shares with its views.
        version: how often the memory was written to when this was noted.
        parameters: parameters in it that no layer has read yet: a weight is often reshaped before its use.
        pads: padding (before, after) that the operator which made it added, by dimension.
        padded_by: that operator.
        traced: whether all that it was made from is known.
    """

    result: Result
    storage: Storage = field(default_factory=Storage)
    version: int = 0
    parameters: frozenset[str] = frozenset()
    pads: dict[int, Pair] = field(default_factory=dict)
    padded_by: Step | None = None
    traced: bool = True

    @property
    def paths(self) -> Paths:
        """Its ways from the input."""
        return self.result.paths

    @property
    def is_stale(self) -> bool:
        """Whether the memory was written to through another view since this was noted."""
        return self.version < self.storage.version

    @property
    def is_unknown(self) -> bool:
        """Whether the tensor may read the input in a way that was not seen."""
        return not self.traced and not self.paths

    def refreshed(self) -> "Record":
        """The same after writing through another view: which units changed is not known, so all count."""
        written = (scattered(paths, len(self.result.shape)) for paths in self.storage.written)
        result = replace(self.result, paths=union(self.paths, *written))
        return replace(self, result=result, version=self.storage.version)


NOTHING = Record(Result((), (), 0), traced=False)


class Tensors:
    """The records of all tensors of a run, which keep them alive: without numbers that takes no memory."""

    def __init__(
        self, image: Tensor, parameters: Iterable[tuple[str, Tensor]], constants: Iterable[Tensor]
    ) -> None:
        self._records: dict[int, tuple[Tensor, Record]] = {}
        path = tuple(Axis.of_input(image.shape, dim) for dim in range(2, image.dim()))
        self.put(image, Record(Result(tuple(image.shape), (path,), 0)))
        for name, tensor in parameters:
            self.put(tensor, Record(Result(tuple(tensor.shape), (), 0), parameters=frozenset([name])))
        for tensor in constants:
            self.put(tensor, Record(Result(tuple(tensor.shape), (), 0)))

    def put(self, tensor: Tensor, record: Record) -> None:
        """Note what is known of a tensor."""
        self._records[id(tensor)] = tensor, record

    def of(self, tensor: Tensor) -> Record:
        """What was noted of a tensor; of one that no traced operator has made, nothing."""
        _, record = self._records.get(id(tensor), (tensor, NOTHING))
        return record

    def twin(self, tensor: Tensor) -> Tensor:
        """The same memory as another tensor, which keeps its shape when the first is given a new one."""
        twin = tensor.detach()
        self.put(twin, self.of(tensor))
        return twin
