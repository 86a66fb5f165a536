"""Two results of one benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.compare import compare, differing_settings, main


def result(**figures: float) -> dict[str, Any]:
    return {
        "benchmark": "demo",
        "machine": {"cores": 2},
        "figures": figures,
        "labels": {"rate": ["items", "texts/s"], "p50": ["wait", "ms"], "share": ["x", ""]},
        "bars": {},
    }


@pytest.mark.parametrize(
    ("key", "new", "verdict"),
    [
        ("rate", 120, "better"),
        ("rate", 80, "worse"),
        ("p50", 80, "better"),
        ("p50", 120, "worse"),
        ("share", 120, "changed"),
        ("rate", 101, "same"),
    ],
)
def test_the_unit_says_what_is_better(key: str, new: float, verdict: str) -> None:
    (line,) = compare(result(**{key: 100}), result(**{key: new}))
    assert line.verdict == verdict


def test_a_bar_says_so_too() -> None:
    old, new = result(share=1.0), result(share=0.5)
    new["bars"] = {"share": {"bar": "≥ 0.97", "met": False}}
    assert compare(old, new)[0].verdict == "worse"


def test_rounds_decide_where_there_are_some() -> None:
    old, new = result(rate=100), result(rate=130)
    old["samples"], new["samples"] = {"rate": [80, 100, 135, 150]}, {"rate": [90, 125, 130, 160]}
    assert compare(old, new)[0].verdict == "noise"


def test_rounds_of_a_closed_loop_are_found() -> None:
    old, new = result(served_16x1=100), result(served_16x1=130)
    old["closed_16x1"] = {"value": [80, 100, 135, 150]}
    new["closed_16x1"] = {"value": [90, 125, 130, 160]}
    assert compare(old, new)[0].verdict == "noise"


def test_another_machine_is_told() -> None:
    old, new = result(rate=1), result(rate=1)
    new["machine"]["cores"] = 8
    assert differing_settings(old, new) == {"machine.cores": (2, 8)}


def test_the_last_line_is_json_and_worse_is_a_failure(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text("a table\n" + json.dumps(result(rate=100)), "utf-8")
    new.write_text(json.dumps(result(rate=50)), "utf-8")
    run = CliRunner().invoke(main, [str(old), str(new)])
    assert run.exit_code == 1, run.output
    content = json.loads(run.stdout.rstrip("\n").rpartition("\n")[2])
    assert content["compared"]["rate"]["verdict"] == "worse"


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text("[]", "utf-8")
    run = CliRunner().invoke(main, [str(path), str(path)])
    assert run.exit_code == 2
    assert "no result of a benchmark" in run.output
