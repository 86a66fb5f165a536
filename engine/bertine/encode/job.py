"""One call's texts on their way through the scheduler."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from bertine.encode.tokens import Tokens
from bertine.types import Matrix, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What a job comes to.

    Attributes:
        vectors: float32 ``[rows, dimensions]``, in the order submitted.
        queue_seconds: from submission to dispatch, mean over the rows.
        encode_seconds: how long the rows' batches ran, mean over the rows.
    """

    vectors: Matrix
    queue_seconds: float
    encode_seconds: float


class Job:
    """Many rows, one future.

    The future stays pending until it is resolved, so that it can be cancelled all the while.
    Several workers may deliver rows at once.

    Args:
        tokens: its rows.
        dimensions: components of a vector.
        submitted: the clock's reading at submission.
        first: position of the first row in the caller's request.
    """

    def __init__(
        self, tokens: Sequence[Tokens], dimensions: int, submitted: float, first: int
    ) -> None:
        self.tokens = tokens
        self.first = first
        self.submitted = submitted
        self.future: Future[Encoded] = Future()
        self._vectors = np.empty((len(tokens), dimensions), dtype=np.float32)
        self._missing = len(tokens)
        self._lock = threading.Lock()
        self._queue_seconds = 0.0
        self._encode_seconds = 0.0

    @property
    def done(self) -> bool:
        """Whether nobody waits for it any more: resolved or cancelled."""
        return self.future.done()

    def deliver(self, row: int, vector: Vector, queued: float, encoded: float) -> None:
        """Take one row's vector and seconds; the last one resolves the future."""
        self._vectors[row] = vector
        with self._lock:
            self._queue_seconds += queued
            self._encode_seconds += encoded
            self._missing -= 1
            last = not self._missing
        if last:
            rows = len(self.tokens)
            self.resolve(
                Encoded(self._vectors, self._queue_seconds / rows, self._encode_seconds / rows)
            )

    def resolve(self, outcome: Encoded | Exception) -> None:
        """Settle the future; it may have been cancelled a moment ago."""
        with suppress(InvalidStateError):
            if isinstance(outcome, Exception):
                self.future.set_exception(outcome)
            else:
                self.future.set_result(outcome)
