"""Two forms of the same model: one for small batches, one for large ragged ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bertine.encode.contract import Session
from bertine.encode.costs import CostModel
from bertine.types import Matrix


def packing_pays(
    plain: CostModel, packed: CostModel, shape: tuple[int, int], mask: NDArray[np.int64]
) -> bool:
    """Whether a batch takes less time without its padding.

    Args:
        plain: of the form that computes padding too.
        packed: of the form that does not; fitted to batches without padding.
        shape: rows and length of the batch.
        mask: int64 ``[batch, length]``, 1 for a token and 0 for padding.
    """
    lengths = mask.sum(axis=1)
    seconds = packed.batch + packed.token * lengths.sum() + packed.square * (lengths**2).sum()
    return bool(seconds < plain.seconds(*shape))


class PairedSession:
    """A model in two sessions. See `bertine.encode.contract.Session`.

    The plain one can replay recorded launches, which is what counts for small batches; the packed
    one waits for the device to count the tokens, but then computes those alone.

    Args:
        plain: computes padding too.
        packed: does not; the same weights.
        measure: fits a cost model to a session.
    """

    def __init__(
        self, plain: Session, packed: Session, measure: Callable[[Session], CostModel]
    ) -> None:
        self.callers = 1
        self.dimensions = plain.dimensions
        self.provider = plain.provider
        self.sequence_packing = False
        self._plain, self._packed, self._measure = plain, packed, measure
        self._costs = CostModel(), CostModel()

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        """Encode one batch by the form that should be faster; until `prepare` by the plain one."""
        rows, length = ids.shape
        pays = packing_pays(*self._costs, (rows, length), mask)
        return (self._packed if pays else self._plain).run(ids, mask)

    def prepare(self) -> None:
        """Prepare both, and learn what they cost."""
        self._plain.prepare()
        self._packed.prepare()
        self._costs = self._measure(self._plain), self._measure(self._packed)

    def close(self) -> None:
        """Free both. Closing twice does nothing."""
        self._plain.close()
        self._packed.close()
