"""The columns of a snapshot's rows, in one file from which a column is read when it is asked for.

A file holds the columns' arrays one after another, little-endian, each at a multiple of 8 bytes;
then, as JSON, where each of them is; and last, as a uint64, how long the JSON is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bertine.index.column_drafts import Drafts
from bertine.index.frozen import TYPES, FrozenColumn
from bertine.types import Attribute

_ALIGNMENT = 8


def write_columns(
    path: Path, rows: Iterable[Mapping[str, Attribute]], used: Collection[str]
) -> None:
    """Write the columns of all attributes that should have one, see `Drafts`.

    Args:
        path: of the file.
        rows: attributes of each row.
        used: attributes that were filtered by.

    Raises:
        OSError: it cannot be written.
    """
    drafts = Drafts(rows, used)
    with path.open("wb") as stream:
        columns = {name: _write(stream, column) for name, column in drafts.columns()}
        left_out = None if drafts.left_out is None else sorted(drafts.left_out)
        content = {"count": drafts.count, "columns": columns, "left_out": left_out}
        raw = json.dumps(content).encode()
        stream.write(raw + len(raw).to_bytes(8, "little"))


class ColumnFile:
    """What `write_columns` wrote, mapped. Safe for threads.

    Args:
        path: of the file.

    Raises:
        ValueError: the file is cut short.
    """

    def __init__(self, path: Path) -> None:
        self._raw = np.asarray(np.memmap(path, np.uint8, "r"))
        length = int.from_bytes(self._raw[-8:].tobytes(), "little")
        if length > len(self._raw) - 8:
            raise ValueError(f"{path.name} is cut short")
        content: dict[str, Any] = json.loads(self._raw[-8 - length : -8].tobytes())
        self._count: int = content["count"]
        self._places: dict[str, dict[str, list[int]]] = content["columns"]
        self._left_out: list[str] | None = content["left_out"]

    def column(self, name: str) -> FrozenColumn | None:
        """The column of an attribute, an empty one if no row has it.

        Returns:
            None if it was left out, so that the rows must be read.
        """
        places = self._places.get(name)
        if places is None and (self._left_out is None or name in self._left_out):
            return None
        arrays = {array: self._array(array, places or {}) for array in TYPES}
        return FrozenColumn(self._count, **arrays)

    def _array(self, name: str, places: Mapping[str, list[int]]) -> NDArray[Any]:
        start, stop = places.get(name, (0, 0))
        return self._raw[start:stop].view(TYPES[name])


def _write(stream: BinaryIO, column: FrozenColumn) -> dict[str, list[int]]:
    """Write the arrays of a column that hold something; gives where each begins and ends."""
    places = {}
    for name in TYPES:
        raw = getattr(column, name).tobytes()
        if raw:
            start = stream.tell()
            stream.write(raw + bytes(-len(raw) % _ALIGNMENT))
            places[name] = [start, start + len(raw)]
    return places
