"""Files of items, sequences and events, of anybody: compressed or not."""

from __future__ import annotations

import ast
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.data import DataFaultError, read_text
from benchmarks.quality.cases import Catalog
from benchmarks.quality.reading import ID_FIELDS, records, text_of

_LONGEST_FIELD = 400
_ATTRIBUTE_FIELDS = ("brand", "categories", "genres", "keywords", "director")
_TAGS = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)

TEXT_FIELDS = ("title", "brand", "categories", "description")
"""What is encoded of an item unless told otherwise, where it is there."""


def json_lines(path: Path) -> Iterator[Any]:
    """The values of a file of one JSON value a line."""
    return (json.loads(line) for line in read_text(path).split("\n") if line.strip())


def items(path: Path) -> dict[str, Mapping[str, Any]]:
    """Items by id: JSON ``{id: {...}}`` or ``[{...}]``, or rows that have an id.

    Of an id that comes again the last counts, as it would in a catalog.

    Raises:
        DataAbsentError: there is no such file.
        DataFaultError: it cannot be read, has no item, or a row has no id.
    """
    whole = _whole(path)
    if isinstance(whole, dict) and whole and all(isinstance(v, dict) for v in whole.values()):
        return whole
    rows = (
        ((f"{path}, item {n}", row) for n, row in enumerate(whole, start=1))
        if isinstance(whole, list)
        else records(path)
    )
    found = {text_of(row, ID_FIELDS, place): row for place, row in rows}
    if not found:
        raise DataFaultError(f"{path} has no item; give one on each line, with its id")
    return found


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


def _whole(path: Path) -> Any:
    """What a file of one JSON value holds, None for any other."""
    with suppress(ValueError, EOFError, OSError, zlib.error):
        return json.loads(read_text(path).removeprefix("\ufeff"))
    return None
