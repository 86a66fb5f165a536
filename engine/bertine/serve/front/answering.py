"""The engine's end of a front's socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeAlias, cast

import grpc
from google.protobuf.message import DecodeError

from bertine.encode.tokens import Tokens
from bertine.engine import Engine
from bertine.errors import BertineError
from bertine.serve.callers.keys import HEADER
from bertine.serve.calls import Context, Gate, known
from bertine.serve.front.frames import (
    Frame,
    Kind,
    VectorsBody,
    pack_vectors,
    unpack_call,
    unpack_embed,
)
from bertine.serve.front.link import Link
from bertine.serve.status import details_of

_Answer: TypeAlias = Callable[[Frame], Coroutine[Any, Any, Frame]]


class Methods:
    """Servicers' methods by path; servicers are added as to a gRPC server."""

    def __init__(self) -> None:
        self.by_path: dict[str, grpc.RpcMethodHandler] = {}

    def add_generic_rpc_handlers(self, _handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Generated code adds everything twice; the other way is the one with names."""

    def add_registered_method_handlers(
        self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler]
    ) -> None:
        """See `grpc.aio.Server`."""
        for name, handler in handlers.items():
            self.by_path[f"/{service}/{name}"] = handler


class FrontContext:
    """As much of a gRPC context as our servicers use, for a call that came through a front.

    Attributes:
        status: the google.rpc.Status, serialized, of a call that ended with an error; or b"".
    """

    def __init__(self, deadline: float | None, header: str) -> None:
        self.status = b""
        self._deadline = deadline
        self._header = header

    def time_remaining(self) -> float | None:
        """Seconds until the deadline."""
        if self._deadline is None:
            return None
        return self._deadline - asyncio.get_running_loop().time()

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """The call's authorization, if it has one."""
        return ((HEADER, self._header),) if self._header else ()

    def set_code(self, _code: grpc.StatusCode) -> None:
        """The status has it, too."""

    def set_details(self, _details: str) -> None:
        """The status has them, too."""

    def set_trailing_metadata(self, metadata: Sequence[tuple[str, bytes]]) -> None:
        """How the call ends, see `bertine.serve.status.end`."""
        ((_, self.status),) = metadata


class Answering:
    """Answers the calls of one front.

    Args:
        gate: of the engine.
        methods: that fronts pass on.
        on_order: called with frames that are no calls.
        on_lost: called once when the front is gone; its work is dropped by then.

    Attributes:
        link: to the front.
    """

    def __init__(
        self,
        gate: Gate[Engine],
        methods: Methods,
        on_order: Callable[[Frame], None],
        on_lost: Callable[[], None],
    ) -> None:
        self.link = Link(self._on_frame, self._on_lost)
        self._gate = gate
        self._methods = methods
        self._on_order = on_order
        self._on_front_lost = on_lost
        self._work: dict[int, asyncio.Task[None]] = {}
        self._embeds = 0

    @property
    def embeds_in_flight(self) -> int:
        """Calls of EmbeddingService under way; the gate counts the others."""
        return self._embeds

    def _on_frame(self, frame: Frame) -> None:
        if frame.kind == Kind.EMBED:
            self._begin(frame, self._embed)
        elif frame.kind == Kind.CALL:
            self._begin(frame, self._call)
        elif frame.kind == Kind.CANCEL:
            if (work := self._work.get(frame.call)) is not None:
                work.cancel()
        else:
            self._on_order(frame)

    def _begin(self, frame: Frame, answer: _Answer) -> None:
        work = asyncio.create_task(self._run(frame, answer))
        self._work[frame.call] = work
        # Not at the end of the task: one that is cancelled at once never begins.
        work.add_done_callback(lambda _: self._work.pop(frame.call))

    async def _run(self, frame: Frame, answer: _Answer) -> None:
        try:
            self.link.send(await answer(frame))
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody must wait for ever
            status = details_of(known(error, Kind(frame.kind).name))
            self.link.send(Frame(Kind.ERROR, frame.call, status.SerializeToString()))

    async def _embed(self, frame: Frame) -> Frame:
        self._embeds += 1
        try:
            body = unpack_embed(frame.body)
            embedded = await self._gate.engine.encoder.embed(
                token_ids=[Tokens(ids) for ids in body.ids],
                deadline=body.deadline,
                lane=body.lane,
            )
        finally:
            self._embeds -= 1
        vectors = VectorsBody(embedded.queue_seconds, embedded.encode_seconds, embedded.vectors)
        return Frame(Kind.VECTORS, frame.call, pack_vectors(vectors))

    async def _call(self, frame: Frame) -> Frame:
        deadline, path, raw, header = unpack_call(frame.body)
        handler = self._methods.by_path[path]
        try:
            request = handler.request_deserializer(raw)
        except DecodeError as error:
            raise BertineError("the request cannot be read; is it of this method?") from error
        told = FrontContext(deadline, header)
        context = cast("Context", told)
        if handler.request_streaming:
            response = await handler.stream_unary(_stream_of(request), context)
        else:
            response = await handler.unary_unary(request, context)
        if told.status:
            return Frame(Kind.ERROR, frame.call, told.status)
        return Frame(Kind.ANSWER, frame.call, handler.response_serializer(response))

    def _on_lost(self) -> None:
        for work in self._work.values():
            work.cancel()
        self._on_front_lost()


async def _stream_of(request: Any) -> AsyncIterator[Any]:
    yield request
