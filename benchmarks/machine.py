"""What a figure was measured on, without which it says nothing."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bertine import artifact
from bertine.encode.cores import usable_cores

_PACKAGES = {
    "bertine": ("bertine",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "faiss": ("faiss-cpu", "faiss-gpu-cuvs"),
    "numpy": ("numpy",),
    "grpc": ("grpcio",),
}


def describe() -> dict[str, Any]:
    """Cores, processor, versions, and how busy the machine is now."""
    return {
        "cores": usable_cores(),
        "cpu": _processor(),
        "python": platform.python_version(),
        "versions": {name: _version(choices) for name, choices in _PACKAGES.items()},
        "load_average_at_start": round(os.getloadavg()[0], 2),
    }


def describe_model(folder: Path, variant: str) -> dict[str, str]:
    """Which vectors were made.

    Raises:
        ArtifactError: no model folder.
        NotFound: no such variant.
    """
    manifest = artifact.load(folder).manifest
    fingerprint = manifest.fingerprint(variant)
    return {"name": manifest.name, "variant": variant, "fingerprint": fingerprint}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(distributions: tuple[str, ...]) -> str:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "absent"
