"""What a call that is refused leaves behind."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from bertine.config import Transport
from bertine.errors import Overloaded
from bertine.serve.calls import Gate, gated
from bertine.serve.transport import Edge
from bertine.v1 import embedding_pb2, embedding_pb2_grpc

CALLS = 20


class Refusing(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Refuses every call with an error that the frame holds from which it is raised."""

    def __init__(self) -> None:
        self.gate: Gate[Any] = Gate(lambda *_: None)
        self.errors: list[weakref.ref[Overloaded]] = []

    @gated
    async def Embed(self, _request: object, _context: object) -> None:  # noqa: N802 - its name
        error = Overloaded("full", 1.0)
        self.errors.append(weakref.ref(error))
        raise error


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("transport", ["grpc", "native"])
async def test_a_refusal_leaves_nothing_for_the_collector(transport: Transport) -> None:
    edge, servicer = Edge(transport, 1_000), Refusing()
    embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(servicer, edge.grpc)
    port = edge.listen("127.0.0.1:0")
    await edge.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = embedding_pb2_grpc.EmbeddingServiceStub(channel)
        for _ in range(CALLS):
            with pytest.raises(grpc.aio.AioRpcError, match="full"):
                await stub.Embed(embedding_pb2.EmbedRequest(texts=["a"]))
    await edge.stop(0)
    assert [error() for error in servicer.errors] == [None] * CALLS
