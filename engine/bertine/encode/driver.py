"""What NVIDIA's driver and TensorRT's library say of this machine.

Calls of the driver: CUDA Driver API, "Initialization" (cuInit), "Version Management"
(cuDriverGetVersion), "Device Management" (cuDeviceGetCount, cuDeviceGetName). Of TensorRT:
NvInferRuntime.h (getInferLibVersion).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from bertine.errors import ConfigError

DRIVER = "libcuda.so.1"
NEEDED_CUDA = 13_000
"""Of the driver, as 1000 * major + 10 * minor: CUDA 13 came with driver 580 (CUDA Toolkit Release
Notes, "CUDA Toolkit and Corresponding Driver Versions")."""

TENSORRT = ("libnvinfer.so.10", "libnvinfer_plugin.so.10", "libnvonnxparser.so.10")
"""In the order in which they need each other; ONNX Runtime 1.31 is linked to these names."""

_NAME_BYTES = 256
Load: TypeAlias = Callable[[str], Any]


def gpus(load: Load = ctypes.CDLL) -> list[str]:
    """Names of the GPUs, in the order of their numbers.

    Args:
        load: opens a library by name.

    Raises:
        ConfigError: no driver, one too old, or no GPU; says what to do.
    """
    driver = _driver(load)
    count = ctypes.c_int()
    _check(driver.cuDeviceGetCount(ctypes.byref(count)), "cuDeviceGetCount")
    if not count.value:
        raise ConfigError("the driver sees no GPU; look at nvidia-smi and CUDA_VISIBLE_DEVICES")
    return [_name(driver, number) for number in range(count.value)]


def _driver(load: Load) -> Any:
    try:
        driver = load(DRIVER)
    except OSError as error:
        raise ConfigError(
            f"{DRIVER} cannot be loaded, so there is no NVIDIA driver here ({error}); install "
            "driver 580 or newer; in a container, start it with --gpus all"
        ) from error
    version = ctypes.c_int()
    _check(driver.cuDriverGetVersion(ctypes.byref(version)), "cuDriverGetVersion")
    if version.value < NEEDED_CUDA:
        major, minor = divmod(version.value, 1000)
        raise ConfigError(
            f"the NVIDIA driver is too old: it has CUDA {major}.{minor // 10}, and CUDA 13 is "
            "needed; install driver 580 or newer"
        )
    _check(driver.cuInit(0), "cuInit")
    return driver


def _name(driver: Any, number: int) -> str:
    device, name = ctypes.c_int(), ctypes.create_string_buffer(_NAME_BYTES)
    _check(driver.cuDeviceGet(ctypes.byref(device), number), "cuDeviceGet")
    _check(driver.cuDeviceGetName(name, _NAME_BYTES, device), "cuDeviceGetName")
    return name.value.decode()


def _check(result: int, call: str) -> None:
    if result:
        raise ConfigError(
            f"the NVIDIA driver's {call} fails with CUresult {result}; look at nvidia-smi and dmesg"
        )


def load_tensorrt(load: Load = ctypes.CDLL) -> str:
    """Load TensorRT where ONNX Runtime will find it, and tell its version.

    The package `tensorrt-cu13-libs` is no place where libraries are looked for, so its files are
    opened first: a library that is open is found by its name (dlopen(3)).

    Args:
        load: opens a library by name.

    Raises:
        ConfigError: it is not installed; says how to.
    """
    package = find_spec("tensorrt_libs")
    folders = (package.submodule_search_locations if package else None) or [""]
    try:
        first, *_ = [load(str(Path(folders[0], name))) for name in TENSORRT]
    except OSError as error:
        raise ConfigError(
            f"TensorRT 10 cannot be loaded ({error}); pip install 'bertine[gpu,tensorrt]'"
        ) from error
    return str(first.getInferLibVersion())
