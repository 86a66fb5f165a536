"""The command on a small log of nobody's: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.quality.__main__ import main
from benchmarks.quality.page import page

KINDS = ("red shoes", "green tea", "garden tools", "office chairs")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 items of four kinds, 60 users who stay with one kind."""
    folder = tmp_path_factory.mktemp("log")
    items = [{"id": f"i{n}", "title": f"{KINDS[n % 4]} number {n}"} for n in range(40)]
    random = np.random.default_rng(0)
    events = [
        {
            "user": f"u{user}",
            "item": f"i{4 * random.integers(10) + user % 4}",
            "time": 1e9 + float(time) * 3_600,
            "device": ("phone", "desktop")[user % 2],
        }
        for user in range(60)
        for time in random.choice(400, 8, replace=False)
    ]
    (folder / "items.jsonl").write_text("\n".join(map(json.dumps, items)), encoding="utf-8")
    (folder / "events.jsonl").write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    return folder


def test_a_log_of_ones_own_is_measured(log: Path, model: Path) -> None:
    options = [
        f"--items={log / 'items.jsonl'}",
        f"--events={log / 'events.jsonl'}",
        f"--cache={log / 'cache'}",
        f"--page={log / 'page.html'}",
        "--parts=accuracy,diversity,threshold,context,noise",
        "--quick",
    ]
    done = CliRunner().invoke(main, [f"--model={model}", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    result = json.loads(done.output.strip().rpartition("\n")[2])
    figures = result["figures"]
    assert figures["hybrid_ndcg10"] > figures["popularity_ndcg10"]
    assert figures["text_only__profile_ndcg10"] > figures["popularity_ndcg10"]
    assert set(result["methods"]) >= {"popularity", "item-kNN", "sequential counts", "hybrid"}
    assert result["rows"] > 10
    assert (log / "page.html").read_text(encoding="utf-8") == page(result)


def test_one_source_is_asked_for() -> None:
    assert CliRunner().invoke(main, ["--model=x"]).exit_code == 2
    both = ["--model=x", "--data-set=deskdrop", "--sequences=y", "--items=z"]
    assert "one of" in CliRunner().invoke(main, both).output


def test_absent_files_are_said(tmp_path: Path, model: Path) -> None:
    options = [f"--items={tmp_path / 'no'}", f"--events={tmp_path / 'none'}"]
    done = CliRunner().invoke(main, [f"--model={model}", *options])
    assert done.exit_code == 2
