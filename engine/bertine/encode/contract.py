"""What the scheduler asks of a model: both sides import this and nothing of each other."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bertine.types import Matrix


class Session(Protocol):
    """A loaded model on one device.

    Attributes:
        callers: how many threads may call `run` at once.
        dimensions: components of a vector.
        provider: name of what computes, for example ``CPUExecutionProvider``.
        sequence_packing: whether a row may hold several texts, see `bertine.artifact`.
    """

    callers: int
    dimensions: int
    provider: str
    sequence_packing: bool

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        """Encode one batch.

        Args:
            ids: int64 ``[batch, length]``, right-padded.
            mask: int64 ``[batch, length]``, 1 for a token and 0 for padding. With
                `sequence_packing` the number of a token's text in its row, from 1.

        Returns:
            float32 ``[batch * max(mask), dimensions]``, of L2 norm 1: one for each text of a row,
            and zeros for those that it lacks.

        Raises:
            EncodeError: this batch failed; smaller ones or others may succeed.
            Unavailable: the device is lost; no batch will succeed.
        """
        ...

    def prepare(self) -> None:
        """Do once what no caller's batch should wait for; called by the thread that calls `run`.

        Raises:
            EncodeError: a batch failed.
            Unavailable: the device is lost.
        """
        ...

    def close(self) -> None:
        """Free the device. Closing twice does nothing."""
        ...
