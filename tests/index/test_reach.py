"""A filter makes a search look deeper, never its answers worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.gpu_check.host_device import HostDevice
from bertine.index import gpu_memory
from bertine.index.filters import Range
from bertine.index.gpu import Gpu
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.reach import DEPTHS, USUAL_DEPTH, depth_of, effort, lists_needed
from bertine.index.request import Request
from bertine.types import Item, Matrix

NEEDED = st.lists(st.integers(1, 4_096), max_size=len(DEPTHS)).map(sorted)
COUNTS = st.integers(1, 10**7)


@given(NEEDED, st.integers(1, 4_096), COUNTS, st.integers(1, 2_000), st.data())
def test_the_fewer_rows_match_the_more_lists_are_visited(
    needed: list[int], nprobe: int, rows: int, wanted: int, data: st.DataObject
) -> None:
    few, many = sorted(data.draw(st.tuples(*[st.integers(0, rows)] * 2)))
    efforts = [
        effort(needed, nprobe, depth_of(rows, matching, wanted)) for matching in (few, many, None)
    ]
    assert efforts == sorted(efforts, reverse=True)
    assert efforts[-1] == 1.0


@given(NEEDED, st.integers(1, 4_096), st.integers(USUAL_DEPTH + 1, 10**6))
def test_what_was_measured_as_needed_is_visited(needed: list[int], nprobe: int, depth: int) -> None:
    visited = effort(needed, nprobe, depth) * nprobe
    for reached, lists in zip(DEPTHS, needed, strict=False):
        assert reached > depth or visited >= lists * (1 - 1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 60), st.integers(10, 150))
def test_the_lists_needed_hold_as_many_of_deep_rows_as_the_usual_of_the_nearest(
    seed: int, nprobe: int, lists: int, rows: int
) -> None:
    chance, queries = np.random.default_rng(seed), 7
    order = chance.permuted(np.tile(np.arange(lists), (queries, 1)), axis=1)
    near = chance.permuted(np.tile(np.arange(rows), (queries, 1)), axis=1)
    home = chance.integers(lists, size=rows).astype(np.int32)

    def share(depth: int, visited: int) -> float:
        return float(np.mean([_held(home[near[q, :depth]], order[q, :visited]) for q in range(7)]))

    needed = lists_needed(order, home, near, nprobe)
    assert len(needed) == sum(depth <= rows for depth in DEPTHS)
    least = min(share(USUAL_DEPTH, nprobe), 0.99)
    for depth, visited in zip(DEPTHS, needed, strict=False):
        assert 1 <= visited <= lists
        assert share(depth, visited) >= least - 1e-9


def _held(homes: NDArray[np.int32], visited: NDArray[np.int64]) -> float:
    return float(np.isin(homes, visited).mean())


def test_without_a_measurement_effort_rises_with_the_root_of_depth() -> None:
    assert effort((), 8, depth_of(1_000, 100, 5)) == pytest.approx(10**0.5)
    assert effort((), 8, depth_of(1_000, None, 500)) == 1.0


ROWS, DIMENSIONS, CLUSTERS = 20_000, 32, 250
POLICY = Policy(ivf_min_items=1_000, target_recall=0.95, repeated_share=0.0)


def clustered(seed: int, count: int) -> Matrix:
    centres = np.random.default_rng(99).normal(size=(CLUSTERS, DIMENSIONS))
    chance = np.random.default_rng(seed)
    rows = centres[chance.integers(CLUSTERS, size=count)]
    rows += 0.6 * chance.normal(size=rows.shape)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("cuvs", [True, False])
@pytest.mark.parametrize("kind", ["flat", "ivf", "pq", "cpu"])
def test_clusters_that_a_filter_thins_out_are_looked_beyond(
    monkeypatch: pytest.MonkeyPatch, kind: str, *, cuvs: bool
) -> None:
    demand = gpu_memory.demand

    def only(this: gpu_memory.Kind, *counts: int) -> gpu_memory.Demand:
        return demand(this, *counts) if this == kind else gpu_memory.Demand(1 << 60, 0, 0)

    monkeypatch.setattr(gpu_memory, "demand", only)
    gpu = None if kind == "cpu" else Gpu(HostDevice(cuvs=cuvs), "cuda:0", patience=60.0)
    index = LiveIndex(DIMENSIONS, POLICY, gpu=gpu)
    items = [Item(f"{n}", attributes={"n": n}, version=1) for n in range(ROWS)]
    index.upsert(items, clustered(0, ROWS), 1)
    index.rebuild()
    assert (" on " in index.status().kind) == (kind != "cpu")
    queries = clustered(1, 60)
    recalls = {}
    for share in (1.0, 0.9, 0.5, 0.3, 0.15, 0.1, 0.05, 0.035):
        chosen = Range("n", (("lt", int(share * ROWS)),))
        # By fours, since what a larger batch shares makes exact scores cheap.
        found = [
            hits
            for start in range(0, len(queries), 4)
            for hits in index.search(queries[start : start + 4], Request(10, filter=chosen))
        ]
        exact = index.search(queries, Request(10, filter=chosen, exact=True))
        pairs = zip(found, exact, strict=True)
        recalls[share] = np.mean([np.isin(list(a.ids), list(b.ids)).mean() for a, b in pairs])
    assert min(recalls.values()) >= 0.95, recalls
    if gpu is not None:
        gpu.close()
