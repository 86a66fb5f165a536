"""EmbeddingService."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from bertine.config import Limits
from bertine.encode.encoder import Encoder
from bertine.encode.request import Embedded
from bertine.encode.vectors import truncate_dimensions
from bertine.errors import InvalidInput, NotFound
from bertine.serve.calls import Context, Gate, deadline_of, gated, timings
from bertine.types import InputType, StageTimes
from bertine.v1 import common_pb2, embedding_pb2, embedding_pb2_grpc
from bertine.wire.items import check_count, check_text
from bertine.wire.values import encoding_from_wire, vectors_to_wire

STREAM_WINDOW = 4
"""Requests of one stream that are under way at once: enough to keep the encoder busy."""

_INPUT_TYPES: dict[int, InputType] = {
    common_pb2.INPUT_TYPE_UNSPECIFIED: "none",
    common_pb2.INPUT_TYPE_QUERY: "query",
    common_pb2.INPUT_TYPE_DOCUMENT: "document",
}


class EmbeddingServicer(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Texts to vectors.

    Attributes:
        gate: of the server.
    """

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    @gated
    async def Embed(
        self, request: embedding_pb2.EmbedRequest, context: Context
    ) -> embedding_pb2.EmbedResponse:
        """See ``embedding.proto``."""
        return await self._embed(request, deadline_of(context))

    @gated
    async def EmbedStream(self, requests: object, context: Context) -> None:
        """See ``embedding.proto``."""
        pending: deque[asyncio.Task[embedding_pb2.EmbedResponse]] = deque()
        try:
            async for request in requests:  # type: ignore[attr-defined]
                answer = self._embed(request, deadline_of(context))
                pending.append(asyncio.create_task(answer))
                if len(pending) >= STREAM_WINDOW:
                    await context.write(await pending.popleft())
            while pending:
                await context.write(await pending.popleft())
        finally:
            for task in pending:
                task.cancel()

    async def _embed(
        self, request: embedding_pb2.EmbedRequest, deadline: float | None
    ) -> embedding_pb2.EmbedResponse:
        started = time.perf_counter()
        encoder = self.gate.engine.encoder
        _check(request, encoder, self.gate.engine.config.limits)
        encoding = encoding_from_wire(request.encoding, "encoding")
        embedded = await encoder.embed(
            list(request.texts) or None,
            [entry.ids for entry in request.token_ids] or None,
            input_type=_input_type(request.input_type),
            truncate=request.truncate if request.HasField("truncate") else True,
            deadline=deadline,
        )
        dimensions = request.dimensions or encoder.dimensions
        vectors = truncate_dimensions(embedded.vectors, dimensions)
        return embedding_pb2.EmbedResponse(
            vectors=vectors_to_wire(vectors, encoding),
            token_counts=embedded.token_counts.tolist(),
            truncated=embedded.truncated,
            model=encoder.manifest.name,
            timings=timings(_stages(embedded), started),
        )


def _check(request: embedding_pb2.EmbedRequest, encoder: Encoder, limits: Limits) -> None:
    name = encoder.manifest.name
    if request.model and request.model != name:
        raise NotFound("model", request.model, f"this server has {name!r}")
    if request.texts and request.token_ids:
        raise InvalidInput("token_ids", "are set beside texts; send one of the two")
    field, what = ("token_ids", "inputs") if request.token_ids else ("texts", "texts")
    check_count(len(request.texts) or len(request.token_ids), limits.max_inputs, field, what)
    for position, text in enumerate(request.texts):
        check_text(text, limits, f"texts[{position}]")
    if request.dimensions > encoder.dimensions:
        raise InvalidInput(
            "dimensions", f"is {request.dimensions}; the model's vectors have {encoder.dimensions}"
        )


def _input_type(number: int) -> InputType:
    input_type = _INPUT_TYPES.get(number)
    if input_type is None:
        raise InvalidInput("input_type", f"is {number}; known are QUERY (1) and DOCUMENT (2)")
    return input_type


def _stages(embedded: Embedded) -> StageTimes:
    return StageTimes(
        tokenize=embedded.tokenize_seconds,
        queue=embedded.queue_seconds,
        encode=embedded.encode_seconds,
    )
