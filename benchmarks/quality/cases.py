"""What a method is judged on: a catalog, what was known before the test window, and the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.taste import Situation

Items = NDArray[np.int64]
"""int64: numbers of items, their places in `Catalog.ids`."""

LONGEST_HISTORY = 100
"""Entries of a history that a method may see: as many as the server reads of a user's events."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The items, all of which are ranked.

    Attributes:
        ids: of each, unique.
        texts: what is encoded, "" for an item without.
        attributes: what is known of each beside its text, for an independent view of diversity.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    attributes: Sequence[frozenset[str]]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Row:
    """One moment of a user: what is known, and what the user then chose.

    Attributes:
        user: number of the user, the unit of the bootstrap.
        history: oldest first, at most `LONGEST_HISTORY`.
        times: float64 ``[h]``, seconds.
        weights: float64 ``[h]``, of the event types; negative for a dislike.
        targets: what was chosen, each once.
        situation: when and where.
    """

    user: int
    history: Items
    times: NDArray[np.float64]
    weights: NDArray[np.float64]
    targets: Items
    situation: Situation


@dataclass(frozen=True)
class Case:
    """One data set, split.

    Attributes:
        name: of the data set.
        catalog: all items.
        known: events before the test window; the only thing that may be learned from.
        rows: of the test window.
        new_only: targets are items that the user had no event with, so no method lists those.
        protocol: how it was split, in words.
        remarks: what must be said wherever the figures are printed.
        published: figures of others on the same rows: HR@5, HR@10, NDCG@10 by name.
    """

    name: str
    catalog: Catalog
    known: Interactions
    rows: Sequence[Row]
    new_only: bool
    protocol: str
    remarks: Sequence[str] = ()
    published: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)


def counts(case: Case) -> NDArray[np.int64]:
    """Distinct users with a liked event of each item before the window: int64 ``[items]``."""
    liked = case.known.weights > 0
    pairs = np.unique(np.stack([case.known.users[liked], case.known.items[liked]]), axis=1)
    return np.bincount(pairs[1], minlength=len(case.catalog))


def sample(rows: Sequence[Row], at_most: int | None, seed: int = 0) -> Sequence[Row]:
    """All rows of randomly drawn users, until there are `at_most`; all of them for None.

    Users are drawn, not rows: otherwise users of many rows would lose their share of one user.
    """
    if at_most is None or len(rows) <= at_most:
        return rows
    users = np.unique([row.user for row in rows])
    by_user: dict[int, list[Row]] = {int(user): [] for user in users}
    for row in rows:
        by_user[row.user].append(row)
    chosen: list[Row] = []
    for user in np.random.default_rng(seed).permutation(users):
        chosen += by_user[int(user)]
        if len(chosen) >= at_most:
            break
    return chosen[:at_most]
