from __future__ import annotations

import os
from pathlib import Path

import pytest

from bertine.encode import cores


def test_at_least_one_core_and_no_more_than_there_are() -> None:
    assert 1 <= cores.usable_cores() <= (os.cpu_count() or 1)


def test_hardware_threads_of_one_core_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_siblings", lambda cpu: f"{cpu // 2}")
    monkeypatch.setattr(cores, "_quota", lambda _path: 1000)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)))
    assert cores.usable_cores() == 4


@pytest.mark.parametrize(("content", "whole"), [("250000 100000", 2), ("50000 100000", 0)])
def test_a_container_s_quota_is_read(tmp_path: Path, content: str, whole: int) -> None:
    path = tmp_path / "cpu.max"
    path.write_text(content)
    assert cores._quota(path) == whole


@pytest.mark.parametrize("content", ["max 100000", "", "nonsense"])
def test_no_quota_is_no_limit(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cpu.max"
    path.write_text(content)
    assert cores._quota(path) == cores._quota(tmp_path / "missing") == (os.cpu_count() or 1)
