"""What numba needs of a CUDA toolkit, put together from packages where there is no toolkit."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

_PACKAGES = Path("nvidia", "cu13")


def cuda_home(home: Path, folders: Iterable[str] | None = None) -> dict[str, str]:
    """The environment in which numba compiles by the packages' NVVM.

    numba looks for libraries in the folders of a toolkit (numba/cuda/cuda_paths.py), which packages
    do not have. Theirs goes before the machine's toolkit, which may be newer than its driver: the
    driver then refuses the PTX (CUDA_ERROR_UNSUPPORTED_PTX_VERSION).

    Args:
        home: an empty folder, which is made a toolkit.
        folders: where packages are; None is where Python looks for modules.

    Returns:
        Nothing if nvidia-nvvm is not installed.
    """
    places = [Path(entry, _PACKAGES) for entry in (sys.path if folders is None else folders)]
    found = next((one for one in places if (one / "nvvm" / "libdevice").is_dir()), None)
    if found is None:
        return {}
    _link(found / "lib", "libnvvm.so*", home / "nvvm" / "lib64")
    _link(found / "nvvm", "libdevice", home / "nvvm")
    _link(found / "lib", "libcudart.so*", home / "lib64")
    return {"CUDA_HOME": str(home)}


def _link(source: Path, pattern: str, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for one in source.glob(pattern):
        (target / one.name).symlink_to(one.resolve())
