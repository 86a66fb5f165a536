"""Moments of the latest part of the events, as rows that channels are weighed by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.channel import Numbers
from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.learned import Learned
from bertine.recommend.learn.taste import Candidates, Situation, Taste
from bertine.types import Matrix

MOST_ROWS = 4_000
"""That are weighed by; of more, so many are drawn."""

_LATEST = 50
_PROPOSED = 40
_NEAREST = 100
_EQUAL_STEPS = 0.95
_ORDINAL_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Moment:
    """A user at one time: what was known, and what was then chosen.

    Attributes:
        taste: the history before it.
        targets: int64 ``[t]``, liked then, ascending.
    """

    taste: Taste
    targets: Numbers


@dataclass(frozen=True, slots=True)
class Scored:
    """The values of all candidates of all rows, one after another.

    Attributes:
        values: float32 ``[n, channels]``.
        starts: int64 ``[rows]``, of each row's candidates; no row is empty.
        targets: int64 ``[t]``, which of the n are targets.
        target_rows: int64 ``[t]``, the row of each.
        found: bool ``[t]``, whether it was among the proposed; the others are there to learn from.
        target_counts: int64 ``[rows]``.
        seen: bool ``[n]``, items of the row's history.
    """

    values: NDArray[np.float32]
    starts: NDArray[np.int64]
    targets: Numbers
    target_rows: Numbers
    found: NDArray[np.bool_]
    target_counts: NDArray[np.int64]
    seen: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def rows(self) -> NDArray[np.int64]:
        """The row of each candidate: int64 ``[n]``."""
        return np.repeat(np.arange(len(self)), np.diff(np.append(self.starts, len(self.seen))))

    def of_rows(self, chosen: NDArray[np.bool_]) -> Scored:
        """Some of the rows.

        Args:
            chosen: bool ``[rows]``.
        """
        return self._where(chosen[self.rows], chosen)

    def new_only(self) -> Scored:
        """Without what the users had before, and without rows that were about nothing else."""
        new = ~self.seen[self.targets]
        chosen = np.bincount(self.target_rows[new], minlength=len(self)) > 0
        return self._where(~self.seen & chosen[self.rows], chosen)

    def _where(self, kept: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> Scored:
        """Some of the candidates of some of the rows."""
        places, numbers = np.cumsum(kept) - 1, np.cumsum(chosen) - 1
        sizes = np.bincount(self.rows[kept], minlength=len(self))[chosen]
        hit = kept[self.targets]
        rows = numbers[self.target_rows[hit]]
        return Scored(
            self.values[kept],
            np.cumsum(sizes) - sizes,
            places[self.targets[hit]],
            rows,
            self.found[hit],
            np.bincount(rows, minlength=int(chosen.sum())),
            self.seen[kept],
        )


def held_out(interactions: Interactions, share: float) -> NDArray[np.bool_]:
    """Which events channels are weighed by, and not learned from: bool ``[n]``.

    The latest `share` of the events by one cut in time, so that nothing is learned from what came
    later (Ji et al. 2023, A Critical Study on Data Leakage in Recommender System Evaluation). Where
    times only tell an order, no moment is the same one for two users, and a cut would hold the
    late entries of those who do much: then it is the latest quarter of each user, at least one. Of
    a user all of whose events have one time, the order in which they were recorded decides.
    """
    if share <= 0 or not len(interactions):
        return np.zeros(len(interactions), np.bool_)
    if ordinal(interactions):
        return _latest(interactions)
    time = float(np.quantile(interactions.times, 1.0 - share, method="higher"))
    return np.asarray(interactions.times >= time)


def ordinal(interactions: Interactions) -> bool:
    """Whether times are no more than positions: nearly all steps of users are equally long."""
    gaps = np.diff(interactions.times)[np.diff(interactions.users) == 0]
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return True
    return float(np.mean(np.isclose(gaps, np.median(gaps)))) > _EQUAL_STEPS


def _latest(interactions: Interactions) -> NDArray[np.bool_]:
    """The latest quarter of each user's entries, at least one."""
    users = interactions.users
    starts = np.searchsorted(users, users)
    stops = np.searchsorted(users, users, side="right")
    first = stops - np.maximum((stops - starts) * _ORDINAL_SHARE, 1.0).astype(np.int64)
    times = interactions.times
    at_once = times[first] == times[starts]
    return np.asarray(np.where(at_once, np.arange(len(users)) >= first, times >= times[first]))


