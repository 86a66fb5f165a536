"""Ids and attributes of a snapshot's rows, in files from which one row can be read by itself.

A file holds, as little-endian uint64, how many strings of bytes there are and where each of them
ends, and then the strings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from bertine.types import Attribute

_BLOCK = 1_024


def write_ids(path: Path, ids: Sequence[str]) -> None:
    """Write the ids of all rows."""
    _write(path, [item_id.encode() for item_id in ids])


def read_ids(path: Path) -> list[str]:
    """What `write_ids` wrote.

    Raises:
        ValueError: the file is too short.
    """
    ends, body = _read(path)
    raw = bytes(body)
    starts = ends.tolist()
    if raw.isascii():  # then letters are bytes, and one text can be cut up
        text = raw.decode("ascii")
        return [text[start:end] for start, end in pairwise(starts)]
    return [raw[start:end].decode() for start, end in pairwise(starts)]


def write_attributes(path: Path, rows: Iterable[Mapping[str, Attribute]]) -> None:
    """Write the attributes of all rows, each a JSON object and a comma."""
    encode = json.JSONEncoder(separators=(",", ":")).encode
    _write(path, [f"{encode(row)},".encode() for row in rows])


class StoredAttributes(Sequence[dict[str, Attribute]]):
    """The attributes of rows, read from a mapped file when they are asked for. Safe for threads.

    Whoever asks for one row after another is given blocks that were decoded at once.

    Args:
        path: of what `write_attributes` wrote.

    Raises:
        ValueError: the file is too short.
    """

    def __init__(self, path: Path) -> None:
        self._ends, body = _read(path)
        self._body = memoryview(body)  # type: ignore[arg-type]
        self._previous = -2
        self._block: tuple[int, list[dict[str, Attribute]]] = (0, [])

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, row: int) -> dict[str, Attribute]: ...

    @overload
    def __getitem__(self, row: slice) -> list[dict[str, Attribute]]: ...

    def __getitem__(self, row: int | slice) -> dict[str, Attribute] | list[dict[str, Attribute]]:
        if isinstance(row, slice):
            start, stop, step = row.indices(len(self))
            return self._decode(start, stop)[::step] if step > 0 else list(self)[row]
        start, block = self._block
        if start <= row < start + len(block):
            return block[row - start]
        row = range(len(self))[row]
        sequential, self._previous = row == self._previous + 1, row
        block = self._decode(row, min(row + _BLOCK, len(self)) if sequential else row + 1)
        if sequential:
            self._block = row, block
            self._previous = row + len(block) - 1
        return block[0]

    def __iter__(self) -> Iterator[dict[str, Attribute]]:
        for start in range(0, len(self), _BLOCK):
            yield from self._decode(start, min(start + _BLOCK, len(self)))

    def _decode(self, start: int, stop: int) -> list[dict[str, Attribute]]:
        if start >= stop:
            return []
        raw = bytes(self._body[int(self._ends[start]) : int(self._ends[stop]) - 1])
        rows: list[dict[str, Any]] = json.loads(b"[%b]" % raw)
        return [_several(row) for row in rows]


def _several(row: dict[str, Any]) -> dict[str, Attribute]:
    """JSON has no tuples: a list was one."""
    for name, value in row.items():
        if isinstance(value, list):
            row[name] = tuple(value)
    return row


def _write(path: Path, parts: Sequence[bytes]) -> None:
    ends = np.cumsum([0, *map(len, parts)]).astype("<u8")
    ends[0] = len(parts)
    with path.open("wb") as stream:
        stream.write(ends.tobytes())
        stream.writelines(parts)


def _read(path: Path) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where each string begins and the last one ends, int64 ``[n + 1]``, and all bytes, mapped."""
    raw = np.memmap(path, np.uint8, "r")
    head = 8 * (int.from_bytes(raw[:8].tobytes(), "little") + 1)
    if len(raw) < head:
        raise ValueError(f"{path.name} is cut short")
    ends = raw[:head].view("<u8").astype(np.int64)
    ends[0] = 0
    body = np.asarray(raw[head:])
    if int(ends[-1]) != len(body):
        raise ValueError(f"{path.name} is cut short")
    return ends, body
