"""The index on a real GPU: against exact search, filtered, swapped, freed. Skipped without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import faiss
import numba.cuda
import numpy as np
import pytest

from bertine.index import gpu_memory
from bertine.index.filters import Range
from bertine.index.gpu import Gpu, Mirror, open_gpu
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.types import DeviceMatrix, Item, Matrix

pytestmark = pytest.mark.skipif(
    not (hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus()),
    reason="NO GPU HERE, or FAISS is built for CPUs: the index on a GPU is not checked",
)

ROWS, DIMENSIONS = 60_000, 384
POLICY = Policy(target_recall=0.95)


@pytest.fixture(scope="module")
def centres() -> Matrix:
    return np.random.default_rng(99).normal(size=(800, DIMENSIONS)).astype(np.float32)


def near(centres: Matrix, seed: int, count: int) -> Matrix:
    chance = np.random.default_rng(seed)
    rows = centres[chance.integers(len(centres), size=count)]
    rows = rows + 0.7 * chance.normal(size=rows.shape).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def gpu() -> Iterator[Gpu]:
    opened = open_gpu("cuda")
    assert opened is not None
    yield opened
    opened.close()


@pytest.fixture(params=["flat", "ivf", "pq"])
def index(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, gpu: Gpu, centres: Matrix
) -> LiveIndex:
    demand = gpu_memory.demand

    def only(kind: gpu_memory.Kind, *counts: int) -> gpu_memory.Demand:
        return demand(kind, *counts) if kind == request.param else gpu_memory.Demand(1 << 60, 0, 0)

    monkeypatch.setattr(gpu_memory, "demand", only)
    made = LiveIndex(DIMENSIONS, POLICY, gpu=gpu)
    items = [Item(f"item-{n}", attributes={"n": n}, version=1) for n in range(ROWS)]
    made.upsert(items, near(centres, 0, ROWS), 1)
    made.rebuild(threads=4)
    assert made.status().kind.endswith("on cuda:0")
    return made


def mirror(index: LiveIndex) -> Mirror:
    found = index._state.mirror
    assert found is not None
    return found


def agreement(index: LiveIndex, queries: Matrix, **conditions: Any) -> float:
    found = index.search(queries, Request(10, **conditions))
    exact = index.search(queries, Request(10, exact=True, **conditions))
    pairs = zip(found, exact, strict=True)
    return float(np.mean([np.isin(list(a.ids), list(b.ids)).mean() for a, b in pairs]))


@pytest.mark.parametrize("queries", [1, 7, 1_000])
def test_it_finds_what_exact_search_finds(index: LiveIndex, centres: Matrix, queries: int) -> None:
    assert agreement(index, near(centres, 1, queries)) >= (0.9 if queries < 10 else 0.95)
    assert not mirror(index).clone.failing


@pytest.mark.parametrize("below", [1, 300, 6_000, 30_000])
def test_no_filter_leaks(index: LiveIndex, centres: Matrix, below: int) -> None:
    chosen = Range("n", (("lt", below),))
    found = index.search(near(centres, 2, 50), Request(10, filter=chosen))
    numbers = [int(name.removeprefix("item-")) for hits in found for name in hits.ids]
    assert max(numbers) < below
    assert [len(hits.ids) for hits in found] == [min(10, below)] * 50
    assert agreement(index, near(centres, 2, 50), filter=chosen) >= 0.9
    assert not mirror(index).clone.failing


def test_bits_decide_on_the_device_too(index: LiveIndex, centres: Matrix) -> None:
    allowed = np.arange(ROWS) % 3 == 0
    bits = np.packbits(allowed, bitorder="little")
    found = mirror(index).candidates(near(centres, 3, 20), 200, allowed=bits)
    assert (found >= 0).all()
    assert allowed[found].all()
    assert all(len(set(line)) == len(line) for line in found.tolist())


def test_limits_of_a_search_are_kept(index: LiveIndex, centres: Matrix) -> None:
    there, queries = mirror(index), near(centres, 4, 3)
    for count in (1, 2_048, 2_049, 16_384, 16_385, ROWS + 1):
        found = there.visiting(10**6).candidates(queries, count)
        assert found.shape == (3, count)
        assert all(len(set(line)) >= min(count, ROWS) * 0.9 for line in found.tolist())


def test_queries_are_read_from_the_device(index: LiveIndex, centres: Matrix) -> None:
    there, queries = mirror(index), near(centres, 5, 33)
    on_device: Any = numba.cuda.to_device(queries)
    numba.cuda.synchronize()
    address = on_device.device_ctypes_pointer.value
    resident = DeviceMatrix(address, 33, DIMENSIONS, 0, on_device)
    expected = there.candidates(queries, 50)
    found = there.candidates(np.zeros_like(queries), 50, resident=resident)
    assert np.mean(found == expected) >= 0.999


def test_what_is_replaced_gives_its_memory_back(gpu: Gpu, index: LiveIndex) -> None:
    before = gpu.device.free()
    for _ in range(3):
        index.rebuild(threads=4)
        gpu.thread.do(lambda: None)
    assert gpu.device.free() >= before - (64 << 20)
