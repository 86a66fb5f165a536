"""What the scheduler looks at before it lets anything in. Its owner guards it."""

from __future__ import annotations

from collections.abc import Callable

from bertine.encode.admission import Queue, no_room, too_late
from bertine.encode.lanes import Lane, Lanes, Load
from bertine.encode.promises import Promise, Promises
from bertine.encode.statistics import Tally
from bertine.encode.workers import Workers
from bertine.errors import Overloaded, Unavailable

CLOSED = "the encoder takes no more work; try another server"


class Entrance:
    """Lets requests in, or says why not.

    Args:
        lanes: what waits.
        workers: that take from them.
        tally: counts who is refused.
        room: tokens that may wait.
        clock: seconds; deadlines are its readings.

    Attributes:
        open: whether anything new is let in.
        promises: room that is kept for what was let in.
    """

    def __init__(
        self, lanes: Lanes, workers: Workers, tally: Tally, room: int, clock: Callable[[], float]
    ) -> None:
        self.open = True
        self._lanes = lanes
        self._workers = workers
        self._tally = tally
        self._room = room
        self._clock = clock
        self.promises = Promises()

    def admit(self, load: Load, deadline: float | None, lane: Lane) -> None:
        """Refuse what cannot be done in time, or has no room. See `Scheduler.admit`."""
        if not self.open:
            raise Unavailable(CLOSED)
        if not self._workers.responsive:
            raise Unavailable("the device does not respond; try another server")
        waiting = self._lanes.tokens + self.promises.tokens
        if deadline is None and waiting + load.tokens <= self._room:
            return  # as nearly always; what follows takes 4 µs
        queue = self._queue(lane, waiting)
        left = None if deadline is None else deadline - self._clock()
        error = too_late(queue, load, left) or no_room(queue, load, self._room)
        if error is not None:
            self._tally.refuse(overload=isinstance(error, Overloaded))
            raise error

    def let_in(
        self, load: Load, deadline: float | None, lane: Lane, promise: Promise | None
    ) -> None:
        """Admit what was promised nothing; what was waits from now on in the room kept for it."""
        if promise is None:
            self.admit(load, deadline, lane)
        else:
            self.promises.redeem(promise, load.rows)

    def _queue(self, lane: Lane, waiting: int) -> Queue:
        lanes, workers = self._lanes, self._workers
        ahead = lanes.ahead_of(lane) + self.promises.ahead_of(lane)
        return Queue(ahead, waiting, workers.left, lanes.costs, lanes.limits, len(workers))
