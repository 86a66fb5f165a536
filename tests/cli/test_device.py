from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bertine.encode.session import available_providers
from bertine.testing import ServerProcess


@pytest.fixture
def serve(run: Any, model: Path, tmp_path: Path) -> Any:
    """Run `bertine serve`, which must fail before it serves."""
    options = ("--model", model, "--data", tmp_path, "--listen", "127.0.0.1:0")
    return lambda *more: run("serve", *options, *more)


@pytest.mark.skipif(
    "CUDAExecutionProvider" in available_providers(), reason="ONNX Runtime is built for GPUs here"
)
def test_a_gpu_that_cannot_be_had_says_what_to_install(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = serve("--device", "cuda:1")
    assert ran.code == 1
    told = "bertine: device cuda:1: this ONNX Runtime has no CUDAExecutionProvider"
    assert told in ran.err
    assert "pip install 'bertine[gpu]'" in ran.err
    monkeypatch.setenv("BERTINE_SERVE_DEVICE", "tensorrt")
    assert "device tensorrt: this ONNX Runtime has no Tensorrt" in serve().err


def test_a_device_that_means_nothing_is_refused(serve: Any) -> None:
    ran = serve("--device", "abacus")
    assert ran.code == 1
    assert "device 'abacus' is not known; write auto, cpu, cuda" in ran.err


def test_a_server_says_at_its_start_what_it_runs_on(model: Path, tmp_path: Path) -> None:
    with ServerProcess(model, tmp_path) as server:
        [line] = [line for line in server.log if "the encoder runs on" in line]
    assert "asked=auto" in line
    assert "reason=" in line
