from __future__ import annotations

import logging
from contextlib import closing

import numpy as np
import pytest

from bertine.artifact import Artifact
from bertine.encode import opening
from bertine.encode.device import Choice, Device, Machine, choose
from bertine.encode.opening import DeviceSettings, machine, open_session
from bertine.encode.session import available_providers
from bertine.errors import ConfigError, Unavailable

NO_GPU = "CUDAExecutionProvider" not in available_providers()


@pytest.mark.skipif(not NO_GPU, reason="this build of ONNX Runtime has a provider for GPUs")
@pytest.mark.parametrize("device", ["cuda", "cuda:0,cuda:1", "tensorrt"])
def test_a_gpu_that_cannot_be_had_is_an_error(artifact: Artifact, device: str) -> None:
    with pytest.raises(ConfigError, match=rf"device {device}: .*pip install 'bertine\[gpu\]'"):
        open_session(artifact, settings=DeviceSettings(device))


def test_auto_says_what_it_took_and_why(
    artifact: Artifact, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bertine")
    name, session = open_session(artifact, settings=DeviceSettings(threads=1))
    with closing(session):
        assert (name, session.provider) == ("int8", "CPUExecutionProvider")
    [record] = [entry for entry in caplog.records if "encoder runs on" in entry.message]
    assert record.message == "the encoder runs on cpu"
    assert record.__dict__["asked"] == "auto"
    assert record.__dict__["reason"]


def test_a_gpu_that_fails_under_auto_is_told_and_the_cpu_taken(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def claimed(*_: object) -> Choice:
        monkeypatch.setattr(opening, "choose", real)
        return Choice((Device("cuda"),), "fp32", "claimed")

    def failing(*_: object, **__: object) -> None:
        raise Unavailable("ONNX Runtime chose CPUExecutionProvider")

    real = choose
    monkeypatch.setattr(opening, "choose", claimed)
    monkeypatch.setattr(opening, "DeviceSession", failing)
    caplog.set_level(logging.INFO, "bertine")
    name, session = open_session(artifact, settings=DeviceSettings(threads=1))
    with closing(session):
        assert (name, session.provider) == ("int8", "CPUExecutionProvider")
    assert "the GPU fails: ONNX Runtime chose CPU" in caplog.records[-1].__dict__["reason"]
    assert caplog.records[-1].levelno == logging.WARNING


def test_the_driver_is_asked_only_where_a_gpu_is_meant() -> None:
    assert machine("cpu") == Machine(available_providers())
    if NO_GPU:
        assert machine("auto").gpus == ()


def test_one_thread_has_one_session_and_more_have_two(artifact: Artifact) -> None:
    ids = np.ones((3, 5), dtype=np.int64)
    made = [open_session(artifact, "int8", DeviceSettings("cpu", n))[1] for n in (1, 2)]
    first, second = (session.run(ids, ids) for session in made)
    assert np.abs(first - second).max() < 1e-5
    assert [type(session).__name__ for session in made] == ["OnnxSession", "PerCoreSession"]
    for session in made:
        session.close()
