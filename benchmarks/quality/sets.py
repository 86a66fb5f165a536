"""The real data sets beside the project as cases: what is read, what is dropped, and why."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.data import DataAbsentError, read_text
from benchmarks.quality import events, sequences
from benchmarks.quality.cases import Case, Catalog
from benchmarks.quality.events import Seen, Window
from benchmarks.quality.files import TEXT_FIELDS, catalog, items, json_lines

_DISLIKED_RATING = 4
_DISLIKE = -0.5
_PRODUCT_CODE = re.compile(r"\d{5}[A-Za-z]*")
_PHONE = re.compile(r"Mobile|Android|iPhone|iPad")
_DESKDROP_WEIGHTS = {
    "VIEW": 1.0,
    "LIKE": 2.0,
    "BOOKMARK": 2.5,
    "FOLLOW": 3.0,
    "COMMENT CREATED": 4.0,
}
_FILM_FIELDS = ("title", "genres", "tagline", "overview")
_PUBLISHED = {
    "GRU4Rec": (0.0789, 0.1019, 0.0669),
    "SASRec": (0.0949, 0.1120, 0.0858),
    "HSTU": (0.1252, 0.1400, 0.1126),
    "TIGER": (0.1163, 0.1408, 0.1002),
    "LC-Rec": (0.1048, 0.1237, 0.0920),
    "BIGRec": (0.1204, 0.1434, 0.1091),
    "S-DPO": (0.1356, 0.1587, 0.1255),
    "MiniOneRec": (0.1420, 0.1634, 0.1242),
}


def amazon_office(data: Path, window: Window) -> Case:
    """Office products, with the split of the published figures; `window` is not used."""
    del window
    folder = data / "amazon_office"
    found = catalog(items(folder / "Office_Products.item.json.gz"), TEXT_FIELDS)
    case = sequences.read(folder / "Office_Products.sequences.jsonl.gz", found, "amazon_office")
    return replace(case, published=_PUBLISHED)


def movietweetings(data: Path, window: Window) -> Case:
    """Ratings of films with a text; up to 4 of 10 is a dislike, which is never a target."""
    folder = data / "movietweetings"
    films = {str(row["imdb_id"]): row for row in json_lines(folder / "items.jsonl.gz")}
    found = catalog(films, _FILM_FIELDS)
    lines = (line.split("::") for line in read_text(folder / "ratings.dat.gz").split("\n") if line)
    seen = [
        Seen(user, f"tt{film}", float(time), _liking(int(rating)))
        for user, film, rating, time in lines
    ]
    remark = "Ratings of films without a text are left out; ratings up to 4 of 10 are dislikes."
    return _cut("movietweetings", found, seen, window, remark)


def online_retail(data: Path, window: Window) -> Case:
    """Purchases: a row is a basket, its text the item's first description.

    Dropped are cancellations (an invoice of ``C``), returns and corrections (no positive quantity
    or price), rows without a customer, and codes that are no product: five digits, then letters
    perhaps, is a product; POST, M, BANK CHARGES and the like are none.
    """
    text = read_text(data / "online_retail" / "online_retail.tsv.gz")
    rows = [row for row in csv.DictReader(io.StringIO(text), delimiter="\t") if is_purchase(row)]
    names: dict[str, str] = {}
    for row in rows:
        names.setdefault(row["StockCode"], row["Description"].strip())
    found = Catalog(list(names), list(names.values()), [frozenset[str]()] * len(names))
    seen = [
        Seen(
            row["CustomerID"],
            row["StockCode"],
            _seconds(row["InvoiceDate"]),
            place=row["Country"],
        )
        for row in rows
    ]
    remark = (
        "Cancellations, rows without a customer, without a positive quantity or price, and codes "
        "that are not five digits and perhaps letters are left out."
    )
    return _cut("online_retail", found, seen, window, remark)


def deskdrop(data: Path, window: Window) -> Case:
    """Reads, likes, bookmarks and comments of articles, without texts: collaborative only."""
    path = data / "deskdrop" / "users_interactions.csv.zip"
    if not path.is_file():
        raise DataAbsentError(f"REAL DATA ABSENT: {path} is missing")
    with zipfile.ZipFile(path) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".csv")]
        text = archive.read(name).decode()
    seen = [_desk_event(row) for row in csv.DictReader(io.StringIO(text))]
    ids = list(dict.fromkeys(event.item for event in seen))
    found = Catalog(ids, [""] * len(ids), [frozenset[str]()] * len(ids))
    remark = "No texts: the content channels have nothing to say, and text only is not measured."
    return _cut("deskdrop", found, seen, window, remark)


SETS: Mapping[str, Callable[[Path, Window], Case]] = {
    "amazon_office": amazon_office,
    "movietweetings": movietweetings,
    "online_retail": online_retail,
    "deskdrop": deskdrop,
}


def is_purchase(row: Mapping[str, str]) -> bool:
    """Whether a row of Online Retail is a sale of a product to a known customer."""
    return bool(
        row["CustomerID"]
        and not row["InvoiceNo"].startswith("C")
        and _PRODUCT_CODE.fullmatch(row["StockCode"])
        and float(row["Quantity"]) > 0
        and float(row["UnitPrice"]) > 0
    )


def kind_of_device(agent: str) -> str:
    """``phone`` for what moves, ``desktop`` for what does not, "" for what is not told."""
    if not agent:
        return ""
    return "phone" if _PHONE.search(agent) else "desktop"


def _cut(name: str, found: Catalog, seen: Sequence[Seen], window: Window, remark: str) -> Case:
    arrays = events.interactions(seen, found)
    return events.case(name, found, arrays, window=window, remarks=[remark])


def _liking(rating: int) -> float:
    return _DISLIKE if rating <= _DISLIKED_RATING else 1.0


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()


def _desk_event(row: Mapping[str, Any]) -> Seen:
    country, region = row["userCountry"], row["userRegion"]
    return Seen(
        row["personId"],
        row["contentId"],
        float(row["timestamp"]),
        _DESKDROP_WEIGHTS[row["eventType"]],
        f"{country}-{region}" if region else country,
        kind_of_device(row["userAgent"]),
    )
