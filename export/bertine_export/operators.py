"""Reading and rewriting an ONNX graph, node by node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

VENDOR = "com.microsoft"
"""Domain of ONNX Runtime's own operators."""


class Rewrite:
    """The graph of a model while its nodes are replaced.

    Args:
        model: is changed in place, by `apply`, `prepend` and `tidy`.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self.constants: dict[str, onnx.TensorProto] = {
            tensor.name: tensor for tensor in self._graph.initializer
        }
        self._added: list[onnx.TensorProto] = []

    def array(self, name: str) -> NDArray[Any]:
        """The values of a constant."""
        values: NDArray[Any] = numpy_helper.to_array(self.constants[name])
        return values

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add a constant; returns its name."""
        self._added.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def apply(self, replace: Callable[[onnx.NodeProto], Sequence[onnx.NodeProto]]) -> None:
        """Put what `replace` returns in the place of each node.

        Args:
            replace: the nodes to have instead, which may be the node alone.
        """
        nodes = [new for node in self._graph.node for new in replace(node)]
        del self._graph.node[:]
        self._graph.node.extend(nodes)
        self.tidy()

    def prepend(self, nodes: Sequence[onnx.NodeProto]) -> None:
        """Put nodes before all others; one may give a tensor that was a constant until now."""
        given = {output for node in nodes for output in node.output}
        for name in given:
            self.constants.pop(name, None)
        later = list(self._graph.node)
        del self._graph.node[:]
        self._graph.node.extend([*nodes, *later])
        self.tidy()

    def tidy(self) -> None:
        """Put added constants into the graph, and take out those that no node uses."""
        used = {name for node in self._graph.node for name in node.input}
        tensors = {**self.constants, **{tensor.name: tensor for tensor in self._added}}
        self.constants = {name: tensor for name, tensor in tensors.items() if name in used}
        self._added.clear()
        del self._graph.initializer[:]
        self._graph.initializer.extend(self.constants.values())


def node(
    kind: str, inputs: Sequence[str], output: str, *, domain: str = "", **attributes: Any
) -> onnx.NodeProto:
    """A node with one output, named after it."""
    return helper.make_node(kind, inputs, [output], f"{output}/{kind}", domain=domain, **attributes)


def attributes(of: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes by name."""
    return {entry.name: helper.get_attribute_value(entry) for entry in of.attribute}


def optional_input(of: onnx.NodeProto, position: int) -> str:
    """The name of a node's input, "" where it is left out."""
    return of.input[position] if position < len(of.input) else ""


def products(rewrite: Rewrite, nodes: Sequence[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """The matrix products whose right side is a constant matrix: a model's linear layers."""
    for entry in nodes:
        matrix = rewrite.constants.get(entry.input[1]) if entry.op_type == "MatMul" else None
        if matrix is not None and len(matrix.dims) == 2:  # noqa: PLR2004 - not a stack of them
            yield entry


def following_biases(
    rewrite: Rewrite, nodes: Sequence[onnx.NodeProto], widths: Mapping[str, int]
) -> dict[str, onnx.NodeProto]:
    """The addition of a constant vector that alone uses a layer's output, by that output.

    Args:
        rewrite: of the model.
        nodes: of its graph.
        widths: of the layers' outputs.
    """
    users: dict[str, list[onnx.NodeProto]] = {}
    for entry in nodes:
        for name in entry.input:
            users.setdefault(name, []).append(entry)
    return {
        layer: users[layer][0]
        for layer, width in widths.items()
        if len(users.get(layer, [])) == 1 and _adds_a_vector(rewrite, users[layer][0], width)
    }


def _adds_a_vector(rewrite: Rewrite, entry: onnx.NodeProto, width: int) -> bool:
    constants = rewrite.constants
    vectors = [list(constants[name].dims) for name in entry.input if name in constants]
    return entry.op_type == "Add" and vectors == [[width]]
