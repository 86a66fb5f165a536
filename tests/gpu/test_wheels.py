"""The packages of `bertine[gpu]`, installed and tried on a machine without a GPU."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from bertine import artifact
from bertine.cli.check_gpu import check_cuda_libraries
from bertine.cli.checks import installed
from bertine.encode.cuda import DeviceSession
from bertine.encode.device import Device
from bertine.encode.faults import lost
from bertine.encode.opening import machine
from bertine.encode.placement import Placement, on_cuda, on_tensorrt
from bertine.errors import Unavailable
from bertine.testing import ServerProcess

CPU_BUILD = "CUDAExecutionProvider" not in onnxruntime.get_available_providers()
pytestmark = [
    pytest.mark.skipif(
        CPU_BUILD, reason="THE GPU PACKAGES ARE NOT INSTALLED HERE: run make test-gpu-wheels"
    ),
    pytest.mark.skipif(not CPU_BUILD and bool(machine().gpus), reason="this machine has a GPU"),
]
LIBRARIES = Path(onnxruntime.__file__).parent / "capi"


def test_the_whole_set_imports() -> None:
    import faiss  # noqa: PLC0415 - the build for GPUs, not the one that others import

    assert faiss.get_num_gpus() == 0
    assert "NVIDIA_CUVS" in faiss.get_compile_options()
    assert version("onnxruntime-gpu").startswith("1.31.")
    assert {version(f"lib{name}-cu13").rpartition(".")[0] for name in ("cuvs", "raft", "rmm")} == {
        "26.6"
    }
    for other in ("onnxruntime", "faiss-cpu"):
        with pytest.raises(PackageNotFoundError):
            version(other)


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "tensorrt"])
def test_a_gpu_that_is_asked_for_is_an_error_that_helps(
    model: Path, tmp_path: Path, device: str
) -> None:
    command = [sys.executable, "-m", "bertine", "serve", "--device", device]
    ran = subprocess.run(
        [*command, "--model", str(model), "--data", str(tmp_path), "--listen", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 1
    assert f"bertine: device {device}: libcuda.so.1 cannot be loaded" in ran.stderr
    assert "install driver 580 or newer" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_auto_announces_the_cpu(model: Path, tmp_path: Path) -> None:
    with ServerProcess(model, tmp_path) as server, server.client() as client:
        assert client.server_info().models[0].provider == "CPUExecutionProvider"
        [line] = [line for line in server.log if "the encoder runs on cpu" in line]
    assert "libcuda.so.1 cannot be loaded" in line


def test_onnx_runtimes_silent_fallback_is_refused(model: Path) -> None:
    found = artifact.load(model)
    for placement in (
        on_cuda(Device("cuda"), max_length=256),
        on_tensorrt(Device("tensorrt"), max_length=256, cache=model, int8=True),
    ):
        with pytest.raises(Unavailable, match=r"chose CPUExecutionProvider|cannot be put on"):
            DeviceSession(found.path("fp32"), dimensions=384, max_length=256, placement=placement)


def test_device_memory_cannot_be_had_by_accident() -> None:
    with pytest.raises(Exception, match=r"(?i)cuda"):
        onnxruntime.OrtValue.ortvalue_from_shape_and_type([1], np.int64, "cuda", 0)


@pytest.mark.parametrize(
    ("placement", "library"),
    [
        (
            on_cuda(Device("cuda"), max_length=256, memory_bytes=1),
            "libonnxruntime_providers_cuda.so",
        ),
        (
            on_tensorrt(Device("tensorrt"), max_length=256, cache=Path(), int8=True),
            "libonnxruntime_providers_tensorrt.so",
        ),
    ],
    ids=["cuda", "tensorrt"],
)
def test_this_version_knows_every_option_that_is_set(placement: Placement, library: str) -> None:
    known = (LIBRARIES / library).read_bytes()
    options = placement.providers[0][1]
    assert [name for name in options if name.encode() not in known] == []
    for value in options.values():
        if str(value).startswith("k"):  # a name of an enumeration
            assert str(value).encode() in known


def test_every_library_of_the_set_loads() -> None:
    [found] = check_cuda_libraries(installed())
    assert (found.name, found.status) == ("CUDA libraries", "ok"), found


def test_errors_have_the_numbers_and_names_of_this_cuda() -> None:
    toolkit = LIBRARIES.parents[1] / "nvidia" / "cu13"
    header = (toolkit / "include" / "driver_types.h").read_text(encoding="utf-8")
    errors = re.findall(r"(cudaError\w+)\s*=\s*(\d+)", header)
    assert len(errors) > 100
    lasting = [name for name, number in errors if lost(f"CUDA failure {number}: ...") == name]
    assert lasting == [name for name, _ in errors if lost(f"CUDA error {name}:...")]
    assert len(lasting) == sum(
        lost(f"CUDA failure {number}: ...") is not None for number in range(1000)
    )
    assert {"cudaErrorIllegalAddress", "cudaErrorLaunchFailure"} <= set(lasting)
    assert "cudaErrorMemoryAllocation" not in lasting
    # So ONNX Runtime 1.31 writes them, see `faults`.
    for form in (b"%s failure %d: %s ; GPU=%d", b"CUDA error "):
        assert form in (LIBRARIES / "libonnxruntime_providers_cuda.so").read_bytes()
