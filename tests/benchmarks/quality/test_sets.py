"""What is read of the real data, and the rules by which rows are dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.quality import sets
from benchmarks.quality.events import Window
from benchmarks.quality.files import compose, items

SALE = {
    "InvoiceNo": "536365",
    "StockCode": "85123A",
    "Quantity": "6",
    "UnitPrice": "2.55",
    "CustomerID": "17850",
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("InvoiceNo", "C536379"),
        ("CustomerID", ""),
        ("StockCode", "POST"),
        ("StockCode", "M"),
        ("StockCode", "BANK CHARGES"),
        ("Quantity", "-1"),
        ("UnitPrice", "0"),
    ],
)
def test_what_is_no_sale_of_a_product_is_dropped(field: str, value: str) -> None:
    assert sets.is_purchase(SALE)
    assert not sets.is_purchase({**SALE, field: value})


def test_kinds_of_devices() -> None:
    assert sets.kind_of_device("Mozilla/5.0 (iPhone; CPU iPhone OS 9_3 like Mac OS X)") == "phone"
    assert sets.kind_of_device("Mozilla/5.0 (X11; Linux x86_64)") == "desktop"
    assert sets.kind_of_device("") == ""


def test_a_text_is_composed_of_fields_without_markup() -> None:
    row = {"title": "A pen.", "brand": "", "description": "['<b>Blue</b> ink', 'fine']"}
    assert compose(row, ("title", "brand", "missing", "description")) == "A pen. Blue ink|fine"


def test_items_are_one_object_or_lines(tmp_path: Path) -> None:
    whole, lines = tmp_path / "whole.json", tmp_path / "lines.jsonl"
    whole.write_text('{"1": {"title": "x"}}', encoding="utf-8")
    lines.write_text('{"id": 1, "title": "x"}\n{"id": 2, "title": "y"}\n', encoding="utf-8")
    assert list(items(whole)) == ["1"]
    assert list(items(lines)) == ["1", "2"]


@pytest.mark.data
def test_the_office_products(data_folder: Path) -> None:
    case = sets.amazon_office(data_folder, Window())
    assert (len(case.catalog), len(case.rows)) == (3_459, 4_866)


@pytest.mark.data
def test_the_films(data_folder: Path) -> None:
    case = sets.movietweetings(data_folder, Window())
    assert len(case.catalog) == 5_610
    assert len(case.known) == pytest.approx(0.9 * 89_163, rel=0.01)


@pytest.mark.data
def test_the_shop(data_folder: Path) -> None:
    case = sets.online_retail(data_folder, Window())
    assert len(case.catalog) == 3_659
    assert len(case.known) == pytest.approx(0.9 * 396_370, rel=0.01)
    assert len(case.known.place_names) > 30


@pytest.mark.data
def test_the_articles(data_folder: Path) -> None:
    case = sets.deskdrop(data_folder, Window())
    assert len(case.catalog) == 2_987
    assert not any(case.catalog.texts)
    assert set(case.known.device_names) == {"phone", "desktop"}
