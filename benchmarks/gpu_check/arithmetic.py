"""What a GPU's data sheet lets an encoder do: arithmetic, nothing of it is measured.

A roofline (Williams, Waterman and Patterson, Communications of the ACM 52, 2009): no program is
faster than its operations by the peak rate, nor than its bytes by the bandwidth of memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

FP16_PEAK = 989e12
"""Operations a second of an H100 SXM in fp16, dense: NVIDIA, "H100 Tensor Core GPU" data sheet,
whose 1,979 are with sparsity."""

INT8_PEAK = 1_979e12
"""The same for int8, dense."""

BANDWIDTH = 3.35e12
"""Bytes a second of its memory, by the same data sheet."""

_TRAFFIC = 34
"""Numbers of a token's width that a layer reads and writes, by ONNX Runtime's operators: QKV 1 + 3,
attention 3 + 1, output 1 + 1, addition with normalisation 2 + 1, first product 1 + 4, GELU 4 + 4,
second product 4 + 1, addition with normalisation 2 + 1."""

_FP16_BYTES = 2


class Weighed(Protocol):
    """A matrix product, see `benchmarks.graph.Product`."""

    @property
    def inner(self) -> int:
        """Length of what comes in."""

    @property
    def outer(self) -> int:
        """Length of what goes out."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A BERT encoder whose feed-forward part is four times as wide as its tokens.

    Attributes:
        layers: of it.
        hidden: width of a token.
    """

    layers: int
    hidden: int

    @property
    def name(self) -> str:
        """What models of that size are called."""
        return _NAMES.get((self.layers, self.hidden), f"{self.layers} x {self.hidden}")

    def token_flops(self, length: int) -> float:
        """Operations of one token: 12 h^2 weights a layer, and attention to `length` others."""
        weights = 24 * self.hidden**2
        attention = 4 * self.hidden * length
        return float(self.layers * (weights + attention))

    @property
    def token_bytes(self) -> int:
        """That a token moves through memory in fp16, unless a cache keeps them."""
        return self.layers * self.hidden * _TRAFFIC * _FP16_BYTES

    def bound(self, length: int, peak: float = FP16_PEAK) -> float:
        """Tokens a second by the peak rate alone."""
        return peak / self.token_flops(length)

    @property
    def memory_bound(self) -> float:
        """Tokens a second by the bandwidth alone."""
        return BANDWIDTH / self.token_bytes


MINILM = Architecture(6, 384)
BASE = Architecture(12, 768)
LARGE = Architecture(24, 1_024)
_NAMES = {(6, 384): "MiniLM-L6", (12, 768): "BERT-base", (24, 1_024): "BERT-large"}


def recognise(products: Iterable[Weighed]) -> Architecture | None:
    """The architecture that has these products with weights; None if it is not of that form.

    Args:
        products: of one token, see `benchmarks.graph.products`.
    """
    shapes = [(product.inner, product.outer) for product in products]
    if not shapes:
        return None
    hidden = min(min(shape) for shape in shapes)
    weights = sum(inner * outer for inner, outer in shapes)
    layers, rest = divmod(weights, 12 * hidden**2)
    return None if rest or not layers else Architecture(layers, hidden)
