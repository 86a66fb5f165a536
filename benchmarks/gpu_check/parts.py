"""The parts, each in a process of its own: an error of CUDA in FAISS ends the process it is in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.findings import Findings
from benchmarks.gpu_check.settings import Settings

_LEAST_SECONDS = 5.0
_LINES_TOLD = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One of the parts.

    Attributes:
        name: of it, and of the module ``part_NAME`` that has its `measure`.
        title: what it shows.
        seconds: after which it is ended.
    """

    name: str
    title: str
    seconds: float

    @property
    def module(self) -> Any:
        """Imported in the process of the part, so that no other touches the device."""
        return import_module(f"benchmarks.gpu_check.part_{self.name}")


PARTS = (
    Part("vectors", "every variant against fp32", 120),
    Part("tests", "tests of sessions, index and kernels on the device", 240),
    Part("encode", "the encoder by length and batch, copies, the ceiling", 120),
    Part("search", "Flat and IVF: queries a second with recall", 200),
    Part("served", "through servers: one client, then benchmarks.serve --quick", 260),
    Part("tensorrt", "variants for TensorRT, which builds its engine first", 180),
)


def run_part(part: Part, settings: Settings, seconds: float) -> Findings:
    """Do a part in a process of its own.

    Args:
        part: which.
        settings: see `Settings`.
        seconds: that are left for all parts.

    Returns:
        What it found until its end, whatever ended it.
    """
    limit = min(part.seconds, seconds)
    if limit < _LEAST_SECONDS:
        return Findings(absent={part.name: "the time was over before it was begun"})
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as name:
        file, log = Path(name, "found.json"), Path(name, "log")
        child = (sys.executable, "-m", "benchmarks.gpu_check.parts")
        code = _run((*child, part.name, settings.to_json(), str(file)), log, limit)
        found = Findings.load(file)
        if code is None:
            _fail(found, part, f"was ended after {limit:.0f} s")
        elif code:
            _fail(found, part, f"the process ended with {code}: {_tail(log)}")
    return found


def _run(command: Sequence[str], log: Path, limit: float) -> int | None:
    """The exit code; None if it took too long. What it started itself ends with it."""
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True) as child,
    ):
        try:
            return child.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)


def _fail(found: Findings, part: Part, problem: str) -> None:
    found.failed[found.running or part.name] = problem


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return " | ".join(lines[-_LINES_TOLD:]) or "it wrote nothing"


def main(name: str, settings: str, file: str) -> None:
    """Do a part in this process and leave what it finds in a file.

    Args:
        name: of the part.
        settings: see `Settings.to_json`.
        file: where it is left, again and again.
    """
    (part,) = (part for part in PARTS if part.name == name)
    found = Findings(file=Path(file))
    with found.section(name):
        part.module.measure(Settings.from_json(settings), found)
    found.save()


if __name__ == "__main__":
    main(*sys.argv[1:])
