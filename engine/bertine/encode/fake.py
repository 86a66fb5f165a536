"""A stand-in for a model: same contract, no file, no time. For tests and host benchmarks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from bertine.errors import EncodeError
from bertine.types import Matrix

_TABLE_ROWS = 8192
_TINY = np.float32(1e-12)
_HASH = 2654435761  # Knuth's multiplicative hash, 2^32 / golden ratio


class FakeSession:
    """Gives every token id a random direction and every text the mean of its tokens'.

    Texts that share tokens get similar vectors. A text's vector is the same whatever batch it is
    in, to the last bit.

    Args:
        dimensions: components of a vector.
        callers: threads that may run it at once.
        fail_on: a batch that holds one of these token ids raises `EncodeError`.
        gate: `run` waits until this is set; None never waits.
        before_run: called at the start of each `run` with rows and length, for example to sleep
            as long as a model would take.
        sequence_packing: it takes several texts in a row.
    """

    provider = "FakeExecutionProvider"

    def __init__(
        self,
        dimensions: int = 64,
        *,
        callers: int = 1,
        fail_on: Collection[int] = (),
        gate: threading.Event | None = None,
        before_run: Callable[[int, int], None] | None = None,
        sequence_packing: bool = False,
    ) -> None:
        self.dimensions = dimensions
        self.callers = callers
        self.sequence_packing = sequence_packing
        self.gate = gate
        self.shapes: list[tuple[int, int]] = []
        self.started = threading.Event()
        self.closed = False
        self._fail_on = np.array(sorted(fail_on), dtype=np.int64)
        self._before_run = before_run
        table = np.random.default_rng(0).standard_normal((_TABLE_ROWS, dimensions))
        self._table = table.astype(np.float32)

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        """See `bertine.encode.contract.Session.run`; ``shapes`` keeps what was asked."""
        rows, length = ids.shape
        self.shapes.append((rows, length))
        self.started.set()
        if self.gate is not None:
            self.gate.wait()
        if self._before_run is not None:
            self._before_run(rows, length)
        if np.isin(ids[mask > 0], self._fail_on).any():
            raise EncodeError("the fake model was told to fail on a token of this batch")
        return self._vectors(ids, mask)

    def prepare(self) -> None:
        """Nothing: the first batch is as fast as any."""

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    def _vectors(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        slots = (ids * _HASH % 2**32) % _TABLE_ROWS
        directions, most = self._table[slots], int(mask.max())
        each = [(directions * (mask == text + 1)[:, :, None]).sum(axis=1) for text in range(most)]
        sums = np.stack(each, axis=1).reshape(-1, self.dimensions)
        vectors: Matrix = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), _TINY)
        return vectors
