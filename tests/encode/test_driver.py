"""The driver's answers are made up; its absence is real where there is none."""

from __future__ import annotations

import ctypes
from ctypes.util import find_library
from typing import Any

import pytest

from bertine.encode.driver import gpus, load_tensorrt
from bertine.errors import ConfigError


class Library:
    """The part of libcuda.so.1 that is called, of a given version and with given GPUs."""

    def __init__(self, version: int, names: list[str], broken: str = "") -> None:
        self.version, self.names, self.broken = version, names, broken

    def cuDriverGetVersion(self, out: Any) -> int:  # noqa: N802
        out._obj.value = self.version
        return 0

    def cuInit(self, _flags: int) -> int:  # noqa: N802
        return 100 if self.broken == "cuInit" else 0

    def cuDeviceGetCount(self, out: Any) -> int:  # noqa: N802
        out._obj.value = len(self.names)
        return 0

    def cuDeviceGet(self, out: Any, number: int) -> int:  # noqa: N802
        out._obj.value = number
        return 0

    def cuDeviceGetName(self, out: Any, size: int, device: ctypes.c_int) -> int:  # noqa: N802
        assert size == len(out)
        out.value = self.names[device.value].encode()
        return 0


def test_gpus_are_named_in_their_order() -> None:
    names = ["NVIDIA H100 80GB HBM3", "NVIDIA L4"]
    assert gpus(lambda _: Library(13_000, names)) == names


@pytest.mark.parametrize(
    ("library", "told"),
    [
        (Library(12_080, ["NVIDIA L4"]), "it has CUDA 12.8, .* install driver 580 or newer"),
        (Library(13_010, []), "sees no GPU; look at nvidia-smi and CUDA_VISIBLE_DEVICES"),
        (Library(13_000, ["a"], "cuInit"), "cuInit fails with CUresult 100"),
    ],
)
def test_what_is_wrong_with_a_driver_is_told(library: Library, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        gpus(lambda _: library)


@pytest.mark.skipif(find_library("cuda") is not None, reason="this machine has NVIDIA's driver")
def test_here_is_no_driver() -> None:
    with pytest.raises(ConfigError, match=r"libcuda\.so\.1 cannot be loaded, .*driver 580"):
        gpus()


def test_tensorrt_is_found_by_its_names_and_tells_its_version() -> None:
    opened: list[str] = []

    class Nvinfer:
        def getInferLibVersion(self) -> int:  # noqa: N802
            return 101_601

    def load(path: str) -> Nvinfer:
        opened.append(path.rpartition("/")[2])
        return Nvinfer()

    assert load_tensorrt(load) == "101601"
    assert opened == ["libnvinfer.so.10", "libnvinfer_plugin.so.10", "libnvonnxparser.so.10"]


def test_tensorrt_that_is_missing_says_how_to_get_it() -> None:
    def load(path: str) -> Any:
        raise OSError(f"{path}: cannot open shared object file")

    with pytest.raises(ConfigError, match=r"pip install 'bertine\[gpu,tensorrt\]'"):
        load_tensorrt(load)
