"""`python -m benchmarks.gpu_check` as a process, on a CPU, very small: what a GPU gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu_check.parts import PARTS
from benchmarks.gpu_check.random_model import make
from bertine.artifact import Artifact
from bertine.encode.opening import machine

REPOSITORY = Path(__file__).resolve().parents[2]

# What is slow, and is done anyway where this is.
CHOSEN = [part.name for part in PARTS if part.name != "tests"]
NO_GPU = pytest.mark.skipif(bool(machine().gpus), reason="this machine has a GPU")


@pytest.fixture(scope="module")
def tiny(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    out = tmp_path_factory.mktemp("random") / "tiny"
    return make("bert-tiny", model, out, ["fp32", "fp16", "fp16-packed", "int8-qdq"])


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu_check", *arguments],
        cwd=REPOSITORY,
        # On a busy machine FAISS's threads would spin, waiting for one that has no core.
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def told(tiny: Artifact, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("told")
    done = run(
        *("--model", str(tiny.folder), "--device", "cpu", "--quick", "--parts", ",".join(CHOSEN)),
        *("--out", str(folder / "gpu.json"), "--page", str(folder / "gpu.html")),
        BERTINE_DATA=str(folder / "nowhere"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "device: cpu, not a GPU" in done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert result == json.loads((folder / "gpu.json").read_text("utf-8"))
    page = (folder / "gpu.html").read_text("utf-8")
    assert "These figures say that the program works, and nothing of a GPU." in page
    assert page.count("was not checked") == len(result["absent"])
    return result


def test_nothing_says_that_it_ran_on_a_gpu(told: dict[str, Any]) -> None:
    assert (told["device"], told["on_gpu"]) == ("cpu, not a GPU", False)
    assert told["model"]["name"] == "bert-tiny-random"
    assert told["architecture"] == "2 x 128"
    # Targets of speed are a GPU's.
    assert not [key for key in told["bars"] if key.startswith(("tokens", "ragged", "served"))]


def test_every_variant_is_held_against_fp32(told: dict[str, Any]) -> None:
    figures = told["figures"]
    for variant in ("fp32", "fp16", "int8-qdq"):
        assert figures[f"cosine_{variant}"] > 0.99
        assert figures[f"alone_{variant}"] > 0.9999
        assert figures[f"tokens_16_{variant}"] > 0
        assert figures[f"copies_inside_{variant}"] == 0
    assert figures["recorded_fp16"] > 0.9999


def test_searching_and_serving_are_told(told: dict[str, Any]) -> None:
    figures = told["figures"]
    assert {"search_rate_flat", "search_rate_ivf", "served_p50_ms", "ceiling_fp16"} <= set(figures)
    assert figures["search_recall_flat"] >= 0.95
    assert told["served"]["texts"] == told["ragged_texts"] == "shipped texts"


def test_what_has_no_form_on_a_cpu_says_why(told: dict[str, Any]) -> None:
    absent = told["absent"]
    assert told["failed"] == {}
    assert "no kernel for packed attention" in absent["fp16-packed: vectors"]
    assert {"tensorrt", "load"} <= set(absent)
    assert set(told["part_seconds"]) == set(CHOSEN)


@NO_GPU
def test_without_a_gpu_it_says_what_is_missing(model: Path) -> None:
    done = run("--model", str(model))
    assert done.returncode == 2
    assert "Nothing was measured" in done.stderr
    assert "bertine[gpu]" in done.stderr or "libcuda.so.1" in done.stderr


def test_what_there_is_not_is_named(model: Path) -> None:
    done = run("--model", str(model), "--device", "cpu", "--parts", "vectors,speed")
    assert (done.returncode, "no such part: speed" in done.stderr) == (2, True)
    done = run("--model", str(model), "--device", "tpu")
    assert (done.returncode, "'tpu' is not known" in done.stderr) == (2, True)
