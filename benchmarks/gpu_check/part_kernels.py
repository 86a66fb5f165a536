"""numba's kernels on the GPU against those of the CPU."""

from __future__ import annotations

import numba.cuda
import numpy as np

from benchmarks.gpu_check.batches import spread
from benchmarks.gpu_check.findings import AbsentError, Findings
from benchmarks.gpu_check.settings import Settings
from benchmarks.report import at_least, at_most
from bertine.kernels import cpu, cuda, select
from bertine.recommend import profile
from bertine.types import Matrix

_ROWS, _DIMENSIONS, _CHOSEN = 500, 384, 100
_CLOSE = 1e-5


def measure(settings: Settings, found: Findings) -> None:
    """Rescoring, MMR and pooling of the same rows.

    Raises:
        AbsentError: the device is a CPU, or numba sees no GPU.
    """
    if not settings.on_gpu:
        raise AbsentError("kernels for a GPU have no form on the CPU; tests run them simulated")
    if not numba.cuda.is_available():
        raise AbsentError("numba sees no GPU; bertine doctor says what is missing")
    numba.cuda.select_device(settings.place.index)
    vectors = spread(_ROWS, _DIMENSIONS, seed=0)
    with found.section("kernels: rescore"):
        _rescore(vectors, found)
    with found.section("kernels: mmr"):
        _mmr(vectors, found)
    with found.section("kernels: pooled"):
        _pooled(vectors, found)


def _rescore(vectors: Matrix, found: Findings) -> None:
    rows, query = np.arange(len(vectors))[::-1].copy(), vectors[7]
    difference = cuda.rescore(vectors, rows, query) - cpu.rescore(vectors, rows, query)
    label = "rescore: largest difference to the CPU's"
    found.add("kernel_rescore", label, np.abs(difference).max(), bar=at_most(_CLOSE))


def _mmr(vectors: Matrix, found: Findings) -> None:
    relevance = np.linspace(1, 0, len(vectors))
    chosen = np.full((2, _CHOSEN), -1, np.int64)
    cuda.mmr(vectors, relevance, 0.3, chosen[0])
    select.mmr(vectors, relevance, 0.3, chosen[1])
    same = float((chosen[0] == chosen[1]).mean())
    # Values that are equal but for rounding may change places.
    found.add("kernel_mmr", "mmr: share of choices as the CPU's", same, bar=at_least(0.95))


def _pooled(vectors: Matrix, found: Findings) -> None:
    rows, weights = np.arange(0, len(vectors), 3), np.linspace(-1, 1, -(-len(vectors) // 3))
    pooled, right = cuda.pooled(vectors, rows, weights), profile.build(vectors[rows], weights)
    if pooled is None or right is None:
        raise ValueError(f"weights that do not cancel out gave {pooled} and {right}")
    difference = np.abs(pooled[0] - right.vector).max()
    label = "pooled: largest difference to the CPU's"
    found.add("kernel_pooled", label, difference, bar=at_most(_CLOSE))
