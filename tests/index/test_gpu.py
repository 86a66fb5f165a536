"""The shell around a GPU's index, with indexes of the host behind the same calls."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from benchmarks.gpu_check.host_device import HostDevice
from bertine.index.generation import Ivf
from bertine.index.gpu import FLAT_REFINE, Gpu
from bertine.index.gpu_candidates import CLASSIC_LIMIT, CUVS_LIMIT
from bertine.index.gpu_faiss import search
from bertine.index.gpu_thread import Task
from bertine.types import Matrix
from tests.index.mirrors import LISTS, ROWS, mirror, trained, unit


@pytest.fixture
def ivf() -> Ivf:
    return trained()


@pytest.fixture
def gpu() -> Iterator[Gpu]:
    opened = Gpu(HostDevice(), "cuda:0", patience=30.0)
    yield opened
    opened.close()


def bits(allowed: Any) -> Any:
    return np.packbits(allowed, bitorder="little")


@pytest.mark.parametrize("nprobe", [1, 8, LISTS])
def test_it_proposes_what_the_cpu_does(gpu: Gpu, ivf: Ivf, nprobe: int) -> None:
    there = mirror(gpu).visiting(nprobe)
    queries = unit(1, 50)
    for effort in (1, 4):
        expected = ivf.visiting(nprobe).candidates(queries, 30, effort)
        np.testing.assert_array_equal(there.candidates(queries, 30, effort), expected)


def test_a_flat_index_finds_all_there_is(gpu: Gpu) -> None:
    there = mirror(gpu, flat=True)
    queries = unit(1, 50)
    truth = np.argsort(-(queries @ unit(0, ROWS).T), axis=1, kind="stable")[:, :10]
    found = there.candidates(queries, 10 * there.refine)
    assert there.refine == FLAT_REFINE
    assert all(np.isin(a, b).all() for a, b in zip(truth, found, strict=True))
    assert there.kind == "Flat,fp16 on cuda:0"


@pytest.mark.parametrize("cuvs", [True, False])
@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.002, 0.3, 1.0])
def test_a_filter_is_kept_whether_or_not_the_device_heeds_it(
    *, cuvs: bool, flat: bool, share: float
) -> None:
    gpu = Gpu(HostDevice(cuvs=cuvs), "cuda:0", patience=30.0)
    there = mirror(gpu, flat=flat).visiting(LISTS)
    allowed = np.random.default_rng(2).random(ROWS) < share
    queries = unit(1, 20)
    found = there.candidates(queries, 40, allowed=bits(allowed))
    assert found.shape[1] >= 40
    assert allowed[found[found >= 0]].all()
    exact = np.where(allowed, queries @ unit(0, ROWS).T, -9)
    few = min(10, int(allowed.sum()))
    truth = np.argsort(-exact, axis=1, kind="stable")[:, :few]
    recalls = [np.isin(a, b).mean() for a, b in zip(truth, found, strict=True) if few]
    assert np.mean(recalls or [1.0]) >= 0.99
    gpu.close()


class Recorder:
    """Notes what is asked of an index, and hands it on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shapes: list[tuple[int, int]] = []
        self.lists: list[int] = []
        self.heeded: list[bool] = []
        monkeypatch.setattr("bertine.index.gpu.search", self)

    def __call__(self, index: Any, queries: Matrix, count: int, nprobe: int, allowed: Any) -> Any:
        self.shapes.append((len(queries), count))
        self.lists.append(nprobe)
        self.heeded.append(allowed is not None)
        return search(index, queries, count, nprobe, allowed)


