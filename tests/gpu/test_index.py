"""The index on a device: against exact search, filtered, swapped, freed.

Without a GPU the same tests run on indexes of the host behind the same calls, and fewer rows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import faiss
import numpy as np
import pytest

from benchmarks.gpu_check.host_device import HostDevice
from bertine.index import gpu_memory
from bertine.index.filters import Range
from bertine.index.gpu import Gpu, Mirror, open_gpu
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.types import Item, Matrix

ON_GPU = hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0
ROWS, DIMENSIONS, CENTRES, THREADS = (30_000, 384, 400, 4) if ON_GPU else (6_000, 64, 80, 1)
POLICY = Policy(ivf_min_items=1_000, target_recall=0.95, repeated_share=0.0)
SEARCHERS = 4


def near(seed: int, count: int) -> Matrix:
    centres = np.random.default_rng(99).normal(size=(CENTRES, DIMENSIONS)).astype(np.float32)
    chance = np.random.default_rng(seed)
    rows = centres[chance.integers(CENTRES, size=count)]
    rows = rows + 0.7 * chance.normal(size=rows.shape).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def gpu() -> Iterator[Gpu]:
    opened = open_gpu("cuda") if ON_GPU else Gpu(HostDevice(), "host", patience=60.0)
    assert opened is not None
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=["flat", "ivf", "pq"])
def index(request: pytest.FixtureRequest, gpu: Gpu) -> Iterator[LiveIndex]:
    demand = gpu_memory.demand

    def only(kind: gpu_memory.Kind, *counts: int) -> gpu_memory.Demand:
        return demand(kind, *counts) if kind == request.param else gpu_memory.Demand(1 << 60, 0, 0)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gpu_memory, "demand", only)
        made = LiveIndex(DIMENSIONS, POLICY, gpu=gpu)
        items = [Item(f"{n}", attributes={"n": n}, version=1) for n in range(ROWS)]
        made.upsert(items, near(0, ROWS), 1)
        made.rebuild(threads=THREADS)
        assert made.status().kind.endswith(f"on {gpu.name}")
        yield made
        assert not mirror(made).clone.failing


def mirror(index: LiveIndex) -> Mirror:
    found = index._state.mirror
    assert found is not None
    return found


def agreement(index: LiveIndex, queries: Matrix, **conditions: Any) -> float:
    found = index.search(queries, Request(10, **conditions))
    exact = index.search(queries, Request(10, exact=True, **conditions))
    pairs = zip(found, exact, strict=True)
    return float(np.mean([np.isin(list(b.ids), list(a.ids)).mean() for a, b in pairs]))


@pytest.mark.parametrize("queries", [1, 7, 1_000])
def test_it_finds_what_exact_search_finds(index: LiveIndex, queries: int) -> None:
    assert agreement(index, near(1, queries)) >= (0.9 if queries < 10 else 0.95)


@pytest.mark.parametrize("share", [0.0001, 0.001, 0.02, 0.1, 0.3, 0.9])
def test_a_filter_neither_leaks_nor_costs_answers(index: LiveIndex, share: float) -> None:
    below = max(1, int(share * ROWS))
    chosen = Range("n", (("lt", below),))
    found = index.search(near(2, 50), Request(10, filter=chosen))
    assert max(int(name) for hits in found for name in hits.ids) < below
    assert [len(hits.ids) for hits in found] == [min(10, below)] * 50
    assert agreement(index, near(2, 50), filter=chosen) >= 0.95


def test_bits_decide_on_the_device_too(index: LiveIndex) -> None:
    allowed = np.arange(ROWS) % 3 == 0
    bits = np.packbits(allowed, bitorder="little")
    found = mirror(index).candidates(near(3, 20), 100, allowed=bits)
    real = found[found >= 0]
    assert len(real) > 0.9 * found.size
    assert allowed[real].all()
    assert all(len(set(line)) == (line >= 0).sum() + (line < 0).any() for line in found)


@pytest.mark.parametrize("count", [1, 2_048, 2_049, ROWS + 1])
def test_answers_of_any_length_are_whole_and_in_order(index: LiveIndex, count: int) -> None:
    for hits in index.search(near(4, 2), Request(count)):
        assert len(hits.ids) == len({*hits.ids}) == min(count, ROWS)
        assert (np.diff(np.asarray(hits.scores)) <= 0).all()


@pytest.mark.parametrize("count", [1, 2_048, 2_049, 16_384, 16_385, ROWS + 1])
def test_limits_of_a_search_are_kept(index: LiveIndex, count: int) -> None:
    found = mirror(index).visiting(10**6).candidates(near(4, 3), count)
    assert found.shape[1] >= count
    assert all(len(set(line)) >= min(count, ROWS) * 0.9 for line in found.tolist())


def test_searches_go_on_while_the_index_is_replaced(index: LiveIndex) -> None:
    queries, end = near(5, 100), threading.Event()
    exact = [{*hits.ids} for hits in index.search(queries, Request(10, exact=True))]
    shares: list[float] = []
    errors: list[Exception] = []

    def search(seed: int) -> None:
        chance = np.random.default_rng(seed)
        while not end.is_set():
            rows = chance.integers(len(queries), size=4)
            try:
                found = index.search(queries[rows], Request(10))
            except Exception as error:  # noqa: BLE001 - whatever it is, the test fails by it
                errors.append(error)
                return
            pairs = zip(found, rows, strict=True)
            shares.extend(len(exact[row] & {*hits.ids}) / 10 for hits, row in pairs)

    threads = [threading.Thread(target=search, args=(seed,)) for seed in range(SEARCHERS)]
    for thread in threads:
        thread.start()
    index.rebuild(threads=THREADS)
    end.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert np.mean(shares) >= 0.95


def test_what_is_replaced_gives_its_memory_back(gpu: Gpu, index: LiveIndex) -> None:
    before = gpu.device.free()
    index.rebuild(threads=THREADS)
    gpu.thread.do(lambda: None)
    assert gpu.device.free() >= before - (64 << 20)
