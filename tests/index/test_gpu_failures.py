"""Where a GPU fails, hangs or is not there, the CPU answers, and it is said."""

import gc
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.gpu_check.host_device import HostDevice
from bertine.errors import ConfigError, Unavailable
from bertine.index.generation import Ivf
from bertine.index.gpu import Clone, Gpu, Mirror, open_gpu
from bertine.index.gpu_faiss import Placed, search
from bertine.index.gpu_thread import DeviceThread, Task
from bertine.testing import ServerProcess
from tests.index.mirrors import DIMENSIONS, mirror, trained, unit


@pytest.fixture
def ivf() -> Ivf:
    return trained()


@pytest.fixture
def gpu() -> Iterator[Gpu]:
    opened = Gpu(HostDevice(), "cuda:0", patience=30.0)
    yield opened
    opened.close()


def test_where_memory_does_not_last_the_cpu_answers_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    gpu: Gpu,
    ivf: Ivf,
) -> None:
    there, queries = mirror(gpu), unit(1, 5)

    def fail(*_: Any) -> Any:
        raise RuntimeError("CUDA memory allocation error")

    monkeypatch.setattr("bertine.index.gpu.search", fail)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            found = there.candidates(queries, 30)
            np.testing.assert_array_equal(found, ivf.candidates(queries, 30))
        assert there.kind == ivf.kind
        monkeypatch.setattr("bertine.index.gpu.search", search)
        there.candidates(queries, 30)
    assert there.kind == f"{ivf.kind} on cuda:0"
    said = [record.getMessage() for record in caplog.records]
    assert said == ["searched on the CPU", "searched on the GPU again"]
    assert vars(caplog.records[0])["reason"] == "CUDA memory allocation error"


def test_a_device_that_hangs_keeps_nobody_waiting_for_long(ivf: Ivf) -> None:
    gpu = Gpu(HostDevice(), "cuda:0", patience=0.05)
    there, queries, end = mirror(gpu), unit(1, 5), threading.Event()

    def hang(loads: Any) -> Any:
        assert end.wait(30)
        return loads

    hanging = gpu.thread.submit(Task(hang))
    for _ in range(3):
        found = there.candidates(queries, 9)
        np.testing.assert_array_equal(found, ivf.candidates(queries, 9))
        assert there.kind == ivf.kind
    end.set()
    hanging.result(10)
    gpu.close()


def test_the_cpu_looks_at_as_many_codes_as_it_was_tuned_for(ivf: Ivf) -> None:
    gpu = Gpu(HostDevice(), patience=30.0)
    flat, queries = mirror(gpu, flat=True), unit(1, 5)
    assert flat.candidates(queries, 10 * flat.refine).shape == (5, 20)
    gpu.close()
    found = flat.candidates(queries, 10 * flat.refine)
    np.testing.assert_array_equal(found, ivf.candidates(queries, 10 * ivf.refine))


def test_a_closed_gpu_leaves_searches_to_the_cpu(ivf: Ivf) -> None:
    gpu = Gpu(HostDevice(), patience=30.0)
    there = mirror(gpu)
    gpu.close()
    queries = unit(1, 5)
    np.testing.assert_array_equal(there.candidates(queries, 9), ivf.candidates(queries, 9))
    with pytest.raises(Unavailable):
        there.clone.find(queries, 9, 8)


def test_an_index_is_freed_by_the_thread_that_searches(gpu: Gpu, ivf: Ivf) -> None:
    class Witness:
        """In the place of an index."""

        ntotal, d = 1, DIMENSIONS

        def __del__(self) -> None:
            freed.append(threading.current_thread().name)

    freed: list[str] = []
    placed = gpu.device.clone(ivf.faiss_index)
    box = gpu.thread.do(lambda: [Placed(Witness(), placed.lists, placed.cuvs)])
    there = Mirror(ivf, Clone(gpu, box, 0), 8)
    other = there.visiting(3)
    del there, box
    gc.collect()
    gpu.thread.do(lambda: None)
    assert not freed
    del other
    gc.collect()
    gpu.thread.do(lambda: None)
    assert freed == ["bertine-cuda:0"]


def test_a_gpu_that_is_not_there_is_refused_with_what_would_help() -> None:
    with pytest.raises(ConfigError, match="cannot be on") as raised:
        open_gpu("cuda:99")
    assert "pip" in raised.value.message or "nvidia-smi" in raised.value.message


@pytest.mark.parametrize("setting", ["", "gpu", "cuda:x", "cuda:-1", "CUDA", "cpu:0"])
def test_what_is_no_device_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match=r"index_device|cannot be on"):
        open_gpu(setting)


def test_no_gpu_is_opened_for_the_cpu() -> None:
    assert open_gpu("cpu") is None


def test_a_server_that_is_to_search_on_a_gpu_says_why_it_cannot(
    model: Path, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable) as raised:
        ServerProcess(model, tmp_path, "--index-device", "cuda:99", fake=True).start()
    assert "the index cannot be on" in raised.value.message


def test_no_thread_is_left() -> None:
    gpu = Gpu(HostDevice(), "cuda:5", patience=30.0)
    gpu.close()
    assert isinstance(gpu.thread, DeviceThread)
    assert "bertine-cuda:5" not in {thread.name for thread in threading.enumerate()}
