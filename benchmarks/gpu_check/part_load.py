"""`benchmarks.serve --quick` on the device, as a program of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.gpu_check.findings import AbsentError, Findings
from benchmarks.gpu_check.settings import Settings
from bertine import artifact
from bertine.encode.device import best_variant

_LINES = 6
_NO_DATA = 2


def measure(settings: Settings, found: Findings) -> None:
    """All of its figures, ``load_`` before their keys; its bars are a CPU's and are left out.

    Raises:
        AbsentError: the texts or the traces are not there.
    """
    try:
        data.folder()
    except data.DataAbsentError as error:
        raise AbsentError(str(error)) from error
    manifest = artifact.load(settings.folder).manifest
    variant = best_variant(manifest, settings.place.kind)
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        file = Path(folder, "serve.json")
        result = _run(settings, variant, file)
    found.details["load"] = result
    for key, value in result["figures"].items():
        label, unit = result["labels"][key]
        found.add(f"load_{key}", f"serve: {label}", value, unit)


def _run(settings: Settings, variant: str, file: Path) -> dict[str, Any]:
    command = [
        *(sys.executable, "-m", "benchmarks.serve", "--model", settings.model),
        *("--variant", variant, "--device", settings.device),
        *("--quick", "--no-bars", "--json", str(file)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == _NO_DATA:
        raise AbsentError(" ".join(done.stderr.split()[-40:]))
    if done.returncode:
        told = " | ".join(done.stderr.strip().splitlines()[-_LINES:])
        raise RuntimeError(f"benchmarks.serve ended with {done.returncode}: {told}")
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return result
