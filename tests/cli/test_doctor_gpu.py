from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.cli.check_gpu import (
    check_cuda_libraries,
    check_cudnn,
    check_gpu,
    check_pins,
    pins,
    satisfies,
)
from bertine.cli.checks import check_pair, device_extra

REPOSITORY = Path(__file__).resolve().parents[2]
GOOD = {
    "onnxruntime-gpu": "1.31.1",
    "faiss-gpu-cuvs": "1.15.1",
    "libcuvs-cu13": "26.6.0",
    "libraft-cu13": "26.6.0",
    "librmm-cu13": "26.6.0",
    "nvidia-cudnn-cu13": "9.28.1.4",
}


@pytest.fixture(scope="module")
def wanted() -> dict[str, str]:
    """As an installer writes it down from pyproject.toml."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].items()
    lines = [f'{line}; extra == "{name}"' for name, extra in extras for line in extra]
    return pins([*project["dependencies"], *lines])


def test_the_pins_are_those_of_the_project(wanted: dict[str, str]) -> None:
    assert set(wanted) == set(GOOD) - {"nvidia-cudnn-cu13"}
    assert wanted["libcuvs-cu13"] == "==26.6.*"
    assert {finding.status for finding in check_pins(wanted, GOOD)} == {"ok"}


def test_the_set_that_was_tried_is_within_the_pins(wanted: dict[str, str]) -> None:
    text = (REPOSITORY / "constraints-gpu.txt").read_text(encoding="utf-8")
    tried = dict(re.findall(r"^([\w-]+)==(\S+)$", text, re.MULTILINE))
    assert {finding.status for finding in check_pins(wanted, tried)} == {"ok"}


@pytest.mark.parametrize(
    ("name", "version", "remedy"),
    [
        ("libcuvs-cu13", "26.10.0", "pip install 'libcuvs-cu13==26.6.*'"),
        ("librmm-cu13", "26.4.1", "pip install 'librmm-cu13==26.6.*'"),
        ("onnxruntime-gpu", "1.30.0", "pip install 'onnxruntime-gpu>=1.31,<1.32'"),
        ("faiss-gpu-cuvs", "1.16.0", "pip install 'faiss-gpu-cuvs>=1.15,<1.16'"),
    ],
)
def test_a_version_that_was_not_tried_is_named(
    wanted: dict[str, str], name: str, version: str, remedy: str
) -> None:
    found = [one for one in check_pins(wanted, GOOD | {name: version}) if one.status != "ok"]
    assert [(one.name, one.status) for one in found] == [(name, "broken")]
    assert sorted(re.findall(r"[<>=]+[\d.*]+", found[0].remedy)) == sorted(
        re.findall(r"[<>=]+[\d.*]+", remedy)
    )
    assert version in found[0].detail


def test_what_is_missing_is_named(wanted: dict[str, str]) -> None:
    have = {name: version for name, version in GOOD.items() if name != "libraft-cu13"}
    [found] = [one for one in check_pins(wanted, have) if one.status != "ok"]
    assert (found.name, found.status) == ("libraft-cu13", "absent")
    assert found.remedy == "pip install 'libraft-cu13==26.6.*'"


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 9))
def test_versions_are_compared_by_number(major: int, minor: int, patch: int) -> None:
    version = f"{major}.{minor}.{patch}"
    assert satisfies(version, f"=={major}.{minor}.*")
    assert satisfies(version, f">={major}.{minor},<{major}.{minor + 1}")
    assert not satisfies(version, f"=={major}.{minor + 1}.*")
    assert not satisfies(version, f"<{major}.{minor}")
    assert not satisfies(version, f">={major + 1}")


def test_two_packages_of_cudnn_are_a_conflict() -> None:
    [found] = check_cudnn(GOOD | {"nvidia-cudnn-cu12": "9.10.2.21"}, "")
    assert found.status == "broken"
    assert found.remedy.startswith("pip uninstall -y nvidia-cudnn-cu12 nvidia-cudnn-cu13 && pip")


def test_a_cudnn_of_the_machine_beside_the_packages_is_told(tmp_path: Path) -> None:
    assert list(check_cudnn(GOOD, f"{tmp_path}:")) == []
    (tmp_path / "libcudnn.so.9").touch()
    [found] = check_cudnn(GOOD, f"/nowhere:{tmp_path}")
    assert (found.status, found.remedy) == ("broken", "unset LD_LIBRARY_PATH")
    assert str(tmp_path) in found.detail


class Loader:
    """Stands where dlopen does."""

    def __init__(self, missing: str) -> None:
        self.missing = missing
        self.asked: list[str] = []

    def __call__(self, path: str) -> None:
        self.asked.append(path)
        if path.endswith(self.missing) or (path == "libcuvs.so" and "raft" in self.missing):
            raise OSError(f"{self.missing}: cannot open shared object file")


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libcudnn.so.9", "nvidia-cudnn-cu13==9.28.1.4"),  # ONNX Runtime says nothing of it
        ("libcusolver.so.12", "nvidia-cusolver==12.4.1.2"),  # FAISS blames libcuvs.so
        ("libraft.so", "libraft-cu13==26.6.0"),  # needed by libcuvs.so, which is not missing
    ],
)
def test_a_library_that_does_not_load_is_named_with_its_package(library: str, package: str) -> None:
    have = GOOD | {"nvidia-cusolver": "12.4.1.2"}
    [found] = check_cuda_libraries(have, (), Loader(library))
    assert (found.name, found.status) == (library, "absent")
    assert found.remedy == f"pip install --force-reinstall --no-deps {package}"


def test_a_library_without_its_package_is_installed_with_the_others() -> None:
    [found] = check_cuda_libraries(GOOD, (), Loader("libcufft.so.12"))
    assert found.remedy == "pip install --upgrade 'bertine[gpu]'"


def test_libraries_are_taken_from_packages_or_from_the_system(tmp_path: Path) -> None:
    folder = tmp_path / "nvidia" / "cu13" / "lib"
    folder.mkdir(parents=True)
    (folder / "libcublas.so.13").touch()
    [found] = check_cuda_libraries(GOOD, [str(tmp_path)], load := Loader("nothing"))
    assert (found.name, found.status) == ("CUDA libraries", "ok")
    assert str(folder / "libcublas.so.13") in load.asked
    assert "libcudart.so.13" in load.asked


def test_what_mends_the_builds_for_gpus_is_not_the_build_for_cpus() -> None:
    assert device_extra(GOOD) == "gpu"
    assert device_extra({"onnxruntime": "1.31.1", "faiss-cpu": "1.15.1"}) == "cpu"


def test_both_builds_of_onnx_runtime_are_a_conflict() -> None:
    [found] = check_pair("onnxruntime", "onnxruntime", GOOD | {"onnxruntime": "1.31.1"})
    assert found.status == "broken"
    assert found.remedy.startswith("pip uninstall -y onnxruntime-gpu onnxruntime && pip install")


def test_the_cpus_packages_ask_for_nothing_of_a_gpu() -> None:
    assert list(check_gpu({"onnxruntime": "1.31.1", "faiss-cpu": "1.15.1"})) == []


def test_a_gpu_set_is_tried_and_what_it_lacks_has_a_command() -> None:
    findings = {one.name: one for one in check_gpu(GOOD)}
    assert {"NVIDIA driver", "TensorRT"} <= set(findings)
    assert "CUDA libraries" in findings or any(name.startswith("lib") for name in findings)
    for finding in findings.values():
        assert finding.status == "ok" or finding.remedy
