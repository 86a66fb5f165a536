"""Rows of anybody's files, each with the place where it stands, so that a fault can be named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.data import DataAbsentError, DataFaultError
from bertine.cli.rows import FORMATS, open_rows
from bertine.errors import BertineError

ITEM_FIELDS = ("item", "item_id", "parent_asin", "asin")
USER_FIELDS = ("user", "user_id")
ID_FIELDS = ("id", "item_id", "parent_asin", "asin")
TIME_FIELDS = ("time", "timestamp")
"""Names of fields; the first that a row has counts."""

_VERBATIM = {*ITEM_FIELDS, *USER_FIELDS, *ID_FIELDS, *TIME_FIELDS, "title", "history", "target"}


def records(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows of JSON Lines, Parquet, or a CSV or TSV file with a head; JSON Lines if no name tells.

    Returns:
        Of each row its place, for messages, and its values.

    Raises:
        DataAbsentError: there is no such file.
        DataFaultError: it cannot be read.
    """
    if not path.is_file():
        raise DataAbsentError(f"REAL DATA ABSENT: {path} is missing")
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    try:
        with open_rows(path, FORMATS.get(suffix, "jsonl"), _VERBATIM) as source:
            for row in source.rows:
                yield f"{path}, {row.place}", row.values
    except BertineError as error:
        raise DataFaultError(f"{path}, {error}") from error


def text_of(row: Mapping[str, Any], names: tuple[str, ...], place: str) -> str:
    """The first of some fields that a row has, as text.

    Raises:
        DataFaultError: it has none of them, or it is empty.
    """
    value = value_of(row, names, place)
    if isinstance(value, (list, dict)) or not str(value):
        raise DataFaultError(f"{place}: {value!r} is no id; give text or a whole number")
    return str(value)


def value_of(row: Mapping[str, Any], names: tuple[str, ...], place: str) -> Any:
    """The first of some fields that a row has.

    Raises:
        DataFaultError: it has none of them.
    """
    if not isinstance(row, Mapping):
        raise DataFaultError(f"{place}: {str(row)[:40]!r} is no object with fields")
    for name in names:
        if row.get(name) is not None:
            return row[name]
    has = ", ".join(sorted(str(name) for name in row if row[name] is not None)[:8])
    raise DataFaultError(f"{place}: there is no {' or '.join(names)}; the row has: {has}")
