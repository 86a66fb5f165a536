"""What `bertine doctor` looks at where the packages for GPUs are installed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ctypes import CDLL
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from bertine.cli.checks import GPU_PACKAGES, Finding, attempt
from bertine.encode.libraries import CUDA, CUDNN, CUVS, Load, open_all

_EXTRA = "gpu"
_INSTALL = "pip install --upgrade 'bertine[gpu]'"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*([^;]*);.*extra == ['\"](\w+)['\"]")
_CLAUSE = re.compile(r"(==|>=|<)\s*([0-9.]+)(\.\*)?")


def check_gpu(versions: Mapping[str, str]) -> Iterator[Finding]:
    """The packages of the extra ``gpu``, the driver, and the libraries that they load.

    Nothing where the CPU's packages are installed: then nothing of it is meant to be there.

    Args:
        versions: see `bertine.cli.checks.installed`.
    """
    if not any(name.startswith(GPU_PACKAGES) for name in versions):
        return
    yield from check_pins(pins(_requirements()), versions)
    yield from check_cudnn(versions, os.environ.get("LD_LIBRARY_PATH", ""))
    yield from check_cuda_libraries(versions)
    yield _optional("NVIDIA driver", "install NVIDIA's driver 580 or newer", _driver)
    yield _optional("TensorRT", "pip install 'bertine[gpu,tensorrt]'", _tensorrt)


def _requirements() -> Sequence[str]:
    try:
        return requires("bertine") or ()
    except PackageNotFoundError:  # run from a checkout that is not installed
        return ()


def pins(requirements: Iterable[str]) -> dict[str, str]:
    """Which versions of which packages the extra ``gpu`` asks for.

    Args:
        requirements: of Bertine's own package, see `importlib.metadata.requires`.
    """
    found = (_REQUIREMENT.match(line) for line in requirements)
    return {
        match[1].lower(): re.sub(r"\s", "", match[2])
        for match in found
        if match and match[3] == _EXTRA
    }


def check_pins(wanted: Mapping[str, str], versions: Mapping[str, str]) -> Iterator[Finding]:
    """One finding for each package; a version that was not tried with the others is broken.

    Args:
        wanted: see `pins`.
        versions: what is installed.
    """
    for name, specifier in sorted(wanted.items()):
        have, remedy = versions.get(name), f"pip install '{name}{specifier}'"
        if have is None:
            yield Finding(name, "absent", "not installed", remedy)
        elif not satisfies(have, specifier):
            yield Finding(name, "broken", f"{have} does not go with the others", remedy)
        else:
            yield Finding(name, "ok", have)


def satisfies(version: str, specifier: str) -> bool:
    """Whether a version is within clauses of ``==N.*``, ``>=N`` and ``<N``; others are passed over.

    Args:
        version: for example ``26.6.0``.
        specifier: for example ``>=1.31,<1.32``.
    """
    return all(
        _within(_numbers(version), operator, _numbers(bound))
        for operator, bound, _ in _CLAUSE.findall(specifier)
    )


def _within(have: tuple[int, ...], operator: str, bound: tuple[int, ...]) -> bool:
    if operator == "==":
        return have[: len(bound)] == bound
    return have >= bound if operator == ">=" else have < bound


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def check_cudnn(versions: Mapping[str, str], library_path: str) -> Iterator[Finding]:
    """Only one cuDNN may be found: packages for two CUDA versions share a folder.

    Args:
        versions: what is installed.
        library_path: folders that are searched before the packages', with colons.
    """
    packages = sorted(name for name in versions if name.startswith("nvidia-cudnn-cu"))
    folders = [part for part in library_path.split(":") if part and Path(part, CUDNN).exists()]
    if len(packages) > 1:
        remedy = f"pip uninstall -y {' '.join(packages)} && {_INSTALL}"
        yield Finding("cudnn", "broken", f"{' and '.join(packages)} overwrite each other", remedy)
    elif packages and folders:
        detail = f"{folders[0]} of LD_LIBRARY_PATH may be taken instead of {packages[0]}"
        yield Finding("cudnn", "broken", detail, "unset LD_LIBRARY_PATH")


def check_cuda_libraries(
    versions: Mapping[str, str], folders: Iterable[str] | None = None, load: Load = CDLL
) -> Iterator[Finding]:
    """Every library of CUDA that ONNX Runtime and FAISS load, missing ones one by one.

    ONNX Runtime passes over some of them in silence, cuDNN among them (`preload_dlls`).

    Args:
        versions: what is installed.
        folders: where packages are; None is where Python looks for modules.
        load: opens a library by name or path.
    """
    wanted = CUDA | (CUVS if "faiss-gpu-cuvs" in versions else {})
    missing = open_all(wanted, folders, load)
    for name, error in missing.items():
        package = wanted[name]
        again = f"pip install --force-reinstall --no-deps {package}=={versions.get(package)}"
        yield Finding(name, "absent", error, again if package in versions else _INSTALL)
    if not missing:
        yield Finding("CUDA libraries", "ok", f"{len(wanted)} load")


def _optional(name: str, remedy: str, check: Callable[[], str]) -> Finding:
    """Broken would be too much: without a GPU Bertine runs on the CPU."""
    finding = attempt(name, remedy, check)
    if finding.status == "ok":
        return finding
    # What to do follows in the error of a server; here it is the remedy.
    return Finding(name, "absent", finding.detail.partition("; ")[0], remedy)


def _driver() -> str:
    from bertine.encode.driver import gpus  # noqa: PLC0415 - only inside a check

    return ", ".join(f"{number} is {name}" for number, name in enumerate(gpus()))


def _tensorrt() -> str:
    from bertine.encode.driver import load_tensorrt  # noqa: PLC0415 - only inside a check

    return f"{load_tensorrt()} loads"
