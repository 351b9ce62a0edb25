"""A torch module that computes what an ONNX file describes, one module for each of its nodes.

It is made to be read, not to be fast. Operators keep their ONNX names.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from helpers.anatomy.onnx_operators import OPERATORS, Attributes, Value


class OnnxNode(nn.Module):
    """One node of an ONNX graph; its class is named as its operator."""

    def __init__(self, operator: str, attributes: Attributes) -> None:
        super().__init__()
        self.operator, self.attributes = operator, attributes

    def forward(self, *values: Value) -> Any:
        """What the operator returns: a tensor, an array of numbers, or a list of them."""
        if self.operator not in OPERATORS:
            raise NotImplementedError(f"there is no ONNX operator {self.operator!r} among those known here")
        return OPERATORS[self.operator](self.attributes, *values)


class OnnxModel(nn.Module):
    """The graph of an ONNX file."""

    def __init__(self, graph: Any, onnx: Any) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self._outputs = [each.name for each in graph.output]
        self._steps: list[tuple[str, list[str], list[str]]] = []
        for initializer in graph.initializer:
            self._keep(initializer, onnx)
        self.input_names = [each.name for each in graph.input if each.name not in self.values]

        for index, node in enumerate(graph.node):
            attributes = {each.name: _attribute(each, onnx) for each in node.attribute}
            name = (node.name or f"{node.op_type}_{index}").strip("/").replace(".", "_").replace("/", "_")
            name = name if name not in self._modules else f"{name}_{index}"
            kind = type(node.op_type, (OnnxNode,), {})
            self.add_module(name, kind(node.op_type, {**attributes, "outputs": len(node.output)}))
            self._steps.append((name, list(node.input), list(node.output)))

    def _keep(self, initializer: Any, onnx: Any) -> None:
        """Keep a weight as a parameter, and whole numbers such as a shape as an array."""
        shape = tuple(initializer.dims)
        if initializer.data_location == onnx.TensorProto.EXTERNAL:
            self._add(initializer.name, torch.empty(shape, device="meta"))
            return
        array = onnx.numpy_helper.to_array(initializer)
        if array.dtype.kind == "f" and array.ndim and array.size > 1:
            self._add(initializer.name, torch.from_numpy(array.copy()))
        else:
            self.values[initializer.name] = array

    def _add(self, name: str, tensor: Tensor) -> None:
        own = name.replace(".", "_")
        self.register_parameter(own, nn.Parameter(tensor, requires_grad=False))
        self.values[name] = own

    def forward(self, *inputs: Tensor) -> Any:
        """The outputs of the graph; one alone as it is."""
        known: dict[str, Value] = dict(zip(self.input_names, inputs, strict=True))
        for name, value in self.values.items():
            known[name] = self._parameters[value] if isinstance(value, str) else value
        for name, given, returned in self._steps:
            found = self._modules[name](*(known[each] if each else None for each in given))  # type: ignore[misc]
            found = found if isinstance(found, list | tuple) else [found]
            known.update(zip(returned, found, strict=False))
        outputs = [known[name] for name in self._outputs]
        return outputs[0] if len(outputs) == 1 else outputs


def read_onnx(path: Path) -> nn.Module:
    """The model in an ONNX file; weights in files beside it are not read, for their shapes are enough.

    Raises:
        ValueError: if the `onnx` package is not installed, or the file is no ONNX file.
    """
    try:
        import onnx
    except ImportError as error:
        raise ValueError(
            f"source must be a file that can be read here, got {path}: pip install onnx to read ONNX"
        ) from error
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's own kinds of errors
        raise ValueError(f"source must be an ONNX file, and whole, got {path}: {error}") from error
    if not model.graph.node:
        raise ValueError(f"source must be an ONNX file with a graph, got {path}")
    return OnnxModel(model.graph, onnx).eval()


def _attribute(attribute: Any, onnx: Any) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    return value.decode() if isinstance(value, bytes) else value
