"""The encoder's session on a real GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numba.cuda
import numpy as np
import pytest

from bertine import artifact
from bertine.encode.cuda import DeviceSession
from bertine.encode.device import Device
from bertine.encode.opening import DeviceSettings, machine, open_session
from bertine.encode.padding import pad
from bertine.encode.placement import on_cuda
from bertine.encode.session import OnnxSession
from bertine.errors import EncodeError, Unavailable

pytestmark = pytest.mark.skipif(
    not machine().gpus,
    reason=f"NO GPU HERE, the session on one is not checked: {machine().problem}",
)


@pytest.fixture(scope="module")
def path(model: Path) -> Path:
    return artifact.load(model).path("fp32")


@pytest.fixture(scope="module")
def reference(path: Path) -> Iterator[OnnxSession]:
    with closing(OnnxSession(path, dimensions=dimensions(path))) as session:
        yield session


@pytest.fixture(scope="module", params=[True, False], ids=["graphs", "plain"])
def session(path: Path, request: pytest.FixtureRequest) -> Iterator[DeviceSession]:
    with closing(open_on(path, graphs=request.param)) as opened:
        opened.prepare()
        yield opened


def open_on(path: Path, *, graphs: bool = False, memory_bytes: int = 0) -> DeviceSession:
    placement = on_cuda(Device("cuda"), max_length=256, graphs=graphs, memory_bytes=memory_bytes)
    return DeviceSession(path, dimensions=dimensions(path), max_length=256, placement=placement)


def dimensions(path: Path) -> int:
    return artifact.load(path.parent).manifest.dimensions


def ragged(*lengths: int) -> tuple[Any, Any]:
    random = np.random.default_rng(len(lengths))
    return pad([random.integers(1000, 20_000, n).astype(np.int32) for n in lengths], 0)


@pytest.mark.parametrize("lengths", [(5,), (12, 7, 3), (256,), (40,) * 32, (9, 200) * 64])
def test_vectors_are_the_cpus_however_often_they_are_asked_for(
    session: DeviceSession, reference: OnnxSession, lengths: tuple[int, ...]
) -> None:
    batch = ragged(*lengths)
    right = reference.run(*batch)
    for _ in range(3):
        assert np.abs(session.run(*batch) - right).max() < 1e-4
        session.run(*ragged(*(31, 17)))  # another shape in between


def test_memory_that_runs_out_fails_the_batch_alone(path: Path) -> None:
    with closing(open_on(path, memory_bytes=256 << 20)) as session:
        small = ragged(12, 7)
        right = session.run(*small)
        with pytest.raises(EncodeError, match=r"failed on shape \[4096, 256\]"):
            session.run(*ragged(*(256,) * 4096))
        assert np.abs(session.run(*small) - right).max() < 1e-6


def test_weights_that_do_not_fit_are_not_taken_for_a_damaged_file(path: Path) -> None:
    with pytest.raises(Unavailable, match="GPU"):
        open_on(path, memory_bytes=1 << 20)


def test_replicas_share_a_gpu(model: Path, reference: OnnxSession) -> None:
    name, session = open_session(artifact.load(model), "fp32", DeviceSettings("cuda:0,cuda:0"))
    with closing(session):
        assert (name, session.callers, session.provider) == ("fp32", 2, "CUDAExecutionProvider")
        session.prepare()
        batch = ragged(12, 7, 3)
        for _ in range(4):
            assert np.abs(session.run(*batch) - reference.run(*batch)).max() < 1e-4


def test_numba_sees_this_gpu_too() -> None:
    """Otherwise the kernels' tests would pass it over: tests/kernels/test_both.py."""
    assert numba.cuda.is_available(), (
        "numba finds no NVVM: make gpu-check gives it nvidia-nvvm's, or set CUDA_HOME to a toolkit"
    )
