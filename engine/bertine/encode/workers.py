"""The threads that feed a session, and whether its device answers them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from bertine.encode.runner import Runner

_JOIN_SECONDS = 0.1


class Workers:
    """One thread for each runner.

    Args:
        runners: at least one; each is used by its own thread alone.
        work: what a thread does with its runner until it ends.
    """

    def __init__(self, runners: Sequence[Runner], work: Callable[[Runner], None]) -> None:
        self._pulses = [runner.pulse for runner in runners]
        self._threads = [
            threading.Thread(target=work, args=(runner,), name="bertine-encoder", daemon=True)
            for runner in runners
        ]
        for thread in self._threads:
            thread.start()

    def __len__(self) -> int:
        return len(self._threads)

    @property
    def left(self) -> float:
        """Seconds until one of them should be free."""
        return min(pulse.left for pulse in self._pulses)

    @property
    def responsive(self) -> bool:
        """Whether the device answers all of them, as far as can be told."""
        return all(pulse.responsive for pulse in self._pulses)

    @property
    def hung(self) -> bool:
        """Whether it has not answered one of them for so long that it never will."""
        return any(pulse.hung for pulse in self._pulses)

    def join(self) -> None:
        """Wait for their end, but not for one that the device does not answer."""
        if threading.current_thread() in self._threads:
            return
        for thread, pulse in zip(self._threads, self._pulses, strict=True):
            while thread.is_alive() and pulse.responsive:
                thread.join(_JOIN_SECONDS)
