"""Tables in a page."""

from __future__ import annotations

import click
import pytest

from benchmarks.fill import fill

RESULT = {
    "benchmark": "demo",
    "machine": {"cores": 2, "cpu": "X", "load_average_at_start": 0.1},
    "cache": "off",
    "repeats": 5,
    "figures": {"rate": 1234.5, "share": 0.5},
    "labels": {"rate": ["items", "texts/s"]},
    "bars": {"share": {"bar": "≥ 0.97", "met": False}},
}


def test_only_its_own_table_is_replaced() -> None:
    page = (
        "a\n<!-- begin demo -->\nold\n<!-- end demo -->\n<!-- begin x -->\nkept\n<!-- end x -->\n"
    )
    filled = fill(page, RESULT)
    assert "old" not in filled
    assert "kept" in filled
    assert "| items | 1,234 texts/s |  |" in filled
    assert "| share | 0.5  | ≥ 0.97: **not met** |" in filled
    assert "load average 0.1" in filled
    assert fill(filled, RESULT) == filled


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="begin demo"):
        fill("nothing", RESULT)
