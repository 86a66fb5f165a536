"""The shapes that a GPU is given: pure decisions.

A small batch takes a GPU less time than launching its kernels takes the CPU, so such batches run as
CUDA graphs: recorded once for each shape, started by one call. Batches are therefore padded to the
few shapes that were recorded, where that costs little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GRAPH_TOKENS = 2_048
"""Of the largest recorded shape. One token of MiniLM is 21 MFLOP and of BERT-base 170, so 2,048 are
44 and 350 GFLOP: 0.1 and 0.7 ms at 500 TFLOP/s, about what launching 100 to 200 kernels takes."""

FREE_TOKENS = 256
"""Up to so many a batch costs what its launches cost, however many of them are padding."""

_WASTE = 1.5
_SHORTEST = 16
_MULTIPLE = 8  # of fp16 that tensor cores take at once (NVIDIA, "Matrix Multiplication Background")


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """Rows and length of a batch, in tokens."""

    rows: int
    length: int

    @property
    def tokens(self) -> int:
        """Padding included."""
        return self.rows * self.length


def buckets(max_length: int, graph_tokens: int = GRAPH_TOKENS) -> tuple[Shape, ...]:
    """The shapes to record, largest first, so that memory is taken once.

    Args:
        max_length: longest that the model takes, in tokens.
        graph_tokens: of the largest of them.
    """
    lengths = {min(length, max_length) for length in _steps(_SHORTEST, max_length)}
    shapes = {
        Shape(rows, length) for length in lengths for rows in _steps(1, graph_tokens // length)
    }
    fit = [shape for shape in shapes if shape.tokens <= graph_tokens]
    return tuple(sorted(fit, key=lambda shape: (-shape.tokens, shape)))


def bucket_for(shape: Shape, recorded: Sequence[Shape]) -> Shape | None:
    """The smallest recorded shape that holds a batch, unless too much of it would be padding.

    Args:
        shape: of the batch.
        recorded: see `buckets`.

    Returns:
        None if there is none of at most half as many tokens again, or of `FREE_TOKENS`.
    """
    hold = [one for one in recorded if one.rows >= shape.rows and one.length >= shape.length]
    if not hold:
        return None
    best = min(hold, key=lambda one: (one.tokens, one))
    return best if best.tokens <= max(FREE_TOKENS, _WASTE * shape.tokens) else None


def rounded(shape: Shape, max_length: int) -> Shape:
    """A batch's shape with a length that tensor cores like, for batches that no bucket holds."""
    length = -(-shape.length // _MULTIPLE) * _MULTIPLE
    return Shape(shape.rows, max(shape.length, min(length, max_length)))


def capacity(shape: Shape) -> Shape:
    """Which buffers a batch is put in: the next powers of two, so that there are few of them.

    Returns:
        Rows that the output has room for, and ``tokens`` that the inputs have room for.
    """
    rows = _power_of_two(shape.rows)
    return Shape(rows, -(-_power_of_two(shape.tokens) // rows))


def _power_of_two(value: int) -> int:
    power: int = 1 << (value - 1).bit_length()
    return power


def _steps(first: int, last: int) -> list[int]:
    """1, 1.5, 2, 3, 4, 6, 8 ... times ``first``, as whole numbers, the last of them not below."""
    found, power = [], first
    while power < last:
        found += [power] if power % 2 else [power, power * 3 // 2]
        power *= 2
    return [*found, power]
