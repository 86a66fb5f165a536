"""Texts that need not be encoded: known from before, under way for others, or asked for twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from bertine.encode.cache import Cache, Cached, Key
from bertine.encode.coalescing import Flight, Flights, Outcome
from bertine.encode.lanes import Lane
from bertine.encode.mailbox import Mailbox
from bertine.encode.request import Embedded, Request
from bertine.encode.work import Work
from bertine.errors import DeadlineExceeded, EncodeError, InvalidInput, Overloaded

Start: TypeAlias = Callable[[Request], Work]
"""Lets a request in, or raises; without inputs it only asks whether one would be let in."""


class _OthersGaveUp(Exception):
    """Work that was shared ended for a reason that was its first caller's alone."""


@dataclass(slots=True)
class _Places:
    """Where a request's vectors come from, by position in the request."""

    cached: dict[int, Cached] = field(default_factory=dict)
    joined: dict[Flight, list[tuple[int, int]]] = field(default_factory=dict)
    own: list[tuple[int, int]] = field(default_factory=list)  # position, row of the own request
    keys: dict[Key, int] = field(default_factory=dict)  # row of the own request
    firsts: list[int] = field(default_factory=list)  # position of each row of it


class Repeats:
    """Encodes what is new of a request, and puts the answer together.

    Whatever goes wrong with work that was shared or is only a part of the request, the request is
    then encoded whole and alone, so that an error is the caller's own and names its position.

    Args:
        mailbox: of the event loop that all calls come from.
        flights: of the same loop; None shares nothing.
        cache: None keeps nothing.
        dimensions: of a vector.

    Attributes:
        mailbox: as given.
        flights: as given.
    """

    def __init__(
        self, mailbox: Mailbox, flights: Flights | None, cache: Cache | None, dimensions: int
    ) -> None:
        self.mailbox = mailbox
        self.flights = flights
        self._cache = cache
        self._dimensions = dimensions

    async def embed(self, request: Request, lane: Lane, start: Start) -> Embedded:
        """See `Encoder.embed`.

        Args:
            request: whose inputs may repeat.
            lane: bulk work finds what is cached, but leaves nothing: it would replace everything.
            start: encodes a request.
        """
        if not request.has_keys or (self._cache is None and self.flights is None):
            return await self._alone(request, start)
        while True:
            places = self._places(request, lane)
            try:
                return await self._gather(request, places, lane, start)
            except _OthersGaveUp:
                continue
            except (EncodeError, InvalidInput):
                if len(places.firsts) == request.inputs:
                    raise
                return await self._alone(request, start)

    async def _alone(self, request: Request, start: Start) -> Embedded:
        work = start(request)
        try:
            return await work.run(self.mailbox)
        finally:
            work.cancel()

    def _places(self, request: Request, lane: Lane) -> _Places:
        places = _Places()
        for position, key in enumerate(request.keys()):
            if self._cache is not None and (known := self._cache.get(key)) is not None:
                places.cached[position] = known
            else:
                self._place(places, position, key, lane)
        return places

    def _place(self, places: _Places, position: int, key: Key, lane: Lane) -> None:
        row = len(places.firsts)
        if self.flights is not None:
            if (seat := self.flights.find(key, lane)) is not None:
                self.flights.joined += 1
                places.joined.setdefault(seat.flight, []).append((position, seat.row))
                return
            row = places.keys.setdefault(key, row)
            self.flights.joined += row < len(places.firsts)
        if row == len(places.firsts):
            places.firsts.append(position)
        places.own.append((position, row))

    async def _gather(
        self, request: Request, places: _Places, lane: Lane, start: Start
    ) -> Embedded:
        whole = len(places.firsts) == request.inputs
        rest = request if whole else request.only(places.firsts)
        work = start(rest)
        waiters = {flight: flight.board(self.mailbox.loop) for flight in places.joined}
        try:
            own = await self._fly(Flight(work, rest.keys(), lane)) if rest.inputs else None
            if own is not None and whole:
                return own
            landed = {flight: _take(await waiter) for flight, waiter in waiters.items()}
        finally:
            for flight, waiter in waiters.items():
                flight.leave(waiter)
        return _together(places, own, landed, (request.inputs, self._dimensions))

    async def _fly(self, flight: Flight) -> Embedded:
        """Encode texts that others may wait for, too."""
        if self.flights is not None:
            self.flights.depart(flight)
        try:
            return await self._land(flight)
        except asyncio.CancelledError:
            if flight.shared:
                self._hand_over(flight)
            else:
                self._give_up(flight, _OthersGaveUp())
            raise

    def _hand_over(self, flight: Flight) -> None:
        """Go on for those who wait; they are told of errors."""

        def ended(task: asyncio.Task[None]) -> None:
            if task.cancelled():  # perhaps before its first step, so it cannot see to this itself
                self._give_up(flight, _OthersGaveUp())

        async def go_on() -> None:
            with suppress(Exception):
                await self._land(flight)

        flight.successor = self.mailbox.loop.create_task(go_on())
        flight.successor.add_done_callback(ended)

    async def _land(self, flight: Flight) -> Embedded:
        """See work through and tell who waits; a cancellation leaves everything as it is."""
        try:
            embedded = await flight.work.run(self.mailbox)
        except Exception as error:
            self._give_up(flight, error)
            raise
        self._arrive(flight, embedded)
        if flight.lane == "interactive" and self._cache is not None:
            _keep(self._cache, flight.keys, embedded)
        return embedded

    def _give_up(self, flight: Flight, error: Exception) -> None:
        flight.work.cancel()
        self._arrive(flight, error)

    def _arrive(self, flight: Flight, outcome: Outcome) -> None:
        if self.flights is not None:
            self.flights.arrive(flight)
        flight.land(outcome)


def _keep(cache: Cache, keys: Sequence[Key], embedded: Embedded) -> None:
    cut = frozenset(embedded.truncated)
    counts = embedded.token_counts.tolist()
    for row, key in enumerate(keys):
        cache.put(key, embedded.vectors[row], counts[row], truncated=row in cut)


def _take(outcome: Outcome) -> Embedded:
    """What a flight came to. Its first caller's deadline and luck at admission are not others'."""
    if isinstance(outcome, DeadlineExceeded | Overloaded):
        raise _OthersGaveUp from outcome
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _together(
    places: _Places,
    own: Embedded | None,
    landed: Mapping[Flight, Embedded],
    shape: tuple[int, int],
) -> Embedded:
    """One answer from all places."""
    vectors, counts = np.empty(shape, np.float32), np.empty(shape[0], np.int32)
    truncated: set[int] = set()
    queue = encode = 0.0
    for position, known in places.cached.items():
        vectors[position], counts[position] = known.vector, known.tokens
        truncated.update([position] * known.truncated)
    pieces = [(landed[flight], pairs) for flight, pairs in places.joined.items()]
    for embedded, pairs in [*pieces, *([(own, places.own)] if own else [])]:
        positions, rows = (list(side) for side in zip(*pairs, strict=True))
        vectors[positions], counts[positions] = embedded.vectors[rows], embedded.token_counts[rows]
        cut = frozenset(embedded.truncated)
        truncated.update(position for position, row in pairs if row in cut)
        queue += embedded.queue_seconds * len(pairs) / shape[0]
        encode += embedded.encode_seconds * len(pairs) / shape[0]
    return Embedded(
        vectors=vectors,
        token_counts=counts,
        truncated=tuple(sorted(truncated)),
        tokenize_seconds=own.tokenize_seconds if own else 0.0,
        queue_seconds=queue,
        encode_seconds=encode,
    )
