"""The tests of sessions, index and kernels, which run on the GPU where there is one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.gpu_check.findings import Findings
from benchmarks.gpu_check.settings import REPOSITORY, Settings
from benchmarks.gpu_check.toolkit import cuda_home
from benchmarks.report import at_least, at_most

_ON_GPU = ("tests/gpu", "tests/kernels")
_ON_CPU = ("tests/gpu/test_index.py",)
"""Here indexes of the host stand in for the device's; the other tests would be skipped."""

_COUNT = re.compile(r"(\d+) (passed|failed|error|skipped)")
_TOLD = 40


def _run(settings: Settings, told: dict[str, str]) -> subprocess.CompletedProcess[str]:
    chosen = _ON_GPU if settings.on_gpu else _ON_CPU
    told["BERTINE_TEST_ARTIFACT"] = settings.model
    if settings.on_gpu:
        told["CUDA_VISIBLE_DEVICES"] = str(settings.place.index)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *chosen],
        cwd=REPOSITORY,
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=False,
    )


def measure(settings: Settings, found: Findings) -> None:
    """Run them as a program of their own, which sees this GPU as its first.

    Raises:
        RuntimeError: some failed; with the end of what they wrote.
    """
    with tempfile.TemporaryDirectory(prefix="cuda-home-") as home:
        done = _run(settings, cuda_home(Path(home)))
    lines = done.stdout.strip().splitlines()
    found.details["tests"] = [line for line in lines if line.startswith("SKIPPED")]
    counts = {kind: int(count) for count, kind in _COUNT.findall(lines[-1] if lines else "")}
    broken = counts.get("failed", 0) + counts.get("error", 0)
    found.add("tests_passed", "tests that passed", counts.get("passed", 0), bar=at_least(1))
    found.add("tests_failed", "tests that failed", broken, bar=at_most(0))
    found.add("tests_skipped", "tests that were skipped", counts.get("skipped", 0))
    if done.returncode:
        last = " | ".join([*lines, *done.stderr.strip().splitlines()][-_TOLD:])
        raise RuntimeError(f"pytest ended with {done.returncode}: {last}")
