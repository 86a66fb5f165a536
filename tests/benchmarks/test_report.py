"""Table, bars and the JSON line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks.report import Report, at_least, at_most


@pytest.fixture
def report() -> Report:
    made = Report("demo", {"machine": {"cores": 2}, "model": {"name": "m", "variant": "int8"}})
    made.add("rate", "items a second", 1234.5, "items/s", at_least(1_000))
    made.add("latency", "p50", 7.25, "ms", at_most(6))
    made.add("count", "items", 20_000)
    made.details["raw"] = [1.5]
    return made


@pytest.mark.parametrize(("value", "met"), [(0.79, False), (0.8, True), (math.nan, False)])
def test_a_bar_is_inclusive_and_refuses_what_is_no_number(value: float, met: bool) -> None:  # noqa: FBT001 - a parameter
    assert at_least(0.8).met(value) is met


def test_missed_bars_are_found(report: Report) -> None:
    assert [figure.key for figure in report.missed] == ["latency"]
    assert [figure.verdict for figure in report.figures] == ["met", "not met", ""]


def test_the_last_line_is_everything_as_json(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.show(tmp_path / "report.json")
    table, _, line = capsys.readouterr().out.rstrip("\n").rpartition("\n")
    content = json.loads(line)
    assert content["figures"] == {"rate": 1234.5, "latency": 7.25, "count": 20_000}
    assert content["bars"]["latency"] == {"bar": "≤ 6", "met": False}
    assert (content["machine"], content["raw"]) == ({"cores": 2}, [1.5])
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == content
    assert "not met" in table
    assert "20,000" in table
