"""An index, and its mirror on what stands where a GPU does."""

from __future__ import annotations

from functools import cache
from typing import Any

import faiss
import numpy as np

from bertine.index.generation import Ivf
from bertine.index.gpu import Clone, Gpu, Mirror
from bertine.index.tuning import Recipe, Setting, Trial, Tuning
from bertine.types import Matrix

ROWS, DIMENSIONS, LISTS = 5_000, 24, 32


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
