"""Histories with targets, in two windows: ``{"split", "user", "history", "target"}`` a line.

Rows of the split ``valid`` (and ``train``, if there are any) lie before those of ``test``. What is
known before the test window are the valid rows with their histories and, of a user without a valid
row, the history of that user's first test row. There are no times, only orders: entries get a day
each, so that the valid targets are the latest of what is known.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import DataFaultError
from benchmarks.quality.cases import LONGEST_HISTORY, Case, Catalog, Row
from benchmarks.quality.reading import USER_FIELDS, records, text_of, value_of
from bertine.recommend.learn.interactions import Interactions, ordered
from bertine.recommend.learn.taste import Situation

_SPLITS = ("train", "valid", "test")
_DAY = 86_400.0
_START = 10_000 * _DAY
_RULE = (
    "rows of the file's split `test`, each with its own history, the history not excluded from the "
    "ranking; learned from the valid rows with their histories and, for a user without a valid "
    "row, from the history of that user's first test row"
)
_REMARK = (
    "What is learned from includes the valid rows, which published models saw only for model "
    "selection."
)


def read(path: Path, catalog: Catalog, name: str) -> Case:
    """The case of a file of sequences.

    Args:
        path: of the sequences.
        catalog: their items.
        name: of the data set.

    Raises:
        DataAbsentError: there is no such file.
        DataFaultError: it cannot be read, a row is none, or there is nothing to learn from or to
            test on.
    """
    lines = [_line(row, place) for place, row in records(path)]
    known = set(catalog.ids)
    kept = [_of_catalog(line, known) for line in lines if line["target"] in known]
    if all(line["split"] != "test" for line in kept):
        raise DataFaultError(f"{path} has no row of the split test whose target the catalog has")
    numbers = {item_id: number for number, item_id in enumerate(catalog.ids)}
    users = {user: n for n, user in enumerate(dict.fromkeys(line["user"] for line in kept))}
    found = case([_numbered(line, numbers, users) for line in kept], catalog, name)
    if not len(found.known):
        raise DataFaultError(f"{path}: no row has a history or is of another split than test")
    remarks = _left_out(lines, kept)
    return replace(found, remarks=[*found.remarks, *remarks])


def case(lines: Sequence[Mapping[str, Any]], catalog: Catalog, name: str) -> Case:
    """The case of rows whose items and users are numbers already."""
    tests = [line for line in lines if line["split"] == "test"]
    known = _known(lines)
    rows = [_row(line, _START) for line in tests]
    events = _interactions(known, catalog)
    return Case(name, catalog, events, rows, new_only=False, protocol=_RULE, remarks=[_REMARK])


def _line(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """A row whose fields are checked, ids as text."""
    split = value_of(row, ("split",), place)
    if split not in _SPLITS:
        raise DataFaultError(f"{place}: there is no split {split!r}; give {' or '.join(_SPLITS)}")
    history = value_of(row, ("history",), place)
    if isinstance(history, str):  # a table has no lists
        with suppress(ValueError):
            history = json.loads(history)
    if not isinstance(history, list):
        raise DataFaultError(f"{place}: the history {history!r:.40} is no list of item ids")
    return {
        "split": split,
        "user": text_of(row, USER_FIELDS, place),
        "history": [str(item) for item in history],
        "target": text_of(row, ("target",), place),
    }


def _of_catalog(line: dict[str, Any], known: set[str]) -> dict[str, Any]:
    return {**line, "history": [item for item in line["history"] if item in known]}


def _left_out(lines: Sequence[Mapping[str, Any]], kept: Sequence[Mapping[str, Any]]) -> list[str]:
    """What must be said of rows and entries that name no item of the catalog."""
    rows = len(lines) - len(kept)
    entries = sum(len(line["history"]) for line in lines)
    entries -= sum(len(line["history"]) for line in kept)
    if not rows and not entries:
        return []
    what = f"{rows:,} rows whose target the catalog lacks, and {entries:,} entries of histories"
    return [f"{what}, are left out."]


def _numbered(
    line: Mapping[str, Any], numbers: Mapping[str, int], users: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "split": line["split"],
        "user": users[str(line["user"])],
        "history": [numbers[str(item)] for item in line["history"]],
        "target": numbers[str(line["target"])],
    }


def _known(lines: Sequence[Mapping[str, Any]]) -> dict[int, tuple[list[int], list[int]]]:
    """Of each user the first history, and the targets of the valid rows after it."""
    known: dict[int, tuple[list[int], list[int]]] = {}
    of_users: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
        of_users[line["user"]].append(line)
    for user, own in of_users.items():
        valid = [line for line in own if line["split"] != "test"]
        first = min(valid or own, key=lambda line: len(line["history"]))
        known[user] = list(first["history"]), [line["target"] for line in valid]
    return known


def _interactions(
    known: Mapping[int, tuple[list[int], list[int]]], catalog: Catalog
) -> Interactions:
    entries = [
        (user, item, _START + (position - len(history)) * _DAY)
        for user, (history, targets) in known.items()
        for position, item in enumerate([*history, *targets])
    ]
    columns = np.array(entries, np.float64).reshape(-1, 3)
    unknown = np.full(len(entries), -1, np.int32)
    return ordered(
        Interactions(
            columns[:, 0].astype(np.int64),
            columns[:, 1].astype(np.int64),
            columns[:, 2],
            np.ones(len(entries), np.float32),
            unknown,
            unknown,
            catalog.ids,
        )
    )


def _row(line: Mapping[str, Any], end: float) -> Row:
    history = np.array(line["history"][-LONGEST_HISTORY:], np.int64)
    ages = np.arange(len(history), 0, -1, dtype=np.float64)
    return Row(
        line["user"],
        history,
        end - ages * _DAY,
        np.ones(len(history)),
        np.array([line["target"]], np.int64),
        Situation(time=end),
    )
