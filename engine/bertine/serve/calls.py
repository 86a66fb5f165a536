"""What every call has in common: its clock, its deadline, its errors, its metrics."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import grpc

from bertine.defects import described
from bertine.errors import BertineError, Unavailable
from bertine.serve.callers.admission import Admission, told_to
from bertine.serve.status import code_of, end
from bertine.types import StageTimes
from bertine.v1 import common_pb2

_log = logging.getLogger("bertine.calls")

Context: TypeAlias = grpc.aio.ServicerContext

Record: TypeAlias = Callable[[str, str, float, str], None]
"""Told of every call that has ended: method, gRPC code, seconds, name of the caller or ""."""

_E = TypeVar("_E")
_T = TypeVar("_T")
_Method: TypeAlias = Callable[[Any, Any, Context], Coroutine[Any, Any, _T]]

# grpcio says None where a call has no deadline, pygrpc-native a number beyond all ages.
_NO_DEADLINE = 1e9


class Gate(Generic[_E]):
    """Lets calls in while the server is up, and records how each ended.

    Args:
        record: see `Record`.

    Attributes:
        in_flight: calls under way.
        admission: says who may call what; at first, everybody everything.
    """

    def __init__(self, record: Record) -> None:
        self.in_flight = 0
        self.admission = Admission()
        self._idle = asyncio.Event()
        self._idle.set()
        self._record = record
        self._engine: _E | None = None
        self._closed = False

    def open(self, engine: _E) -> None:
        """Let calls in from now on."""
        self._engine = engine

    def close(self) -> None:
        """Let no more calls in; those that are in go on."""
        self._closed = True

    async def drained(self, seconds: float) -> None:
        """Return once no call is under way, or after some seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """Count a call, also one that does not come through here."""
        self.in_flight += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self._idle.set()

    @property
    def opened(self) -> bool:
        """Whether calls are let in, or were."""
        return self._engine is not None

    @property
    def engine(self) -> _E:
        """What answers the calls.

        Raises:
            Unavailable: the server is still starting.
        """
        if self._engine is None:
            raise Unavailable("the server is starting; call again in a few seconds")
        return self._engine

    async def run(
        self, method: _Method[_T], servicer: Any, request: Any, context: Context
    ) -> _T | None:
        """Run one call; its errors become statuses, and None is returned."""
        started = time.perf_counter()
        code, caller = grpc.StatusCode.OK, None
        try:
            with self.under_way():
                self._admit()
                caller = self.admission.who(context.invocation_metadata)
                self.admission.admit(caller, method.__name__, request)
                return await method(servicer, request, context)
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            told = told_to(caller, known(error, method.__name__))
            code = code_of(told)
            end(context, told)
            return None
        finally:
            name = caller.name if caller else ""
            self._ended(method.__name__, code.name, time.perf_counter() - started, name)

    def _admit(self) -> None:
        if self._closed:
            raise Unavailable("the server is shutting down; call another one, or this one later")

    def _ended(self, name: str, code: str, seconds: float, caller: str) -> None:
        self._record(name, code, seconds, caller)
        if _log.isEnabledFor(logging.DEBUG):
            extra = {"method": name, "code": code, "milliseconds": round(seconds * 1e3, 3)}
            _log.debug("call", extra=extra | ({"caller": caller} if caller else {}))


def known(error: Exception, name: str) -> BertineError:
    """The error to tell the caller of a method: a defect's place goes to the log, not to him."""
    if isinstance(error, BertineError):
        # It holds the frames it passed through, and some of them hold it: the request and all that
        # was made of it would stay until the collector comes by, which then stops everything.
        error.__traceback__ = None
        return error
    # Not its message, which could hold what the caller sent.
    _log.error("call failed", extra={"method": name, **described(error)})
    return BertineError("internal error; the server's log has the details")


class Gated(Protocol):
    """A servicer that has a gate."""

    gate: Gate[Any]


def gated(method: _Method[_T]) -> _Method[_T]:
    """A servicer's method, run by its gate. A streaming method writes to the context."""

    @functools.wraps(method)
    async def call(self: Gated, request: Any, context: Context) -> Any:
        return await self.gate.run(method, self, request, context)

    return call


def deadline_of(context: Context) -> float | None:
    """The call's deadline as a reading of `time.monotonic`, None if it has none."""
    remaining = context.time_remaining()
    if remaining is None or remaining > _NO_DEADLINE:
        return None
    return time.monotonic() + float(remaining)


def timings(times: StageTimes, started: float) -> common_pb2.Timings:
    """Stage times as a message; `started` is the reading of `time.perf_counter` at arrival."""
    return common_pb2.Timings(
        tokenize_us=round(times.tokenize * 1e6),
        queue_us=round(times.queue * 1e6),
        encode_us=round(times.encode * 1e6),
        search_us=round(times.search * 1e6),
        storage_us=round(times.storage * 1e6),
        total_us=round((time.perf_counter() - started) * 1e6),
    )
