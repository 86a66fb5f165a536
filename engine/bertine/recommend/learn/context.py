"""What is wanted more in one place, on one kind of device, or at one part of the week."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.channel import NOTHING, Numbers, Shares, Totals, empty
from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.taste import Candidates, Situation, Taste

CONTEXTS = ("by_place", "by_device", "by_week")
"""Names of the channels."""

PARTS_OF_DAY = 4
"""Of six hours each, from midnight of the user's clock."""

_SHRINKAGE = 200.0
_MOST_CELLS = 64
_MOST_VALUES = 10_000_000
_DAY = 86_400
_THURSDAY = 3  # the epoch's first day, if Monday is 0
_SATURDAY = 5


@dataclass(frozen=True)
class ByContext:
    """value(c) = log((n_xc + k p_c) / (N_x + k) / p_c): how much likelier c is in the context x.

    p_c is the share of c in all events, n_xc and N_x are users: a user counts once for an item
    and a context. The estimate is shrunk towards p_c by k = 200 users. What fewer than
    `least_users` different users did in a context is not told apart from the whole: value 0.

    Attributes:
        name: of the channel.
        kind: "place", "device" or "week".
        cells: names of the contexts.
        values: float32 ``[cells, items]``.
        best_values: float32 ``[items]``, log p_c, for the best within a context.
    """

    name: str
    kind: str
    cells: tuple[str, ...]
    values: NDArray[np.float32]
    best_values: NDArray[np.float32]

    @property
    def names(self) -> tuple[str, ...]:
        """See `View`."""
        return (self.name,)

    def totals(self, taste: Taste, candidates: Candidates) -> Totals:
        """See `View`."""
        cell = self._cell(taste.situation)
        if cell is None:
            return np.zeros((1, len(candidates)))
        return candidates.take(self.values[cell])[None, :]

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """See `View`."""
        shares = empty(taste, candidates, 1)
        shares[:, 0, -1] = self.totals(taste, candidates)
        return shares

    def best(self, taste: Taste, count: int) -> Numbers:
        """The most popular within the context."""
        cell = self._cell(taste.situation)
        if cell is None:
            return NOTHING
        told = np.flatnonzero(self.values[cell] != 0)
        likely = (self.values[cell] + self.best_values)[told]
        return np.sort(told[np.argsort(-likely, kind="stable")[:count]])

    def _cell(self, situation: Situation) -> int | None:
        name = cell_name(self.kind, situation)
        return self.cells.index(name) if name in self.cells else None


def cell_name(kind: str, situation: Situation) -> str:
    """Of the context that a situation belongs to; "" if it is not known."""
    if kind == "week":
        part = parts_of_week(np.array([situation.time]), situation.utc_offset_minutes)[0]
        return "" if part < 0 else str(part)
    return situation.place if kind == "place" else situation.device


def parts_of_week(
    times: NDArray[np.float64], offsets: NDArray[np.int32] | int
) -> NDArray[np.int64]:
    """Part of the day, plus `PARTS_OF_DAY` at the weekend; -1 where the time is not known.

    Args:
        times: float64 ``[n]``, seconds since the epoch.
        offsets: minutes of the user's clock from UTC.
    """
    local = np.where(np.isfinite(times), times, 0.0) + np.asarray(offsets) * 60.0
    part = (local % _DAY) // (_DAY // PARTS_OF_DAY)
    weekend = (local // _DAY + _THURSDAY) % 7 >= _SATURDAY
    found = part.astype(np.int64) + PARTS_OF_DAY * weekend
    return np.asarray(np.where(np.isfinite(times), found, -1), np.int64)


def by_context(interactions: Interactions, least_users: int) -> list[ByContext]:
    """One view for each kind of context that the events tell of."""
    week = parts_of_week(
        interactions.times, 0 if interactions.offsets is None else interactions.offsets
    )
    names = tuple(str(part) for part in range(2 * PARTS_OF_DAY))
    kinds = (
        ("place", interactions.places.astype(np.int64), tuple(interactions.place_names)),
        ("device", interactions.devices.astype(np.int64), tuple(interactions.device_names)),
        ("week", week, names),
    )
    views = [_view(interactions, kind, codes, cells, least_users) for kind, codes, cells in kinds]
    return [view for view in views if view is not None]


def _view(
    interactions: Interactions,
    kind: str,
    codes: NDArray[np.int64],
    cells: tuple[str, ...],
    least_users: int,
) -> ByContext | None:
    liked = (interactions.weights > 0) & (codes >= 0)
    count = len(interactions.item_ids)
    most = min(_MOST_CELLS, _MOST_VALUES // max(count, 1))
    sizes = np.bincount(codes[liked], minlength=len(cells))
    kept = np.argsort(-sizes, kind="stable")[:most]
    kept = kept[sizes[kept] > 0]
    if len(kept) < 2:  # noqa: PLR2004  # one context is the whole
        return None
    users = _distinct_users(interactions, liked, codes, count, len(cells))[kept]
    p = users.sum(axis=0) / max(users.sum(), 1)
    values = _lifts(users, p, least_users)
    likely = np.log(np.maximum(p, 1e-12)).astype(np.float32)
    return ByContext(f"by_{kind}", kind, tuple(cells[cell] for cell in kept), values, likely)


def _distinct_users(
    interactions: Interactions,
    liked: NDArray[np.bool_],
    codes: NDArray[np.int64],
    items: int,
    cells: int,
) -> NDArray[np.float64]:
    """float64 ``[cells, items]``."""
    cell = codes[liked] * items + interactions.items[liked]
    users = interactions.users[liked]
    order = np.lexsort((cell, users))
    cell, users = cell[order], users[order]
    first = np.ones(len(cell), np.bool_)
    first[1:] = (np.diff(cell) != 0) | (np.diff(users) != 0)
    counts = np.bincount(cell[first], minlength=cells * items)
    return counts.reshape(cells, items).astype(np.float64)


def _lifts(
    users: NDArray[np.float64], p: NDArray[np.float64], least_users: int
) -> NDArray[np.float32]:
    told = users >= max(least_users, 1)
    shrunk = (users + _SHRINKAGE * p) / (users.sum(axis=1, keepdims=True) + _SHRINKAGE)
    ratio = np.divide(shrunk, p, out=np.ones_like(shrunk), where=told)
    return np.asarray(np.log(ratio), np.float32)
