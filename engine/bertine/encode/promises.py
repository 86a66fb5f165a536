"""What was let in and does not wait yet: it is being tokenized, and takes room all the same."""

from __future__ import annotations

from dataclasses import dataclass

from bertine.encode.lanes import LANES, Lane, Load


@dataclass(slots=True, eq=False)
class Promise:
    """Room that is kept for a request.

    Attributes:
        lane: it will wait in.
        rows: of it that do not wait yet.
        tokens: of those rows.
    """

    lane: Lane
    rows: int
    tokens: int


class Promises:
    """All room that is kept; its owner guards it.

    Attributes:
        tokens: of both lanes.
    """

    def __init__(self) -> None:
        self._rows = dict.fromkeys(LANES, 0)
        self._tokens = dict.fromkeys(LANES, 0)
        self.tokens = 0

    def ahead_of(self, lane: Lane) -> Load:
        """What will go before a job that comes now."""
        if lane == "interactive":
            return Load(self._rows[lane], self._tokens[lane])
        return Load(sum(self._rows.values()), self.tokens)

    def make(self, lane: Lane, load: Load) -> Promise:
        """Keep room."""
        self._add(lane, load.rows, load.tokens)
        return Promise(lane, load.rows, load.tokens)

    def redeem(self, promise: Promise, rows: int) -> None:
        """Give back the room of rows that wait from now on: their share, whatever they need."""
        rows = min(rows, promise.rows)
        if rows:
            tokens = promise.tokens * rows // promise.rows
            promise.rows -= rows
            promise.tokens -= tokens
            self._add(promise.lane, -rows, -tokens)

    def _add(self, lane: Lane, rows: int, tokens: int) -> None:
        self._rows[lane] += rows
        self._tokens[lane] += tokens
        self.tokens += tokens
