"""One contract, three protocols: each against a small server that speaks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
import numpy as np
import pytest
from aiohttp import web

from benchmarks.load.contract import (
    STAGES,
    Outcome,
    Target,
    TargetSpec,
    UnexpectedAnswerError,
)
from benchmarks.load.proto import open_inference_pb2 as kserve_pb
from benchmarks.load.targets import open_target
from bertine.types import Matrix
from bertine.v1 import common_pb2, embedding_pb2, recommendation_pb2
from bertine.wire.values import vectors_to_wire

OVERLOAD, SLOW, BROKEN = "overload", "slow", "broken"
"""Texts on which the small servers do as the word says."""

EMBED = "/bertine.v1.EmbeddingService/Embed"
SEARCH = "/bertine.v1.RecommendationService/Search"
INFER = "/inference.GRPCInferenceService/ModelInfer"

Opened: TypeAlias = Any


def vector_of(text: str) -> list[float]:
    """Tells texts apart, and is exact in every protocol."""
    return [float(len(text)), 1.0, 0.5]


def vectors_of(texts: Sequence[str]) -> Matrix:
    return np.array([vector_of(text) for text in texts], np.float32)


class GrpcService(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Bertine's and KServe's methods."""

    def service(self, details: Any) -> Any:
        methods = {EMBED: self.embed, SEARCH: self.search, INFER: self.infer}
        return grpc.unary_unary_rpc_method_handler(methods[details.method])

    async def behave(self, texts: Sequence[str], context: Any) -> None:
        if SLOW in texts:
            await asyncio.Event().wait()
        codes = {OVERLOAD: "RESOURCE_EXHAUSTED", BROKEN: "INTERNAL"}
        for text in texts:
            if text in codes:
                await context.abort(grpc.StatusCode[codes[text]], f"told to: {text}")

    async def embed(self, payload: bytes, context: Any) -> bytes:
        request = embedding_pb2.EmbedRequest.FromString(payload)
        await self.behave(request.texts, context)
        response = embedding_pb2.EmbedResponse(
            vectors=vectors_to_wire(vectors_of(request.texts)),
            timings=common_pb2.Timings(queue_us=1_500, total_us=2_000),
        )
        return bytes(response.SerializeToString())

    async def search(self, payload: bytes, context: Any) -> bytes:
        request = recommendation_pb2.SearchRequest.FromString(payload)
        await self.behave([query.text for query in request.queries], context)
        assert request.collection == "books"
        timings = common_pb2.Timings(search_us=300)
        return bytes(recommendation_pb2.SearchResponse(timings=timings).SerializeToString())

    async def infer(self, payload: bytes, context: Any) -> bytes:
        request = kserve_pb.ModelInferRequest.FromString(payload)
        (tensor,) = request.inputs
        texts = [text.decode() for text in tensor.contents.bytes_contents]
        assert (tensor.name, tensor.datatype, list(tensor.shape)) == ("text", "BYTES", [len(texts)])
        await self.behave(texts, context)
        return infer_response(vectors_of(texts), raw=request.model_name == "raw")


def infer_response(vectors: Matrix, *, raw: bool) -> bytes:
    tensor = kserve_pb.ModelInferResponse.InferOutputTensor(
        name="embedding", datatype="FP32", shape=vectors.shape
    )
    response = kserve_pb.ModelInferResponse(outputs=[tensor])
    if raw:
        response.raw_output_contents.append(vectors.tobytes())
    else:
        response.outputs[0].contents.fp32_contents.extend(vectors.ravel().tolist())
    return bytes(response.SerializeToString())


