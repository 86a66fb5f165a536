"""The kernels of a GPU where there is none: simulated, and compiled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu_check.toolkit import cuda_home

REPOSITORY = Path(__file__).resolve().parents[2]

COMPILE = """
import sys
from numba import cuda, types
from bertine.kernels.cuda import mmr_kernel, pool_kernel, rescore_kernel

f4, f8, i8 = (types.Array(kind, 1, "C") for kind in (types.float32, types.float64, types.int64))
table = types.Array(types.float32, 2, "C")
signatures = {
    rescore_kernel: types.void(table, i8, f4, f4),
    mmr_kernel: types.void(table, f8, types.float64, f8, i8),
    pool_kernel: types.void(table, i8, f8, f8),
}
capability = int(sys.argv[1]), int(sys.argv[2])
for kernel, signature in signatures.items():
    ptx, _ = cuda.compile_ptx(kernel.py_func, signature, cc=capability)
    print(kernel.py_func.__name__, ptx)
"""


def run(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_they_do_in_the_simulator_what_those_of_the_cpu_do() -> None:
    done = run(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/kernels/test_both.py"),
        environment={"NUMBA_ENABLE_CUDASIM": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Every test twice, none skipped.
    assert re.search(r"^12 passed in", done.stdout, re.MULTILINE), done.stdout


def test_the_simulator_has_memory_to_ask_about() -> None:
    code = "from bertine.kernels.cuda import free_bytes; print(free_bytes(0))"
    done = run("-c", code, environment={"NUMBA_ENABLE_CUDASIM": "1"})
    assert done.returncode in {0, 1}
    if done.returncode:
        assert "Unavailable: cuda:0 does not say how much memory it has" in done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where numba finds NVVM: a toolkit of the machine's, or the wheel nvidia-nvvm."""
    return cuda_home(tmp_path_factory.mktemp("cuda"))


@pytest.mark.parametrize(("major", "minor"), [(8, 0), (9, 0)])
def test_they_compile(home: dict[str, str], major: int, minor: int) -> None:
    done = run("-c", COMPILE, str(major), str(minor), environment=home)
    if "NVVM" in done.stderr or "libdevice" in done.stderr:
        pytest.skip(f"NVVM ABSENT: pip install nvidia-nvvm; {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f".target sm_{major}{minor}") == 3
    if home:  # driver 580 takes PTX of CUDA 13.0 and no newer (PTX ISA, "Release Notes")
        assert set(re.findall(r"^\.version (\S+)", done.stdout, re.MULTILINE)) == {"9.0"}
    for kernel in ("rescore_kernel", "mmr_kernel", "pool_kernel"):
        assert re.search(rf"\.entry \w*{kernel}", done.stdout)
    # Single sums stay single: nothing is done in double precision but what is said to be.
    rescore = done.stdout.split("mmr_kernel")[0]
    assert "fma.rn.f32" in rescore
    assert ".f64" not in rescore
