"""`python -m benchmarks.index` as a process, all parts, very small: what it says, not how fast."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.index.__main__ import PARTS
from benchmarks.index.install import PEERS

REPOSITORY = Path(__file__).resolve().parents[2]

# On a busy machine FAISS's threads would spin, waiting for one that has no core.
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}


def run(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.index", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.data
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("data_folder")
def test_every_part_is_measured_and_its_quality_told(model: Path, tmp_path: Path) -> None:
    done = run(
        *("--model", str(model), "--quick", "--no-bars", "--parts", ",".join(PARTS)),
        *("--size", "600", "--large", "1500", "--queries", "32", "--rounds", "1"),
        *("--seconds", "0.01", "--random-filters", "100", "--writers", "2"),
        *("--cache", str(tmp_path / "cache"), "--json", str(tmp_path / "index.json")),
        environment=PATIENT,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == json.loads((tmp_path / "index.json").read_text("utf-8"))
    figures = told["figures"]
    assert (told["size"], told["large"]["vectors"]) == (600, 1_500)
    assert figures["filter_leaks"] == figures["filter_doubled"] == figures["filter_fewer"] == 0
    assert figures["filter_0_1_recall"] == figures["filter_1_recall"] == 1
    assert figures["durable_missing"] == figures["large_missing"] == 0
    assert figures["tuned_glosses_recall"] > 0.8
    assert figures["ratio_faiss_95"] > 0
    assert {"rebuild_ratio", "upserts_p99", "durable_rate", "large_start"} <= set(figures)
    # Bars of a million and of all glosses say nothing here.
    assert not {"large_rate", "large_start", "ratio_faiss_95"} & set(told["bars"])
    curves = {(curve["of"], curve["queries"], curve["by"]) for curve in told["curves"]}
    assert {("bertine", "glosses", 64), ("faiss", "short", 1)} <= curves
    there = set(told["contestants"])
    assert {"bertine", "faiss"} <= there
    assert all(peer in there or peer in told["absent"] for peer in PEERS)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.name.startswith("run-")]


def test_a_part_that_there_is_not_is_named(model: Path) -> None:
    done = run("--model", str(model), "--parts", "curve,speed")
    assert done.returncode == 2
    assert "no such part: speed" in done.stderr


def test_absent_data_is_said_loudly(model: Path, tmp_path: Path) -> None:
    nowhere = {"BERTINE_DATA": str(tmp_path / "nowhere")}
    done = run("--model", str(model), environment=nowhere)
    assert done.returncode == 2
    assert "REAL DATA ABSENT" in done.stderr


def test_help_teaches() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "--quick" in done.stdout
    assert all(f"  {part} " in done.stdout for part in PARTS)
