"""Stands where a GPU does: holds FAISS's own indexes on the host, behind the same calls."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import faiss
import numpy as np

from bertine.index.generation import Ivf
from bertine.index.gpu import Clone, Gpu, Mirror
from bertine.index.gpu_faiss import Placed
from bertine.index.tuning import Recipe, Setting, Trial, Tuning
from bertine.types import Matrix

ROWS, DIMENSIONS, LISTS = 5_000, 24, 32


class HostDevice:
    """Clones by identity. With `cuvs` it heeds selectors, as the host's indexes do."""

    def __init__(self, *, cuvs: bool = True, free: int = 1 << 40, temporary: int = 1 << 26) -> None:
        self.cuvs = cuvs
        self.bytes = free
        self.temporary = temporary
        self.threads: set[str] = set()

    def free(self) -> int:
        return self.bytes

    def clone(self, index: Any) -> Placed:
        self.threads.add(threading.current_thread().name)
        return Placed(index, int(index.nlist), cuvs=self.cuvs)

    def flat(self, vectors: Matrix) -> Placed:
        self.threads.add(threading.current_thread().name)
        index: Any = faiss.index_factory(vectors.shape[1], "SQfp16", faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
        index.add(vectors)
        return Placed(index, 0, cuvs=self.cuvs)


def unit(seed: int, count: int) -> Matrix:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSIONS)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@cache
def trained() -> Ivf:
    """Lists over `unit(0, ROWS)`."""
    kind = f"IVF{LISTS},SQfp16"
    vectors = unit(0, ROWS)
    index: Any = faiss.index_factory(DIMENSIONS, kind, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    trial = Trial(Recipe("SQfp16"), kind, Setting(8, 2), 0.95, 0.95, 0.0, 56.0)
    return Ivf(index, Tuning(trial, 0.9, "items", 100), nprobe=8, refine=4)


def mirror(gpu: Gpu, *, flat: bool = False) -> Mirror:
    device, ivf, vectors = gpu.device, trained(), unit(0, ROWS)
    box = [gpu.thread.do(lambda: device.flat(vectors) if flat else device.clone(ivf.faiss_index))]
    return Mirror(ivf, Clone(gpu, box, 0), ivf.nprobe)
