"""What every call has in common: its clock, its deadline, its errors, its metrics."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeAlias, TypeVar

import grpc

from bertine.engine import Engine
from bertine.errors import BertineError, Unavailable
from bertine.serve.metrics import Metrics
from bertine.serve.status import abort, code_of
from bertine.types import StageTimes
from bertine.v1 import common_pb2

_log = logging.getLogger("bertine.calls")

Context: TypeAlias = grpc.aio.ServicerContext

_T = TypeVar("_T")


class Gate:
    """Lets calls in while the server is up, and records how each ended.

    Attributes:
        metrics: where they are recorded.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._engine: Engine | None = None
        self._closed = False

    def open(self, engine: Engine) -> None:
        """Let calls in from now on."""
        self._engine = engine

    def close(self) -> None:
        """Let no more calls in; those that are in go on."""
        self._closed = True

    @property
    def engine(self) -> Engine:
        """What answers the calls.

        Raises:
            Unavailable: the server is still starting.
        """
        if self._engine is None:
            raise Unavailable("the server is starting; call again in a few seconds")
        return self._engine

    async def run(self, name: str, context: Context, call: Callable[[], Awaitable[_T]]) -> _T:
        """Run one call; its errors become statuses."""
        started = time.perf_counter()
        code = grpc.StatusCode.OK
        self.metrics.in_flight.inc()
        try:
            self._admit()
            return await call()
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        except Exception as error:
            known = _known(error, name)
            code = code_of(known)
            raise await abort(context, known) from error
        finally:
            self.metrics.in_flight.dec()
            self._record(name, code, time.perf_counter() - started)

    def _admit(self) -> None:
        if self._closed:
            raise Unavailable("the server is shutting down; call another one, or this one later")

    def _record(self, name: str, code: grpc.StatusCode, seconds: float) -> None:
        self.metrics.call(name, code.name, seconds)
        if _log.isEnabledFor(logging.DEBUG):
            extra = {"method": name, "code": code.name, "milliseconds": round(seconds * 1e3, 3)}
            _log.debug("call", extra=extra)


def _known(error: Exception, name: str) -> BertineError:
    """The error to tell the caller: a defect's details go to the log, not over the wire."""
    if isinstance(error, BertineError):
        return error
    _log.exception("call failed", extra={"method": name})
    return BertineError("internal error; the server's log has the details")


class Gated(Protocol):
    """A servicer that has a gate."""

    gate: Gate


_Method: TypeAlias = Callable[[Any, Any, Context], Coroutine[Any, Any, _T]]


def gated(method: _Method[_T]) -> _Method[_T]:
    """A servicer's method, run by its gate. A streaming method writes to the context."""

    @functools.wraps(method)
    async def call(self: Gated, request: Any, context: Context) -> _T:
        run = functools.partial(method, self, request, context)
        return await self.gate.run(method.__name__, context, run)

    return call


def deadline_of(context: Context) -> float | None:
    """The call's deadline as a reading of `time.monotonic`, None if it has none."""
    remaining = context.time_remaining()
    return None if remaining is None else time.monotonic() + float(remaining)


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