def moments(
    interactions: Interactions,
    vectors: Matrix,
    held: NDArray[np.bool_],
    half_life: float,
    seed: int,
) -> list[Moment]:
    """Those held out, of users with a history before; at most `MOST_ROWS`, drawn."""
    users = interactions.users
    found = [
        (first, last)
        for first, last in _spans(interactions, held)
        if held[first]
        and first > 0
        and users[first - 1] == users[first]
        and np.any(interactions.weights[first:last] > 0)
    ]
    if len(found) > MOST_ROWS:
        drawn = np.random.default_rng(seed).choice(len(found), MOST_ROWS, replace=False)
        found = [found[n] for n in np.sort(drawn)]
    starts = np.searchsorted(users, users)
    rows = (
        _moment(interactions, vectors, slice(max(int(starts[first]), first - _LATEST), first), last)
        for first, last in found
    )
    return [_faded(row, half_life) for row in rows]


def score(learned: Learned, rows: Sequence[Moment], vectors: Matrix) -> Scored:
    """Every channel's value of what each row is proposed, and of its targets."""
    values, sizes, targets, target_rows, found, seen = [], [], [], [], [], []
    start = 0
    for row, (moment, near) in enumerate(zip(rows, _nearest(rows, vectors), strict=True)):
        every = np.ones(len(learned.channels))
        proposed = np.union1d(learned.propose(moment.taste, _PROPOSED, every), near)
        numbers = np.union1d(proposed, moment.targets)
        candidates = Candidates(numbers, vectors[numbers])
        values.append(learned.score(moment.taste, candidates).astype(np.float32))
        targets.append(start + np.searchsorted(numbers, moment.targets))
        target_rows.append(np.full(len(moment.targets), row))
        found.append(np.isin(moment.targets, proposed))
        seen.append(np.isin(numbers, moment.taste.items))
        sizes.append(len(numbers))
        start += len(numbers)
    return Scored(
        np.concatenate(values),
        np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64),
        np.concatenate(targets),
        np.concatenate(target_rows),
        np.concatenate(found),
        np.array([len(moment.targets) for moment in rows], np.int64),
        np.concatenate(seen),
    )


def _spans(interactions: Interactions, held: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and last + 1 of the events of one user at one time, held out or not."""
    if not len(interactions):
        return
    new = (np.diff(interactions.users) != 0) | (np.diff(interactions.times) != 0)
    new |= held[1:] != held[:-1]
    edges = [0, *(np.flatnonzero(new) + 1).tolist(), len(interactions)]
    yield from pairwise(edges)


def _moment(interactions: Interactions, vectors: Matrix, past: slice, last: int) -> Moment:
    first = past.stop
    chosen = interactions.items[first:last][interactions.weights[first:last] > 0]
    items = interactions.items[past]
    strengths = interactions.weights[past].astype(np.float64)
    taste = Taste(
        items,
        strengths,
        vectors[items],
        interactions.times[past],
        _situation(interactions, first),
        strengths,
    )
    return Moment(taste, np.unique(chosen))


def _situation(interactions: Interactions, event: int) -> Situation:
    place, device = interactions.places[event], interactions.devices[event]
    return Situation(
        float(interactions.times[event]),
        0 if interactions.offsets is None else int(interactions.offsets[event]),
        "" if place < 0 else interactions.place_names[place],
        "" if device < 0 else interactions.device_names[device],
    )


def _faded(row: Moment, half_life: float) -> Moment:
    taste = row.taste
    back = np.arange(len(taste) - 1, -1, -1, dtype=np.float64)
    weights = taste.weights * np.exp2(-back / half_life)
    faded = Taste(
        taste.items, weights, taste.vectors, taste.times, taste.situation, taste.strengths
    )
    return Moment(faded, row.targets)


def _nearest(rows: Sequence[Moment], vectors: Matrix) -> Iterator[Numbers]:
    """The items nearest to each row's profile, as the index would find them."""
    count = min(_NEAREST, len(vectors))
    for start in range(0, len(rows), 256):
        block = rows[start : start + 256]
        profiles = np.stack([row.taste.weights @ row.taste.vectors for row in block])
        similar = profiles.astype(np.float32) @ vectors.T
        for line in similar:
            yield np.argpartition(-line, count - 1)[:count].astype(np.int64)
