"""Methods that a front takes and the engine's process answers: their messages are not opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import grpc

from bertine.errors import BertineError, Unauthenticated
from bertine.serve.callers.keys import header_of
from bertine.serve.calls import Context, deadline_of
from bertine.serve.front.channel import Channel
from bertine.serve.front.frames import CallBody, Kind, pack_call
from bertine.serve.importing import import_stream
from bertine.serve.status import end
from bertine.v1 import catalog_pb2, index_pb2, recommendation_pb2, server_pb2

NO_KEY = "none"
"""Header of another scheme than that of keys: refused by whoever wants one."""

_IMPORT = "ImportItems"
_FORWARDED = tuple(
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (catalog_pb2, "CatalogService"),
        (recommendation_pb2, "RecommendationService"),
        (index_pb2, "IndexService"),
        (server_pb2, "ServerService"),
    )
)

_Answer: TypeAlias = Callable[[CallBody, Any], Awaitable[Any]]


class Forwarder:
    """Passes calls on.

    Args:
        channel: to the engine.
        under_way: counts a call while it is entered.
    """

    def __init__(
        self, channel: Channel, under_way: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._channel = channel
        self._under_way = under_way

    def register(self, server: grpc.aio.Server) -> None:
        """Add every method but those of EmbeddingService."""
        for service in _FORWARDED:
            path = f"/{service.full_name}/"
            handlers = {
                method.name: self._handler(path + method.name) for method in service.methods
            }
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service.full_name, handlers),)
            )
            server.add_registered_method_handlers(service.full_name, handlers)

    def _handler(self, path: str) -> grpc.RpcMethodHandler:
        if path.endswith(_IMPORT):
            return grpc.stream_unary_rpc_method_handler(
                self._method(path, self._import),
                request_deserializer=catalog_pb2.ImportItemsRequest.FromString,
                response_serializer=catalog_pb2.ImportItemsResponse.SerializeToString,
            )
        return grpc.unary_unary_rpc_method_handler(self._method(path, self._ask))

    def _method(self, path: str, answer: _Answer) -> Callable[[Any, Context], Awaitable[Any]]:
        async def method(request: Any, context: Context) -> Any:
            try:
                with self._under_way():
                    call = CallBody(deadline_of(context), path, b"", _header(context))
                    return await answer(call, request)
            except BertineError as error:
                end(context, error)
                return None

        return method

    async def _ask(self, call: CallBody, request: bytes) -> bytes:
        return await self._channel.ask(Kind.CALL, pack_call(call._replace(request=request)))

    async def _import(
        self, call: CallBody, requests: AsyncIterator[catalog_pb2.ImportItemsRequest]
    ) -> catalog_pb2.ImportItemsResponse:
        """Send each message as a stream of its own; the engine commits batch by batch anyway."""

        async def one(
            request: catalog_pb2.ImportItemsRequest,
        ) -> catalog_pb2.ImportItemsResponse:
            answer = await self._ask(call, request.SerializeToString())
            return catalog_pb2.ImportItemsResponse.FromString(answer)

        return await import_stream(requests, one)


def _header(context: Context) -> str:
    """What the engine is told; whether a header that holds no key is wrong, is for it to say."""
    try:
        return header_of(context.invocation_metadata())
    except Unauthenticated:
        return NO_KEY
