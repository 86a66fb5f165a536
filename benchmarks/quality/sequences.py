"""Histories with targets, in two windows: ``{"split", "user", "history", "target"}`` a line.

Rows of the split ``valid`` lie before those of ``test``. What is known before the test window are
the valid rows with their histories and, of a user without a valid row, the history of that user's
first test row. There are no times, only orders: entries get a day each, so that the valid targets
are the latest of what is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.cases import Case, Catalog, Row
from benchmarks.quality.files import json_lines
from bertine.recommend.learn.interactions import Interactions, ordered
from bertine.recommend.learn.taste import Situation

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
        KeyError: a row names an item that the catalog lacks.
    """
    numbers = {item_id: number for number, item_id in enumerate(catalog.ids)}
    lines = list(json_lines(path))
    users = {user: n for n, user in enumerate(dict.fromkeys(str(line["user"]) for line in lines))}
    return case([_numbered(line, numbers, users) for line in lines], catalog, name)


def case(lines: Sequence[Mapping[str, Any]], catalog: Catalog, name: str) -> Case:
    """The case of rows whose items and users are numbers already."""
    tests = [line for line in lines if line["split"] == "test"]
    known = _known(lines)
    rows = [_row(line, _START) for line in tests]
    events = _interactions(known, catalog)
    return Case(name, catalog, events, rows, new_only=False, protocol=_RULE, remarks=[_REMARK])


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
        valid = [line for line in own if line["split"] == "valid"]
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
    users, items, times = zip(*entries, strict=True)
    unknown = np.full(len(entries), -1, np.int32)
    return ordered(
        Interactions(
            np.array(users, np.int64),
            np.array(items, np.int64),
            np.array(times, np.float64),
            np.ones(len(entries), np.float32),
            unknown,
            unknown,
            catalog.ids,
        )
    )


def _row(line: Mapping[str, Any], end: float) -> Row:
    history = np.array(line["history"], np.int64)
    ages = np.arange(len(history), 0, -1, dtype=np.float64)
    return Row(
        line["user"],
        history,
        end - ages * _DAY,
        np.ones(len(history)),
        np.array([line["target"]], np.int64),
        Situation(time=end),
    )
