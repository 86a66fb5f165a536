"""Texts that are being encoded, so that another caller of the same text can wait along.

Everything here belongs to one event loop and takes no lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from bertine.encode.cache import Key
from bertine.encode.lanes import LANES, Lane
from bertine.encode.request import Embedded
from bertine.encode.work import Work

Outcome: TypeAlias = Embedded | Exception


class Flight:
    """One caller's texts on their way, and the other callers who wait for some of them.

    Args:
        work: that encodes them.
        keys: of the texts; the work's rows are in the same order.
        lane: it is in.

    Attributes:
        work: as given.
        keys: as given.
        lane: as given.
        successor: sees the work through after the caller who began it has gone.
    """

    def __init__(self, work: Work, keys: Sequence[Key], lane: Lane) -> None:
        self.work = work
        self.keys = keys
        self.lane = lane
        self.successor: asyncio.Task[None] | None = None
        self._waiters: list[asyncio.Future[Outcome]] = []

    @property
    def shared(self) -> bool:
        """Whether anybody but the caller who began it waits."""
        return any(not waiter.done() for waiter in self._waiters)

    def board(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[Outcome]:
        """Wait along; the future is the caller's own."""
        waiter: asyncio.Future[Outcome] = loop.create_future()
        self._waiters.append(waiter)
        return waiter

    def leave(self, waiter: asyncio.Future[Outcome]) -> None:
        """Wait no longer. The last one to go ends work whose first caller has gone before."""
        waiter.cancel()
        if self.successor is not None and not self.shared:
            self.successor.cancel()

    def land(self, outcome: Outcome) -> None:
        """Tell all who wait. An error is a value here: some of them may have looked away."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(outcome)


class Seat(NamedTuple):
    """A text's place in a flight."""

    flight: Flight
    row: int


class Flights:
    """Where texts are that are being encoded.

    Args:
        joined: that were counted before.

    Attributes:
        joined: texts that were not encoded because they were under way already.
    """

    def __init__(self, joined: int = 0) -> None:
        self.joined = joined
        self._seats: dict[Lane, dict[Key, Seat]] = {lane: {} for lane in LANES}

    def find(self, key: Key, lane: Lane) -> Seat | None:
        """Where a text is. Nobody in a hurry is told to wait for bulk work."""
        seat = self._seats["interactive"].get(key)
        return self._seats["bulk"].get(key) if seat is None and lane == "bulk" else seat

    def depart(self, flight: Flight) -> None:
        """Let the texts of a flight be found."""
        seats = self._seats[flight.lane]
        for row, key in enumerate(flight.keys):
            seats[key] = Seat(flight, row)

    def arrive(self, flight: Flight) -> None:
        """Let them be found no more."""
        seats = self._seats[flight.lane]
        for key in flight.keys:
            seats.pop(key, None)
