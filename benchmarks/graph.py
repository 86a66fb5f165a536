"""What a model's arithmetic is: read from its ONNX graph, so that any model can be measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

_PRODUCTS = ("MatMul", "Gemm", "Attention")
_EDGE = 2  # a weight of a matrix product has two axes


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix product with a weight: every token's vector of `inner` gives one of `outer`."""

    inner: int
    outer: int

    @property
    def flops(self) -> int:
        """Floating-point operations for one token: a multiplication and an addition a weight."""
        return 2 * self.inner * self.outer


def products(path: Path) -> list[Product]:
    """All products with weights of a graph, fp32 or quantized, fused or not, in graph order."""
    graph = onnx.load(str(path)).graph
    weights = {entry.name: tuple(entry.dims) for entry in graph.initializer}
    found = (_weight(node, weights) for node in graph.node if _is_product(node))
    return [Product(*shape) for shape in found if shape is not None]


def token_flops(path: Path) -> int:
    """Operations that one token costs, but for attention's, which grow with the length.

    Products are all but a few per cent of a BERT encoder's arithmetic at the lengths of queries.
    """
    return sum(product.flops for product in products(path))


def _is_product(node: Any) -> bool:
    return any(name in node.op_type for name in _PRODUCTS)


def _weight(node: Any, weights: dict[str, tuple[int, ...]]) -> tuple[int, int] | None:
    for name in node.input:
        shape = weights.get(name, ())
        if len(shape) == _EDGE:
            transposed = any(entry.name == "transB" and entry.i for entry in node.attribute)
            return (shape[1], shape[0]) if transposed else (shape[0], shape[1])
    return None
