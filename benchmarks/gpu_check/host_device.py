"""Stands where a GPU does: holds FAISS's own indexes on the host, behind the same calls."""

from __future__ import annotations

import threading
from typing import Any

import faiss

from bertine.index.gpu_faiss import Placed
from bertine.types import Matrix


class HostDevice:
    """A `bertine.index.gpu.Device` that clones by identity.

    Args:
        cuvs: its indexes are said to heed a filter, as the host's do; otherwise none is handed on.
        free: bytes of memory that it says are free.
        temporary: bytes that it says are kept for searches.

    Attributes:
        bytes: what `free` says.
        threads: names of the threads that made indexes.
    """

    def __init__(self, *, cuvs: bool = True, free: int = 1 << 50, temporary: int = 1 << 26) -> None:
        self.cuvs = cuvs
        self.bytes = free
        self.temporary = temporary
        self.threads: set[str] = set()

    def free(self) -> int:
        """What it was told."""
        return self.bytes

    def clone(self, index: Any) -> Placed:
        """The index itself."""
        self.threads.add(threading.current_thread().name)
        return Placed(index, int(index.nlist), cuvs=self.cuvs)

    def flat(self, vectors: Matrix) -> Placed:
        """All vectors as float16."""
        self.threads.add(threading.current_thread().name)
        index: Any = faiss.index_factory(vectors.shape[1], "SQfp16", faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
        index.add(vectors)
        return Placed(index, 0, cuvs=self.cuvs)
