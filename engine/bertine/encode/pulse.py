"""Whether the device still answers: a batch that runs far longer than it should is noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a batch may run.

    Attributes:
        factor: multiple of its predicted seconds after which the device does not respond.
        at_least: seconds; below that it responds whatever was predicted.
        hung: seconds after which nobody should wait for it any more.
    """

    factor: float = 30.0
    at_least: float = 5.0
    hung: float = 60.0


DEFAULT_PATIENCE = Patience()


class Pulse:
    """The batch that runs: the device's thread notes it, any other looks at it.

    A call that hangs in the device's driver can be neither interrupted nor joined, so a clock is
    all there is to tell it by.

    Args:
        patience: see `Patience`.
        clock: seconds.
    """

    def __init__(self, patience: Patience, clock: Callable[[], float]) -> None:
        self._patience = patience
        self._clock = clock
        self._running: tuple[float, float] | None = None

    def begin(self, predicted: float) -> None:
        """A batch starts that should take this many seconds."""
        self._running = self._clock(), predicted

    def end(self) -> None:
        """It has come back."""
        self._running = None

    @property
    def left(self) -> float:
        """Seconds that the batch should still run, 0 if it is late or none runs."""
        running = self._running
        return 0.0 if running is None else max(0.0, sum(running) - self._clock())

    @property
    def responsive(self) -> bool:
        """Whether the device answers, as far as can be told."""
        running = self._running
        if running is None:
            return True
        started, predicted = running
        patience = self._patience
        return self._clock() - started < max(patience.at_least, patience.factor * predicted)

    @property
    def hung(self) -> bool:
        """Whether it has not answered for so long that it never will."""
        running = self._running
        return running is not None and self._clock() - running[0] >= max(
            self._patience.hung, self._patience.factor * running[1]
        )
