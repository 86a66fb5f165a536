"""A live index whose trained part is on a device: trained for it, swapped, saved, refused."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.gpu_check.host_device import HostDevice
from bertine.errors import Unavailable
from bertine.index import gpu_memory
from bertine.index.filters import Range
from bertine.index.gpu import Gpu
from bertine.index.gpu_faiss import Placed
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.registry import Registry
from bertine.index.request import Request
from bertine.index.snapshot import Home
from bertine.types import Collection, Item, Matrix

DIMENSIONS, ROWS = 32, 4_000
POLICY = Policy(ivf_min_items=1_000, target_recall=0.9)


def vectors(seed: int = 0, count: int = ROWS) -> Matrix:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(100, DIMENSIONS))
    rows = centres[random.integers(100, size=count)]
    rows += 0.6 * random.normal(size=rows.shape)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def items(count: int = ROWS) -> list[Item]:
    return [Item(f"item-{n}", attributes={"n": n}, version=1) for n in range(count)]


VERSIONS = [([item.id for item in items()], np.ones(ROWS, np.int64))]


@pytest.fixture
def device() -> HostDevice:
    return HostDevice()


@pytest.fixture
def gpu(device: HostDevice) -> Iterator[Gpu]:
    opened = Gpu(device, "cuda:0", patience=30.0)
    yield opened
    opened.close()


@pytest.fixture
def no_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_memory, "FLAT_BYTES", 0)


def filled(gpu: Gpu | None, home: Home | None = None) -> LiveIndex:
    index = LiveIndex(DIMENSIONS, POLICY, home, gpu=gpu)
    index.upsert(items(), vectors(), 1)
    index.rebuild()
    return index


def agreement(index: LiveIndex, **conditions: Any) -> float:
    queries = vectors(5, 60)
    found = index.search(queries, Request(10, **conditions))
    exact = index.search(queries, Request(10, exact=True, **conditions))
    pairs = zip(found, exact, strict=True)
    return float(np.mean([np.isin(list(a.ids), list(b.ids)).mean() for a, b in pairs]))


def test_a_small_collection_is_flat_beside_what_is_best_on_a_cpu(gpu: Gpu) -> None:
    index = filled(gpu)
    status = index.status()
    assert (status.kind, status.main, status.refine) == ("Flat,fp16 on cuda:0", ROWS, 2)
    assert "x4fs" in index._state.ivf.kind  # type: ignore[union-attr]
    assert agreement(index) == 1.0
    assert agreement(index, filter=Range("n", (("lt", 2_000),))) == 1.0
    assert index.search(vectors(5, 3), Request(10))[0].plan.strategy == "ivf"


@pytest.mark.usefixtures("no_flat")
def test_a_large_one_is_trained_with_codes_that_a_gpu_reads(gpu: Gpu) -> None:
    index = filled(gpu)
    assert index.status().kind == "IVF256,SQfp16 on cuda:0"
    assert agreement(index) >= 0.9
    assert agreement(index, filter=Range("n", (("lt", 2_000),))) >= 0.9
    assert not index.rebuild_reason()
    done = index.tune(0.9, vectors(6, 300))
    assert {trial.kind for trial in done.trials} == {"IVF256,SQfp16"}


@pytest.mark.usefixtures("no_flat")
def test_a_larger_one_gets_short_codes(device: HostDevice, gpu: Gpu) -> None:
    searching = 2 * device.temporary
    lists = gpu_memory.demand("ivf", ROWS, DIMENSIONS, device.temporary).total
    codes = gpu_memory.demand("pq", ROWS, DIMENSIONS, device.temporary).total
    assert searching < codes < lists
    device.bytes = lists - 1
    index = filled(gpu)
    assert index.status().kind == "IVF256,PQ8np on cuda:0"
    assert agreement(index) >= 0.9


def test_what_does_not_fit_stays_on_the_cpu_and_a_log_says_so(
    device: HostDevice, gpu: Gpu, caplog: pytest.LogCaptureFixture
) -> None:
    device.bytes = 1 << 20
    index = filled(gpu)
    assert index.status().kind == "IVF128,PQ16x4fs"
    assert not index.rebuild_reason()
    assert agreement(index) >= 0.9
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.getMessage() == "index stays on the CPU"
    assert "1 MiB are there" in vars(record)["reason"]
    # As soon as there is room, the next rebuild takes it.
    device.bytes = 1 << 40
    index.rebuild()
    assert index.status().kind == "Flat,fp16 on cuda:0"


def test_a_clone_that_answers_wrongly_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
    device: HostDevice,
    gpu: Gpu,
    caplog: pytest.LogCaptureFixture,
) -> None:
    flat = device.flat

    def damaged(rows: Matrix) -> Placed:
        return flat(np.ascontiguousarray(rows[::-1]))

    monkeypatch.setattr(device, "flat", damaged)
    index = filled(gpu)
    assert index.status().kind == "IVF128,PQ16x4fs"
    assert "of the nearest rows" in vars(caplog.records[-1])["reason"]
    assert agreement(index) >= 0.9


def test_a_device_that_does_not_say_how_much_memory_it_has_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
    device: HostDevice,
    gpu: Gpu,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def unknown() -> int:
        raise Unavailable("cuda:0 does not say how much memory it has")

    monkeypatch.setattr(device, "free", unknown)
    assert filled(gpu).status().kind == "IVF128,PQ16x4fs"
    assert "does not say" in vars(caplog.records[-1])["reason"]


@pytest.mark.parametrize("cuvs", [True, False])
@pytest.mark.parametrize("flat_bytes", [0, 1 << 30])
@pytest.mark.parametrize("below", [1, 40, 700, 2_500, ROWS])
def test_no_filter_leaks_whatever_the_device_heeds(
    monkeypatch: pytest.MonkeyPatch, *, cuvs: bool, flat_bytes: int, below: int
) -> None:
    monkeypatch.setattr(gpu_memory, "FLAT_BYTES", flat_bytes)
    monkeypatch.setattr("bertine.index.planner._MATCHES_ALWAYS", 0)
    gpu = Gpu(HostDevice(cuvs=cuvs), "cuda:0", patience=30.0)
    index = filled(gpu)
    chosen = Range("n", (("lt", below),))
    found = index.search(vectors(5, 40), Request(10, filter=chosen))
    numbers = [int(name.removeprefix("item-")) for hits in found for name in hits.ids]
    assert max(numbers) < below
    assert [len(hits.ids) for hits in found] == [min(10, below)] * 40
    assert agreement(index, filter=chosen) >= 0.9
    gpu.close()


def test_a_device_that_has_no_memory_left_is_not_used(
    monkeypatch: pytest.MonkeyPatch, device: HostDevice, gpu: Gpu
) -> None:
    def full(_: Matrix) -> Placed:
        raise RuntimeError("CUDA memory allocation error")

    monkeypatch.setattr(device, "flat", full)
    assert filled(gpu).status().kind == "IVF128,PQ16x4fs"


@pytest.mark.usefixtures("no_flat")
def test_a_snapshot_is_cloned_when_it_is_loaded(
    tmp_path: Path, device: HostDevice, gpu: Gpu
) -> None:
    home = Home(tmp_path / "1", "f" * 64)
    filled(gpu, home).save()
    device.threads.clear()
    index = LiveIndex(DIMENSIONS, POLICY, home, gpu=gpu)
    assert index.restore(lambda: VERSIONS, 1) == []
    assert index.status().kind == "IVF256,SQfp16 on cuda:0"
    assert device.threads == {"bertine-cuda:0"}
    assert agreement(index) >= 0.9
    # Without the GPU the same snapshot serves on the CPU.
    other = LiveIndex(DIMENSIONS, POLICY, home)
    assert other.restore(lambda: VERSIONS, 1) == []
    assert other.status().kind == "IVF256,SQfp16"


@pytest.mark.usefixtures("no_flat")
def test_a_snapshot_with_codes_of_the_cpu_serves_until_it_is_trained_anew(
    tmp_path: Path, gpu: Gpu
) -> None:
    home = Home(tmp_path / "1", "f" * 64)
    filled(None, home).save()
    index = LiveIndex(DIMENSIONS, POLICY, home, gpu=gpu)
    index.restore(lambda: VERSIONS, 1)
    assert index.status().kind == "IVF128,PQ16x4fs"
    assert agreement(index) >= 0.9
    assert index.rebuild_reason() == "device"
    index.rebuild()
    assert index.status().kind == "IVF256,SQfp16 on cuda:0"
    assert not index.rebuild_reason()


def test_searches_during_swaps_find_what_they_should(gpu: Gpu) -> None:
    index, queries = filled(gpu), vectors(5, 40)
    expected = [list(hits.ids) for hits in index.search(queries, Request(10, exact=True))]
    recalls: list[float] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            found = [list(hits.ids) for hits in index.search(queries, Request(10))]
            pairs = zip(expected, found, strict=True)
            recalls.append(float(np.mean([np.isin(a, b).mean() for a, b in pairs])))

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        index.rebuild()
    done.set()
    for thread in threads:
        thread.join(30)
    # While an index is put on the device the CPU answers, with the recall of its own.
    assert min(recalls) >= 0.9
    assert index.status().kind == "Flat,fp16 on cuda:0"


def test_collections_are_given_the_gpu(tmp_path: Path, gpu: Gpu) -> None:
    registry = Registry(POLICY, tmp_path, gpu=gpu)
    collection = Collection(1, "books", "", DIMENSIONS, "f" * 64, 0.0, 0, 0)
    index = registry.add(collection).index
    index.upsert(items(), vectors(), 1)
    index.rebuild()
    assert index.status().kind == "Flat,fp16 on cuda:0"
