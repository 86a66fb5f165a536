"""The protocol of sequences: what is known before the test window, and nothing else."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from benchmarks.quality import sequences
from benchmarks.quality.cases import Catalog

IDS = ["10", "20", "30", "40", "50", "60"]
CATALOG = Catalog(IDS, IDS, [frozenset[str]()] * len(IDS))


def line(split: str, user: str, history: list[int], target: int) -> dict[str, Any]:
    return {"split": split, "user": user, "history": history, "target": target}


def written(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "some.jsonl.gz"
    text = "".join(json.dumps(each) + "\n" for each in lines)
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_valid_rows_and_first_histories_are_known(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        line("valid", "a", [10], 20),
        line("valid", "a", [10, 20], 30),
        line("test", "a", [10, 20, 30], 40),
        line("test", "b", [50, 60], 10),
        line("test", "b", [50, 60, 10], 20),
    )
    case = sequences.read(path, CATALOG, "some")
    by_user = [case.known.items[case.known.users == user].tolist() for user in (0, 1)]
    # Of a both valid targets but no test target; of b the first history only.
    assert by_user == [[0, 1, 2], [4, 5]]
    assert [row.history.tolist() for row in case.rows] == [[0, 1, 2], [4, 5], [4, 5, 0]]
    assert [row.targets.tolist() for row in case.rows] == [[3], [0], [1]]
    assert not case.new_only


def test_valid_targets_are_the_latest_of_what_is_known(tmp_path: Path) -> None:
    lines = [line("valid", "a", [10], 20), line("test", "b", [50, 60], 10)]
    known = sequences.read(written(tmp_path, *lines), CATALOG, "some").known
    assert known.items[known.times.argmax()] == 1
    assert (known.times[known.users == 1] < known.times.max()).all()


def test_the_comparison_says_what_the_counts_have_seen(tmp_path: Path) -> None:
    case = sequences.read(written(tmp_path, line("test", "a", [10], 20)), CATALOG, "some")
    assert any("valid rows" in remark for remark in case.remarks)
