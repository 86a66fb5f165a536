"""The columns of rows that no longer change, made in one pass over them.

All attributes get one, since what will be filtered by is not known when a collection is first
saved; but not those that are only shown, such as titles: see `Drafts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress, islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bertine.index.frozen import ENCODING, EXACT_IN_FLOAT, TYPES, FrozenColumn, RowNumbers
from bertine.types import Attribute

MOST_STRING_BYTES = 4 << 20
"""For the different strings of an attribute: any vocabulary takes less, a million titles more."""

MOST_COLUMNS = 1_024
"""More are names that the items make up."""

_BLOCK = 1 << 16
_BYTES_BESIDE_LETTERS = 16

_Found: TypeAlias = "defaultdict[str, tuple[list[int], list[Attribute]]]"


class Drafts:
    """The columns of some rows.

    An attribute is left out if its different strings take more than `MOST_STRING_BYTES`, and all
    are if they are more than `MOST_COLUMNS`; but not those that were filtered by. An integer that
    needs more than 64 bits has its attribute left out in any case.

    Args:
        rows: attributes of each.
        used: attributes that were filtered by.

    Attributes:
        count: rows.
    """

    def __init__(self, rows: Iterable[Mapping[str, Attribute]], used: Collection[str]) -> None:
        self.count = 0
        self._used = frozenset(used)
        self._only_used = False
        self._refused: set[str] = set()
        self._drafts: dict[str, Draft] = {}
        source = iter(rows)
        while block := list(islice(source, _BLOCK)):
            for name, (numbers, values) in self._by_name(block).items():
                self._extend(name, np.array(numbers, np.uint32), values)
            self.count += len(block)

    @property
    def left_out(self) -> frozenset[str] | None:
        """Attributes that get no column; None is all but those that get one."""
        return None if self._only_used else frozenset(self._refused)

    def columns(self) -> Iterator[tuple[str, FrozenColumn]]:
        """Each attribute's column, once: what it was made from is given up."""
        while self._drafts:
            name, draft = self._drafts.popitem()
            yield name, draft.column(self.count)

    def _by_name(self, block: Sequence[Mapping[str, Attribute]]) -> _Found:
        found: _Found = defaultdict(lambda: ([], []))
        for row, attributes in enumerate(block, self.count):
            for name, value in attributes.items():
                rows, values = found[name]
                rows.append(row)
                values.append(value)
        return found

    def _extend(self, name: str, rows: RowNumbers, values: Sequence[Attribute]) -> None:
        used = name in self._used
        if name in self._refused or (self._only_used and not used):
            return
        draft = self._drafts.setdefault(name, Draft())
        fits = draft.extend(rows, values)
        if not fits or (not used and draft.string_bytes > MOST_STRING_BYTES):
            self._refused.add(name)
            del self._drafts[name]
        elif len(self._drafts) > MOST_COLUMNS + len(self._used):
            self._only_used = True
            self._drafts = {kept: self._drafts[kept] for kept in self._used & self._drafts.keys()}


class Draft:
    """The values of one attribute, as far as they were read.

    Attributes:
        string_bytes: that the different strings take.
    """

    def __init__(self) -> None:
        self.string_bytes = 0
        self._codes: defaultdict[str, int] = defaultdict()
        self._codes.default_factory = self._codes.__len__
        self._pieces: defaultdict[str, list[NDArray[Any]]] = defaultdict(list)
        self._add: dict[type, Callable[[RowNumbers, Sequence[Any]], None]] = {
            bool: self._add_bools,
            int: self._add_integers,
            float: self._add_floats,
            str: self._add_strings,
            tuple: self._add_lists,
        }

    def extend(self, rows: RowNumbers, values: Sequence[Any]) -> bool:
        """Take values.

        Args:
            rows: uint32 ``[n]``, of each value, higher than all before.
            values: any attributes.

        Returns:
            Whether a column can hold them.
        """
        try:
            self._extend(rows, values)
        except OverflowError:
            return False
        return True

    def _extend(self, rows: RowNumbers, values: Sequence[Any]) -> None:
        if len(set(map(type, values))) == 1:
            self._add[_kind(values[0])](rows, values)
            return
        kinds = list(map(_kind, values))
        for kind in set(kinds):
            of_it = [one is kind for one in kinds]
            self._add[kind](rows[of_it], list(compress(values, of_it)))

    def column(self, count: int) -> FrozenColumn:
        """What was taken.

        Args:
            count: rows, those without a value included.
        """
        arrays = {name: self._joined(name) for name in ("false", "true", "several")}
        arrays |= self._ordered("numbers", "number_rows")
        arrays |= self._ordered("large", "large_rows")
        return FrozenColumn(count, **arrays, **self._strings())

    def _add_bools(self, rows: RowNumbers, values: Sequence[bool]) -> None:
        flags = np.array(values, np.bool_)
        self._take(false=rows[~flags], true=rows[flags])

    def _add_floats(self, rows: RowNumbers, values: Sequence[float]) -> None:
        self._take(numbers=np.array(values, np.float64), number_rows=rows)

    def _add_integers(self, rows: RowNumbers, values: Sequence[int]) -> None:
        integers = np.array(values, np.int64)
        exact = (integers >= -EXACT_IN_FLOAT) & (integers <= EXACT_IN_FLOAT)
        self._take(numbers=integers[exact].astype(np.float64), number_rows=rows[exact])
        self._take(large=integers[~exact], large_rows=rows[~exact])

    def _add_strings(self, rows: RowNumbers, values: Sequence[str]) -> None:
        known = len(self._codes)
        codes = np.fromiter(map(self._codes.__getitem__, values), np.uint32, len(values))
        self._take(codes=codes, string_rows=rows)
        for new in islice(reversed(self._codes), len(self._codes) - known):
            self.string_bytes += len(new.encode(*ENCODING)) + _BYTES_BESIDE_LETTERS

    def _add_lists(self, rows: RowNumbers, values: Sequence[tuple[str, ...]]) -> None:
        self._take(several=rows)
        self._add_strings(
            np.repeat(rows, list(map(len, values))), list(chain.from_iterable(values))
        )

    def _take(self, **pieces: NDArray[Any]) -> None:
        for name, piece in pieces.items():
            self._pieces[name].append(piece)

    def _joined(self, name: str) -> NDArray[Any]:
        return np.concatenate([np.zeros(0, TYPES[name]), *self._pieces.pop(name, [])])

    def _ordered(self, values: str, rows: str) -> dict[str, NDArray[Any]]:
        found = self._joined(values)
        order = np.argsort(found, kind="stable")
        return {values: found[order], rows: self._joined(rows)[order]}

    def _strings(self) -> dict[str, NDArray[Any]]:
        strings = sorted(self._codes)
        rank = np.empty(len(strings), np.uint32)
        rank[[self._codes[one] for one in strings]] = np.arange(len(strings))
        ranks = rank[np.concatenate([np.zeros(0, np.uint32), *self._pieces.pop("codes", [])])]
        encoded = [one.encode(*ENCODING) for one in strings]
        return {
            "letters": np.frombuffer(b"".join(encoded), TYPES["letters"]),
            "letter_ends": _ends(np.array(list(map(len, encoded)), np.int64)),
            "string_rows": self._joined("string_rows")[np.argsort(ranks, kind="stable")],
            "string_ends": _ends(np.bincount(ranks, minlength=len(strings))),
        }


def _ends(lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(TYPES["string_ends"])


def _kind(value: Attribute) -> type:
    """What a value counts as: a bool is an int for Python, and NumPy's floats are floats."""
    return next(kind for kind in (bool, int, float, str, tuple) if isinstance(value, kind))
