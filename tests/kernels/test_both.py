"""What holds for the kernels of a CPU and of a GPU alike.

Those of a GPU run where there is one, or in numba's simulator, which must be chosen before numba is
imported: `test_cuda.py` starts this file once more for that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numba.cuda
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bertine.kernels import cpu, cuda, select
from bertine.recommend import profile
from bertine.types import Matrix

SEEDS = st.integers(0, 2**32 - 1)
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
EXAMPLES = settings(
    deadline=None,
    max_examples=12 if SIMULATED else 100,
    # A fixture that is the same for every example.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Kernels(NamedTuple):
    rescore: Callable[..., Any]
    mmr: Callable[..., None]
    pooled: Callable[..., Any]


def _pooled(vectors: Matrix, rows: NDArray[np.int64], weights: NDArray[np.float64]) -> Any:
    built = profile.build(vectors[rows], weights)
    return None if built is None else (built.vector, built.norm)


KINDS = {"cpu": Kernels(cpu.rescore, select.mmr, _pooled)}
if numba.cuda.is_available():  # as it is in the simulator
    KINDS["cuda"] = Kernels(cuda.rescore, cuda.mmr, cuda.pooled)


@pytest.fixture(params=KINDS)
def kernels(request: pytest.FixtureRequest) -> Kernels:
    return KINDS[request.param]


def unit(chance: np.random.Generator, count: int, dimensions: int) -> Matrix:
    rows = chance.normal(size=(count, dimensions)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@EXAMPLES
@given(SEEDS, st.integers(1, 12), st.integers(0, 6), st.integers(1, 80))
def test_rescoring_is_exact(
    kernels: Kernels, seed: int, count: int, places: int, dimensions: int
) -> None:
    chance = np.random.default_rng(seed)
    vectors, query = unit(chance, count, dimensions), unit(chance, 1, dimensions)[0]
    rows = chance.integers(0, count, places)
    scores = kernels.rescore(vectors, rows, query)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, vectors[rows] @ query, atol=1e-6)
    assert (np.abs(scores) <= 1.0).all()


def test_equal_rows_get_equal_bits(kernels: Kernels) -> None:
    chance = np.random.default_rng(1)
    vectors = np.repeat(unit(chance, 1, 384), 9, axis=0)
    vectors.flags.writeable = False
    scores = kernels.rescore(vectors, np.arange(9), unit(chance, 1, 384)[0])
    assert np.unique(scores).size == 1


@EXAMPLES
@given(SEEDS, st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.booleans())
def test_each_choice_is_the_best_by_maximal_marginal_relevance(
    kernels: Kernels,
    seed: int,
    count: int,
    wanted: int,
    novelty: float,
    equal: bool,  # noqa: FBT001
) -> None:
    chance = np.random.default_rng(seed)
    vectors, relevance = unit(chance, count, 5), chance.random(count)
    if equal:
        relevance = np.round(relevance, 1)
    chosen = np.full(min(wanted, count), -1, np.int64)
    kernels.mmr(vectors, relevance, novelty, chosen)
    assert len(set(chosen.tolist())) == len(chosen)
    similar = vectors.astype(np.float64) @ vectors.T
    for place, row in enumerate(chosen.tolist()):
        before = chosen[:place]
        left = np.setdiff1d(np.arange(count), before)
        penalty = similar[:, before].max(axis=1) if place else np.zeros(count)
        values = (1 - novelty) * relevance - novelty * penalty
        assert values[row] >= values[left].max() - 1e-5


def test_of_equal_choices_it_takes_the_first(kernels: Kernels) -> None:
    vectors = np.eye(40, dtype=np.float32)
    chosen = np.empty(40, np.int64)
    kernels.mmr(vectors, np.full(40, 0.5), 0.3, chosen)
    assert chosen.tolist() == list(range(40))


@EXAMPLES
@given(SEEDS, st.integers(1, 12), st.integers(0, 8), st.integers(1, 70))
def test_a_pool_is_the_direction_of_the_weighted_sum(
    kernels: Kernels, seed: int, count: int, entries: int, dimensions: int
) -> None:
    chance = np.random.default_rng(seed)
    vectors, rows = unit(chance, count, dimensions), chance.integers(0, count, entries)
    weights = chance.uniform(-1, 1, entries)
    total = weights @ vectors[rows].astype(np.float64)
    norm = float(np.linalg.norm(total))
    pooled = kernels.pooled(vectors, rows, weights)
    if not entries:
        assert pooled is None
    elif norm > 1e-3:
        np.testing.assert_allclose(pooled[0], total / norm, atol=1e-6)
        assert pooled[1] == pytest.approx(norm)


def test_what_cancels_out_has_no_direction(kernels: Kernels) -> None:
    vectors = unit(np.random.default_rng(0), 2, 6)
    assert kernels.pooled(vectors, np.array([1, 1]), np.array([0.5, -0.5])) is None
