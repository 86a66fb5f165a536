"""One global cut in time: what comes after it is not known to any method.

A cut by user (leave the last one out) would let a method learn from what other users did after the
moment that it is tested on (Ji et al., A critical study on data leakage in recommender system
evaluation, 2023), so there is one cut for all users (Meng et al., Exploring data splitting
strategies for the evaluation of recommendation models, 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.cases import LONGEST_HISTORY, Case, Row
from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.taste import Situation

RULE = (
    "one cut in time for all users; a row is each moment of a user after it, with all that the "
    "user liked then as targets and all that came before (at most the latest 100) as history"
)


def cut_time(times: NDArray[np.float64], share: float) -> float:
    """The time from which on the latest `share` of the events lies, whole moments kept together."""
    return float(np.quantile(times, 1.0 - share, method="higher"))


def before(events: Interactions, time: float) -> Interactions:
    """What happened before a time."""
    return events.where(events.times < time)


def rows_after(events: Interactions, time: float, *, new_only: bool) -> list[Row]:
    """The rows of the window that begins at `time`, see `RULE`.

    Args:
        events: all, sorted by user and time.
        time: of the cut.
        new_only: only targets that the user has no event with before; a row without is no row.
    """
    starts = np.flatnonzero(np.diff(events.users, prepend=-1))
    stops = np.append(starts[1:], len(events))
    return [
        row
        for start, stop in zip(starts, stops, strict=True)
        for row in _user_rows(events, int(start), int(stop), time, new_only=new_only)
    ]


def validation(case: Case, share: float = 0.1) -> Case:
    """The same case one step earlier: the latest `share` of what is known becomes the window.

    Whatever a baseline is tuned by is tuned on this, never on the test window.
    """
    time = cut_time(case.known.times, share)
    rows = rows_after(case.known, time, new_only=case.new_only)
    return Case(case.name, case.catalog, before(case.known, time), rows, case.new_only, RULE)


def _user_rows(
    events: Interactions, start: int, stop: int, time: float, *, new_only: bool
) -> Iterator[Row]:
    times = events.times[start:stop]
    for moment in np.unique(times[times >= time]):
        first, last = start + np.searchsorted(times, (moment, np.nextafter(moment, np.inf)))
        chosen = events.items[first:last][events.weights[first:last] > 0]
        if new_only:
            chosen = np.setdiff1d(chosen, events.items[start:first])
        if len(chosen):
            yield _row(events, max(start, first - LONGEST_HISTORY), first, np.unique(chosen))


def _row(events: Interactions, oldest: int, first: int, targets: NDArray[np.int64]) -> Row:
    past = slice(oldest, first)
    return Row(
        int(events.users[first]),
        events.items[past],
        events.times[past],
        events.weights[past].astype(np.float64),
        targets,
        Situation(
            time=float(events.times[first]),
            place=_name(events.place_names, events.places[first]),
            device=_name(events.device_names, events.devices[first]),
        ),
    )


def _name(names: Sequence[str], number: np.int32) -> str:
    return "" if number < 0 else names[int(number)]
