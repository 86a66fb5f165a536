"""An object that lives in a process of its own, with nothing else on its interpreter lock."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Self

_SPAWN = multiprocessing.get_context("spawn")
_STOP_SECONDS = 30.0


class RemoteError(Exception):
    """The remote object raised, or its process ended; the message says what happened."""


class Remote:
    """Starts a process that makes an object and calls its methods.

    Args:
        make: called in the process; it and all arguments and results must be picklable. What it
            makes must have a method ``close``.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._connection, child = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(child, make), daemon=True)
        self._process.start()
        child.close()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, name: str, *arguments: Any) -> None:
        """Call a method and do not wait for it."""
        # A process that has ended left its reason, which `result` reads.
        with contextlib.suppress(ConnectionError):
            self._connection.send((name, arguments))

    def ready(self, timeout: float) -> bool:
        """Wait at most so many seconds; whether `result` would return at once."""
        return self._connection.poll(timeout)

    def result(self) -> Any:
        """What the method returned that was started first.

        Raises:
            RemoteError: it raised, or the process has ended.
        """
        try:
            succeeded, value = self._connection.recv()
        except (EOFError, ConnectionError):
            raise RemoteError("the process ended") from None
        if not succeeded:
            raise RemoteError(value)
        return value

    def call(self, name: str, *arguments: Any) -> Any:
        """`start` and `result`."""
        self.start(name, *arguments)
        return self.result()

    def close(self) -> None:
        """Close the object and end the process, by force if it does not."""
        if self._closed:
            return
        self._closed = True
        self._connection.close()
        self._process.join(_STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _serve(connection: Connection, make: Callable[[], Any]) -> None:
    """Until the other side closes the connection."""
    # Control-C reaches the whole group; the parent then closes the connection.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    made: Any = None
    try:
        made = make()
        while True:
            name, arguments = connection.recv()
            connection.send(_called(made, name, arguments))
    except (EOFError, ConnectionError):
        return
    except Exception as error:  # noqa: BLE001 - told to the parent, whatever it is
        with contextlib.suppress(ConnectionError):
            connection.send((False, f"{type(error).__name__}: {error}"))
    finally:
        if made is not None:
            made.close()
        connection.close()


def _called(made: Any, name: str, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, getattr(made, name)(*arguments)
    except Exception as error:  # noqa: BLE001 - the same
        return False, f"{type(error).__name__}: {error}"
