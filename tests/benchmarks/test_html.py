"""The page: what it says, and that a real browser draws it."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.html.__main__ import main
from benchmarks.html.elements import Point, Row, bars, columns, scatter, stacks
from benchmarks.html.page import page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

PEERS: dict[str, Any] = {
    "benchmark": "peers",
    "machine": {"cores": 2, "cpu": "Some <CPU>", "load_average_at_start": 3.5},
    "model": {"name": "m", "variant": "int8"},
    "figures": {
        "offline_bertine": 604.0,
        "cosine_bertine": 0.9928,
        "offline_other": 300.0,
        "served_16x1_bertine": 480.0,
        "served_16x1_bertine_p50_ms": 33.0,
        "ratio_other": 2.01,
    },
    "labels": {"offline_bertine": ["offline: Bertine, int8", "texts/s"]},
    "bars": {"ratio_other": {"bar": "≥ 3", "met": False}},
    "samples": {"offline_bertine": [590, 604, 611]},
    "absent": {"infinity": "pip failed: <no> version"},
}
SERVE: dict[str, Any] = {
    "benchmark": "serve",
    "figures": {"knee": 330.0},
    "knee": {
        "limit_ms": 50,
        "trials": [
            {"rate": 250, "kept": True, "p99_ms": [21, None]},
            {"rate": 400, "kept": False, "p99_ms": [70, 400]},
        ],
        "batches": {"up_to_texts": {"1": 300, "8": 90}},
    },
    "closed_1x1": {"last": {"stages_ms": {"tokenize": 0.1, "encode": 1.9, "total": 2.3}}},
}


class Checker(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One that closes itself."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_is_whole_and_loads_nothing() -> None:
    text = page([SERVE, PEERS])
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert not re.search(r"https?://|<script|@import|url\(", text)


def test_a_page_shows_every_part_and_escapes_what_it_is_given() -> None:
    text = page([SERVE, PEERS])
    for title in ("Bars", "Peers side by side", "Latency against rate", "Where the time goes"):
        assert f"<h2>{title}</h2>" in text
    assert "not met" in text
    assert "cos 0.9928" in text
    assert "pip failed: &lt;no&gt; version" in text
    assert "busy with other work at the start of: peers (load 3.5)" in text


def test_parts_without_figures_are_left_out() -> None:
    text = page([{"benchmark": "demo", "figures": {"one": 1.0}}])
    assert "<h2>" not in text
    assert "<td>one</td><td>1 </td>" in text


def test_nothing_draws_nothing() -> None:
    assert bars([], "ms") == stacks({}, "ms") == columns({}, "x") == scatter([], ("x", "y")) == ""


def test_bars_share_one_scale() -> None:
    text = bars([Row("a", 50, rounds=[100]), Row("b", 25)], "ms")
    assert re.findall(r"<i style=width:([0-9.]+)%", text) == ["50.00", "25.00"]
    assert "left:100.00%" in text


def test_a_limit_cuts_what_is_far_beyond_it() -> None:
    text = scatter([Point(1, 10), Point(2, 10_000, good=False)], ("x", "y"), limit=50)
    heights = [float(y) for y in re.findall(r'cy="([0-9.]+)"', text)]
    assert min(heights) == 26.0  # the top of the plot
    assert "class=limit" in text


def test_a_browser_draws_the_page(tmp_path: Path) -> None:
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("NO BROWSER: the report was not drawn; install chromium to check it")
    for name, result in (("serve", SERVE), ("peers", PEERS)):
        (tmp_path / f"{name}.json").write_text(json.dumps(result), "utf-8")
    report, picture = tmp_path / "report.html", tmp_path / "report.png"
    files = [str(tmp_path / "serve.json"), str(tmp_path / "peers.json")]
    assert CliRunner().invoke(main, [*files, "--out", str(report)]).exit_code == 0
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=900,1800"]
    command = [browser, *options, f"--user-data-dir={tmp_path / 'profile'}"]
    subprocess.run(
        [*command, f"--screenshot={picture}", report.as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    header = picture.read_bytes()[:24]
    assert struct.unpack(">II", header[16:24]) == (900, 1800)
    assert picture.stat().st_size > 20_000  # an empty page takes a third of that
