"""Files of items, sequences and events, of anybody: compressed or not."""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.data import read_text
from benchmarks.quality.cases import Catalog

_ID_FIELDS = ("id", "item_id", "parent_asin", "asin")
_LONGEST_FIELD = 400
_ATTRIBUTE_FIELDS = ("brand", "categories", "genres", "keywords", "director")
_TAGS = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)

TEXT_FIELDS = ("title", "brand", "categories", "description")
"""What is encoded of an item unless told otherwise, where it is there."""


def json_lines(path: Path) -> Iterator[Any]:
    """The values of a file of one JSON value a line."""
    return (json.loads(line) for line in read_text(path).split("\n") if line.strip())


def records(path: Path) -> Iterator[Mapping[str, Any]]:
    """Rows of JSON lines, or of a CSV or TSV file with a head."""
    name = path.name.removesuffix(".gz")
    if name.endswith((".csv", ".tsv")):
        delimiter = "\t" if name.endswith(".tsv") else ","
        return iter(csv.DictReader(read_text(path).splitlines(), delimiter=delimiter))
    return json_lines(path)


def items(path: Path) -> dict[str, Mapping[str, Any]]:
    """Items by id: one JSON object ``{id: {...}}``, or rows that have an id.

    Raises:
        ValueError: a row has no id.
    """
    text = read_text(path)
    try:
        whole = json.loads(text)
    except ValueError:
        return {_id(row): row for row in records(path)}
    return {str(item_id): fields for item_id, fields in whole.items()}


def catalog(fields: Mapping[str, Mapping[str, Any]], text_fields: tuple[str, ...]) -> Catalog:
    """Items as they are ranked.

    Args:
        fields: by id.
        text_fields: joined in this order to what is encoded.
    """
    return Catalog(
        list(fields),
        [compose(row, text_fields) for row in fields.values()],
        [attributes(row) for row in fields.values()],
    )


def compose(row: Mapping[str, Any], text_fields: tuple[str, ...]) -> str:
    """The fields' texts, each as a sentence."""
    parts = [_clean(row.get(name))[:_LONGEST_FIELD] for name in text_fields]
    return ". ".join(part.rstrip(".") for part in parts if part)


def attributes(row: Mapping[str, Any]) -> frozenset[str]:
    """``field=value`` of brand, categories, genres, keywords and director, as far as given."""
    return frozenset(
        f"{name}={value.strip()}"
        for name in _ATTRIBUTE_FIELDS
        for value in _clean(row.get(name)).split("|")
        if value.strip()
    )


def _clean(value: Any) -> str:
    """Text without markup; a list, or the text of one, is joined by ``|``."""
    if isinstance(value, str) and value.startswith("["):
        with suppress(ValueError, SyntaxError):
            value = ast.literal_eval(value)
    if isinstance(value, list):
        value = "|".join(str(part) for part in value)
    return " ".join(_TAGS.sub(" ", "" if value is None else str(value)).split())


def _id(row: Mapping[str, Any]) -> str:
    for name in _ID_FIELDS:
        if row.get(name) is not None:
            return str(row[name])
    raise ValueError(f"an item has none of {', '.join(_ID_FIELDS)}: {sorted(row)}")
