"""Build a torch module from an ONNX file, with one submodule for each of its nodes.

It is made to be traced, not to be fast. Operators keep their ONNX names. An operator that is not known here
runs in ONNX's reference evaluator, and what it reads is measured (`helpers.anatomy.measure`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import handle_torch_function, has_torch_function

from helpers.anatomy.onnx_operators import OPERATORS, Attributes, Value


class OnnxNode(nn.Module):
    """One node of an ONNX graph; its class has the name of its operator."""

    def __init__(self, node: Any, attributes: Attributes, opsets: Any) -> None:
        super().__init__()
        self.operator, self.attributes = node.op_type, {**attributes, "outputs": len(node.output)}
        self.node, self.opsets = node, opsets

    def forward(self, *values: Value) -> Any:
        """The output of the operator: a tensor, a numpy array, or a list of several."""
        if self.operator in OPERATORS:
            return OPERATORS[self.operator](self.attributes, *values)
        return evaluated(values=values, node=self)


class OnnxModel(nn.Module):
    """The graph of an ONNX file.

    Attributes:
        values: the constants of the graph by name: the name of a parameter, or a numpy array such as a shape.
        input_names: names of the inputs, the image first.
        image_kind: number of image axes and of channels of the first input.
    """

    def __init__(self, graph: Any, opsets: Any, onnx: Any) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self._outputs = [each.name for each in graph.output]
        self._steps: list[tuple[str, list[str], list[str]]] = []
        for initializer in graph.initializer:
            self._keep(initializer, onnx)
        inputs = [each for each in graph.input if each.name not in self.values]
        self.input_names = [each.name for each in inputs]
        dims = inputs[0].type.tensor_type.shape.dim if inputs else []
        self.image_kind = max(1, len(dims) - 2), (dims[1].dim_value if len(dims) > 1 else 0) or 3

        for index, node in enumerate(graph.node):
            attributes = {each.name: _attribute(each, onnx) for each in node.attribute}
            name = (node.name or f"{node.op_type}_{index}").strip("/").replace(".", "_").replace("/", "_")
            name = name if name not in self._modules else f"{name}_{index}"
            kind = type(node.op_type, (OnnxNode,), {})
            self.add_module(name, kind(node, attributes, opsets))
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
        """The outputs of the graph: a tensor, or a list of several."""
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
        raise ValueError(f"source must be an undamaged ONNX file, got {path}: {error}") from error
    if not model.graph.node:
        raise ValueError(f"source must be an ONNX file with a graph, got {path}")
    return OnnxModel(model.graph, model.opset_import, onnx).eval()


def _attribute(attribute: Any, onnx: Any) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    return value.decode() if isinstance(value, bytes) else value


def evaluated(*, values: Sequence[Value], node: OnnxNode) -> list[Value]:
    """The outputs of one node by ONNX's reference evaluator: tensors, or arrays if no input is a tensor.

    Raises:
        NotImplementedError: on meta tensors, or if the evaluator does not know the operator.
    """
    tensors = tuple(each for each in values if isinstance(each, Tensor))
    if has_torch_function(tensors):  # a `TorchFunctionMode` is active: the tracer sees one operator
        return list(handle_torch_function(evaluated, tensors, values=values, node=node))
    if any(each.is_meta for each in tensors):
        raise NotImplementedError(f"{node.operator} is computed by ONNX's own evaluator")
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    arrays = [each.numpy() if isinstance(each, Tensor) else each for each in values]
    given = {name: array for name, array in zip(node.node.input, arrays, strict=False) if name}
    unsized = helper.make_tensor_type_proto(1, None)  # the evaluator asks for no types
    inputs, outputs = (
        [helper.make_value_info(name, unsized) for name in names if name]
        for names in (given, node.node.output)
    )
    graph = helper.make_graph([node.node], "node", inputs, outputs)
    model = helper.make_model(graph, opset_imports=node.opsets)
    try:
        found = ReferenceEvaluator(model).run(None, given)
    except Exception as error:  # whatever the evaluator raises
        raise NotImplementedError(
            f"there is no ONNX operator {node.operator!r} among those known here, and ONNX's own evaluator "
            f"says: {error}"
        ) from error
    results = [np.asarray(each) for each in found]
    return [torch.from_numpy(each) for each in results] if tensors else results