def test_what_a_device_would_ignore_is_not_told_it(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu, asked = Gpu(HostDevice(cuvs=False), patience=30.0), Recorder(monkeypatch)
    there = mirror(gpu)
    there.candidates(unit(1, 3), 40, allowed=bits(np.arange(ROWS) % 2 == 0))
    assert asked.heeded == [False]
    assert asked.shapes == [(3, 128)]
    # One row in 500: the limit of a search would not do, so the CPU answers.
    there.candidates(unit(1, 3), 40, allowed=bits(np.arange(ROWS) % 500 == 0))
    assert len(asked.shapes) == 1
    gpu.close()


@pytest.mark.parametrize(("cuvs", "limit"), [(True, CUVS_LIMIT), (False, CLASSIC_LIMIT)])
def test_no_search_is_beyond_what_a_device_takes(
    monkeypatch: pytest.MonkeyPatch, ivf: Ivf, *, cuvs: bool, limit: int
) -> None:
    gpu, asked = Gpu(HostDevice(cuvs=cuvs), patience=30.0), Recorder(monkeypatch)
    there = mirror(gpu)
    for count in (1, 2_048, 2_049, ROWS, ROWS + 1, 20_000):
        expected = ivf.candidates(unit(1, 2), count)
        np.testing.assert_array_equal(there.candidates(unit(1, 2), count), expected)
    assert all(count <= min(limit, ROWS) for _, count in asked.shapes)
    assert max(count for _, count in asked.shapes) == min(limit, ROWS)
    there.visiting(10**6).candidates(unit(1, 2), 10)
    assert asked.lists[-1] == LISTS
    gpu.close()


def test_a_large_batch_is_searched_in_parts_that_fit_the_memory(
    monkeypatch: pytest.MonkeyPatch, ivf: Ivf
) -> None:
    gpu = Gpu(HostDevice(temporary=40_000), patience=30.0)
    asked, there, queries = Recorder(monkeypatch), mirror(gpu), unit(1, 50)
    found = there.candidates(queries, 20)
    np.testing.assert_array_equal(found, ivf.candidates(queries, 20))
    assert asked.shapes == [(12, 20)] * 4 + [(2, 20)]
    gpu.close()


def test_searches_that_wait_together_are_one_and_each_gets_its_own(
    monkeypatch: pytest.MonkeyPatch, gpu: Gpu, ivf: Ivf
) -> None:
    asked, there = Recorder(monkeypatch), mirror(gpu)
    begun, end, queued = threading.Event(), threading.Event(), threading.Semaphore(0)

    def hold(loads: Any) -> Any:
        begun.set()
        assert end.wait(10)
        return loads

    gpu.thread.submit(Task(hold))
    assert begun.wait(10)
    submit = gpu.thread.submit

    def counted(task: Task) -> Any:
        future = submit(task)
        queued.release()
        return future

    monkeypatch.setattr(gpu.thread, "submit", counted)
    queries = [unit(seed, seed) for seed in range(1, 6)]
    found: dict[int, Any] = {}

    def look(number: int) -> None:
        found[number] = there.candidates(queries[number], 30)

    threads = [threading.Thread(target=look, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert queued.acquire(timeout=10)
    end.set()
    for thread in threads:
        thread.join(10)
    assert asked.shapes == [(15, 30)]
    for number, mine in enumerate(queries):
        np.testing.assert_array_equal(found[number], ivf.candidates(mine, 30))


def test_a_share_is_what_a_gpu_takes_the_time_for(gpu: Gpu, ivf: Ivf) -> None:
    lists, flat = mirror(gpu), mirror(gpu, flat=True)
    assert lists.share(1) < ivf.share(1) / 10
    assert lists.share(10**6) == flat.share(1)


def test_a_filter_too_narrow_for_a_flat_index_has_the_cpu_look_as_far_as_it_must(
    monkeypatch: pytest.MonkeyPatch, ivf: Ivf
) -> None:
    monkeypatch.setattr("bertine.index.gpu_faiss.CLASSIC_LIMIT", 20)
    gpu = Gpu(HostDevice(cuvs=False), patience=30.0)
    there, queries = mirror(gpu, flat=True), unit(1, 20)
    allowed = bits(np.arange(ROWS) % 50 == 0)
    effort = there.effort_at(500.0)
    assert effort == ivf.effort_at(500.0) > 1.0
    found = there.candidates(queries, 10 * there.refine, effort, allowed)
    expected = ivf.candidates(queries, 10 * ivf.refine, effort, allowed)
    np.testing.assert_array_equal(found, expected)
    gpu.close()


def test_where_more_lists_are_needed_than_a_device_takes_the_cpu_answers(
    monkeypatch: pytest.MonkeyPatch, ivf: Ivf
) -> None:
    monkeypatch.setattr("bertine.index.gpu_faiss.CLASSIC_LIMIT", 20)
    gpu, asked = Gpu(HostDevice(cuvs=False), patience=30.0), Recorder(monkeypatch)
    there = mirror(gpu)
    there.candidates(unit(1, 2), 10, effort=2.5)
    assert asked.lists == [20]
    found = there.candidates(unit(1, 2), 10, effort=2.6)
    np.testing.assert_array_equal(found, ivf.candidates(unit(1, 2), 10, effort=2.6))
    there.visiting(21).candidates(unit(1, 2), 10)
    assert asked.lists == [20]
    assert there.share(2.6) == ivf.share(2.6) > 10 * there.share(2.5)
    gpu.close()
