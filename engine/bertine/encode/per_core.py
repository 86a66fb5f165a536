"""A model that each core runs a batch of its own on.

Cores that work on one operator together wait for each other a hundred times a batch, and where one
is called away the others stand idle; cores that each have a batch wait for nobody.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from bertine.encode.contract import Session
from bertine.types import Matrix


class PerCoreSession:
    """A model in two sessions. See `bertine.encode.contract.Session`.

    Args:
        together: whose threads share one batch: for a single text, while no other batch runs.
        alone: that runs a batch in the thread that calls it; several call at once.
        cores: threads that may call.
    """

    def __init__(self, together: Session, alone: Session, cores: int) -> None:
        self.dimensions = together.dimensions
        self.provider = together.provider
        self.sequence_packing = together.sequence_packing
        self.callers = cores
        self._together, self._alone = together, alone
        self._lock = threading.Lock()
        self._running = 0

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        """Encode one batch."""
        with self._lock:
            others = self._running
            self._running += 1
        try:
            single = not others and len(ids) == 1 and mask.max() == 1
            session = self._together if single else self._alone
            return session.run(ids, mask)
        finally:
            with self._lock:
                self._running -= 1

    def prepare(self) -> None:
        """Nothing: a CPU's first batches are timed anyway, see `bertine.encode.calibration`."""

    def close(self) -> None:
        """Free both. Closing twice does nothing."""
        self._together.close()
        self._alone.close()
