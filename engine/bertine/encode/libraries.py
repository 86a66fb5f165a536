"""CUDA's libraries, which come as packages where nothing looks for them.

A library that was opened is found by its name from then on (dlopen(3)), so they are opened here
before ONNX Runtime or FAISS asks for them: from any folder of packages, not only from the one that
ONNX Runtime is in (onnxruntime/__init__.py, `preload_dlls`). So those that PyTorch brought will do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from ctypes import CDLL
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

Load: TypeAlias = Callable[[str], Any]

CUDNN = "libcudnn.so.9"
CUDA = {
    "libcudart.so.13": "nvidia-cuda-runtime",
    "libnvJitLink.so.13": "nvidia-nvjitlink",
    "libcublasLt.so.13": "nvidia-cublas",
    "libcublas.so.13": "nvidia-cublas",
    "libnvrtc.so.13": "nvidia-cuda-nvrtc",
    "libcurand.so.10": "nvidia-curand",
    "libcufft.so.12": "nvidia-cufft",
    "libcusparse.so.12": "nvidia-cusparse",
    "libcusolver.so.12": "nvidia-cusolver",
    CUDNN: "nvidia-cudnn-cu13",
}
"""Those of onnxruntime/__init__.py (`_get_nvidia_dll_paths`) and of libfaiss.so (readelf -d), each
behind what it needs itself; and the packages that bring them."""

CUVS = {
    "libnccl.so.2": "nvidia-nccl-cu13",
    "librapids_logger.so": "rapids-logger",
    "librmm.so": "librmm-cu13",
    "libraft.so": "libraft-cu13",
    "libcuvs.so": "libcuvs-cu13",
}
"""Those of cuVS, in the order of faiss/__init__.py, and what libcuvs.so needs (readelf -d)."""


def open_all(
    names: Iterable[str], folders: Iterable[str] | None = None, load: Load = CDLL
) -> dict[str, str]:
    """Open libraries, each from a package or from where the system looks.

    Args:
        names: in the order in which they need each other.
        folders: where packages are; None is where Python looks for modules.
        load: opens a library by name or path.

    Returns:
        Why, for each that is missing; what only needs a missing one is not.
    """
    places = [Path(entry) for entry in (sys.path if folders is None else folders)]
    missing: dict[str, str] = {}
    for name in names:
        error = _error(name, places, load)
        if error and not any(other in error for other in missing):
            missing[name] = error
    return missing


def open_cuda() -> list[str]:
    """Open CUDA's libraries, and have ONNX Runtime open its own; gives what it does not find."""
    import onnxruntime  # noqa: PLC0415 - also read where it is not installed

    open_all(CUDA)
    told = StringIO()
    with redirect_stdout(told):  # it prints
        onnxruntime.preload_dlls()
    return told.getvalue().splitlines()


def _error(name: str, places: Iterable[Path], load: Load) -> str:
    inside = [place / folder / name for place in places for folder in _folders(name)]
    error = ""
    for path in (*(str(one) for one in inside if one.exists()), name):
        try:
            load(path)
        except OSError as raised:
            error = error or str(raised)
        else:
            return ""
    return error


def _folders(name: str) -> Iterator[str]:
    """Of packages, as onnxruntime/__init__.py and their own `load_library` have them."""
    yield from (f"nvidia/{part}/lib" for part in ("cu13", "cudnn", "nccl"))
    module = name.partition(".")[0]
    yield from (f"{module}/lib64", f"{module.removeprefix('lib')}/lib64")
