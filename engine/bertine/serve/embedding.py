"""EmbeddingService."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from bertine.artifact import Manifest
from bertine.config import Limits, ServeConfig
from bertine.encode.lanes import Lane
from bertine.encode.request import Embedded
from bertine.encode.vectors import truncate_dimensions
from bertine.errors import InvalidInput, NotFound, Overloaded
from bertine.serve.calls import Context, Gate, deadline_of, gated, timings
from bertine.types import InputType, StageTimes
from bertine.v1 import common_pb2, embedding_pb2, embedding_pb2_grpc
from bertine.wire.items import check_count, check_text
from bertine.wire.values import encoding_from_wire, fill_vectors

STREAM_WINDOW = 4
"""Requests of one stream that are under way at once: enough to keep the encoder busy."""

INTERACTIVE_INPUTS = 8
"""A request of more is bulk work, unless it says otherwise."""

_LANES: dict[int, Lane] = {
    common_pb2.PRIORITY_INTERACTIVE: "interactive",
    common_pb2.PRIORITY_BULK: "bulk",
}
_INPUT_TYPES: dict[int, InputType] = {
    common_pb2.INPUT_TYPE_UNSPECIFIED: "none",
    common_pb2.INPUT_TYPE_QUERY: "query",
    common_pb2.INPUT_TYPE_DOCUMENT: "document",
}


class TextEncoder(Protocol):
    """What encodes: `bertine.encode.encoder.Encoder`, or a front's connection to one."""

    @property
    def manifest(self) -> Manifest:
        """Of the model."""

    @property
    def dimensions(self) -> int:
        """Of a vector."""

    async def embed(
        self,
        texts: Sequence[str] | None = None,
        token_ids: Sequence[Sequence[int]] | None = None,
        *,
        input_type: InputType = "none",
        truncate: bool = True,
        deadline: float | None = None,
        lane: Lane = "interactive",
    ) -> Embedded:
        """See `bertine.encode.encoder.Encoder.embed`."""


class Embedder(Protocol):
    """What this service stands on: a whole engine, or a front."""

    @property
    def encoder(self) -> TextEncoder:
        """Texts to vectors."""

    @property
    def config(self) -> ServeConfig:
        """Its limits are told to callers."""


_E = TypeVar("_E", bound=Embedder)


class EmbeddingServicer(embedding_pb2_grpc.EmbeddingServiceServicer, Generic[_E]):
    """Texts to vectors.

    Attributes:
        gate: of the server.
    """

    def __init__(self, gate: Gate[_E]) -> None:
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
                answer = self._embed_patiently(request, deadline_of(context))
                pending.append(asyncio.create_task(answer))
                if len(pending) >= STREAM_WINDOW:
                    await context.write(await pending.popleft())
            while pending:
                await context.write(await pending.popleft())
        finally:
            for task in pending:
                task.cancel()

    async def _embed_patiently(
        self, request: embedding_pb2.EmbedRequest, deadline: float | None
    ) -> embedding_pb2.EmbedResponse:
        """Where a call would be refused, a stream waits: its flow control holds its client back."""
        while True:
            try:
                return await self._embed(request, deadline)
            except Overloaded as error:
                pause = error.retry_after
                if deadline is not None and time.monotonic() + pause >= deadline:
                    raise
            await asyncio.sleep(pause)

    async def _embed(
        self, request: embedding_pb2.EmbedRequest, deadline: float | None
    ) -> embedding_pb2.EmbedResponse:
        started = time.perf_counter()
        encoder = self.gate.engine.encoder
        texts = list(request.texts)
        _check(request, texts, encoder, self.gate.engine.config.limits)
        encoding = encoding_from_wire(request.encoding, "encoding")
        embedded = await encoder.embed(
            texts or None,
            [entry.ids for entry in request.token_ids] or None,
            input_type=_input_type(request.input_type),
            truncate=request.truncate if request.HasField("truncate") else True,
            deadline=deadline,
            lane=_lane(request.priority, len(texts) or len(request.token_ids)),
        )
        dimensions = request.dimensions or encoder.dimensions
        response = embedding_pb2.EmbedResponse(
            token_counts=embedded.token_counts.tolist(),
            truncated=embedded.truncated,
            model=encoder.manifest.name,
            timings=timings(_stages(embedded), started),
        )
        vectors = truncate_dimensions(embedded.vectors, dimensions)
        fill_vectors(response.vectors, vectors, encoding)
        return response


def _check(
    request: embedding_pb2.EmbedRequest, texts: list[str], encoder: TextEncoder, limits: Limits
) -> None:
    name = encoder.manifest.name
    if request.model and request.model != name:
        raise NotFound("model", request.model, f"this server has {name!r}")
    if texts and request.token_ids:
        raise InvalidInput("token_ids", "are set beside texts; send one of the two")
    field, what = ("token_ids", "inputs") if request.token_ids else ("texts", "texts")
    check_count(len(texts) or len(request.token_ids), limits.max_inputs, field, what)
    for position, text in enumerate(texts):
        # The field's name takes longer to compose than these to ask.
        if not text or text.isspace() or len(text) * 4 > limits.max_text_bytes:
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


def _lane(priority: int, inputs: int) -> Lane:
    if priority == common_pb2.PRIORITY_UNSPECIFIED:
        return "interactive" if inputs <= INTERACTIVE_INPUTS else "bulk"
    lane = _LANES.get(priority)
    if lane is None:
        raise InvalidInput("priority", f"is {priority}; known are INTERACTIVE (1) and BULK (2)")
    return lane


def _stages(embedded: Embedded) -> StageTimes:
    return StageTimes(
        tokenize=embedded.tokenize_seconds,
        queue=embedded.queue_seconds,
        encode=embedded.encode_seconds,
    )
