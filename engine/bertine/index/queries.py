"""The latest queries of a collection: what its index is tuned on. Vectors only, in memory only."""

from __future__ import annotations

import random
import threading

import numpy as np

from bertine.types import Matrix

CAPACITY = 1_024
"""Vectors kept."""

_KEPT_SHARE = 1 / 16


class Reservoir:
    """A bounded sample of queries, the latest more likely than old ones. Safe for threads.

    The first `CAPACITY` queries are all kept. From then on one in sixteen takes the place of a
    kept one by lot, so that a kept query is on average 16,384 queries old: a burst of one caller
    does not push everybody else out. C. C. Aggarwal, "On Biased Reservoir Sampling in the Presence
    of Stream Evolution", VLDB 2006.

    Args:
        dimensions: of the vectors.
        seed: of the lots.
    """

    def __init__(self, dimensions: int, seed: int | None = None) -> None:
        self._vectors: Matrix = np.empty((0, dimensions), np.float32)
        self._count = 0
        self._random = random.Random(seed)  # noqa: S311 - a sample, not a secret
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._count

    def add(self, queries: Matrix) -> None:
        """Offer queries, float32 ``[n, d]``; they are copied."""
        with self._lock:
            for query in queries:
                place = self._place()
                if place is not None:
                    self._vectors[place] = query

    def sample(self) -> Matrix:
        """A copy of what is kept, float32 ``[at most CAPACITY, d]``."""
        with self._lock:
            return self._vectors[: self._count].copy()

    def _place(self) -> int | None:
        if self._count < CAPACITY:
            self._reserve()
            self._count += 1
            return self._count - 1
        return self._random.randrange(CAPACITY) if self._random.random() < _KEPT_SHARE else None

    def _reserve(self) -> None:
        # Most collections are small and rarely asked: they shall not cost 1.5 MB each.
        if self._count == len(self._vectors):
            larger = np.empty((max(64, 2 * self._count), self._vectors.shape[1]), np.float32)
            larger[: self._count] = self._vectors
            self._vectors = larger