@asynccontextmanager
async def grpc_server() -> AsyncIterator[str]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((GrpcService(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


async def http_embeddings(request: web.Request) -> web.Response:
    content = await request.json()
    texts = content["input"]
    if SLOW in texts:
        await asyncio.Event().wait()
    for text, status in ((OVERLOAD, 429), (BROKEN, 500)):
        if text in texts:
            return web.Response(status=status, text=f"told to: {text}")
    entries = [{"index": at, "embedding": vector_of(text)} for at, text in enumerate(texts)]
    # The order is not promised, the index is.
    return web.json_response({"data": entries[::-1], "model": content["model"]})


@asynccontextmanager
async def http_server() -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/v1/embeddings", http_embeddings)
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"{host}:{port}"
    await runner.cleanup()


SPECS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "bertine": (grpc_server, {"protocol": "bertine"}),
    "bertine, several connections": (grpc_server, {"protocol": "bertine", "connections": 3}),
    "kserve": (grpc_server, {"protocol": "kserve", "model": "m"}),
    "kserve, raw": (grpc_server, {"protocol": "kserve", "model": "raw"}),
    "openai": (http_server, {"protocol": "openai", "model": "m"}),
}


@pytest.fixture(params=SPECS)
async def target(request: pytest.FixtureRequest) -> AsyncIterator[Target]:
    serve, options = SPECS[request.param]
    async with serve() as address, opened(address, **options) as made:
        yield made


@asynccontextmanager
async def opened(address: str, **options: Any) -> AsyncIterator[Target]:
    made = open_target(TargetSpec(address=address, **options))
    try:
        yield made
    finally:
        await made.close()


async def test_vectors_come_in_the_texts_order(target: Target) -> None:
    texts = ["a", "four", "Größe", "x" * 40]
    answer = await target.send(texts)
    assert (answer.outcome, answer.detail) == (Outcome.OK, "")
    np.testing.assert_array_equal(target.vectors(answer.payload), vectors_of(texts))


async def test_outcomes_are_told_apart(target: Target) -> None:
    refused = await target.send([OVERLOAD])
    assert refused.outcome is Outcome.REJECTED
    assert "told to: overload" in refused.detail
    broken = await target.send([BROKEN])
    assert broken.outcome is Outcome.FAILED
    assert "told to: broken" in broken.detail
    assert not broken.payload
    assert (await target.send([SLOW], timeout=0.05)).outcome is Outcome.LATE


async def test_a_call_can_be_given_up(target: Target) -> None:
    call = asyncio.create_task(target.send([SLOW]))
    await target.send(["the connection is up"])
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await target.send(["still works"])).outcome is Outcome.OK


async def test_many_calls_at_once_get_their_own_answers(target: Target) -> None:
    texts = ["x" * (number + 1) for number in range(64)]
    calls: list[Awaitable[Any]] = [target.send([text]) for text in texts]
    for text, answer in zip(texts, await asyncio.gather(*calls), strict=True):
        np.testing.assert_array_equal(target.vectors(answer.payload), vectors_of([text]))


async def test_bertine_tells_its_stages() -> None:
    async with grpc_server() as address, opened(address, protocol="bertine") as target:
        stages = target.stages((await target.send(["a"])).payload)
    assert stages is not None
    told = dict(zip(STAGES, stages, strict=True))
    assert (told["queue"], told["total"], told["encode"]) == (0.0015, 0.002, 0.0)


async def test_a_search_is_timed_but_has_no_vectors() -> None:
    options = {"protocol": "bertine-search", "collection": "books"}
    async with grpc_server() as address, opened(address, **options) as target:
        answer = await target.send(["a", "b"])
        assert answer.outcome is Outcome.OK
        assert (target.stages(answer.payload) or ())[STAGES.index("search")] == 0.0003
        with pytest.raises(UnexpectedAnswerError, match="not vectors"):
            target.vectors(answer.payload)


async def test_other_protocols_do_not_tell_stages() -> None:
    async with http_server() as address, opened(address, protocol="openai") as target:
        assert target.stages((await target.send(["a"])).payload) is None


@pytest.mark.parametrize(
    "payload", [b"{}", b"[1]", b"not json", json.dumps({"data": [{}]}).encode()]
)
async def test_an_http_answer_without_vectors_is_named(payload: bytes) -> None:
    async with opened("127.0.0.1:1", protocol="openai") as target:
        with pytest.raises(UnexpectedAnswerError, match="no embeddings"):
            target.vectors(payload)


async def test_a_kserve_answer_of_another_form_is_named() -> None:
    async with opened("127.0.0.1:1", protocol="kserve", output_name="other") as target:
        with pytest.raises(UnexpectedAnswerError, match=r"no output 'other' among \['embedding'\]"):
            target.vectors(infer_response(vectors_of(["a"]), raw=True))
    async with opened("127.0.0.1:1", protocol="kserve") as target:
        flat = vectors_of(["a"]).ravel()
        with pytest.raises(UnexpectedAnswerError, match=r"FP32 \[3\], not FP32 \[n, d\]"):
            target.vectors(infer_response(flat, raw=True))


@pytest.mark.parametrize("protocol", ["bertine", "openai"])
async def test_nobody_there_is_a_failure(protocol: str) -> None:
    async with opened("127.0.0.1:1", protocol=protocol) as target:
        answer = await target.send(["a"], timeout=5)
    assert answer.outcome is Outcome.FAILED
    assert answer.detail
