"""A front's encoder: tokenizes here, encodes in the engine's process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bertine.artifact import Artifact, Manifest
from bertine.encode.lanes import Lane
from bertine.encode.request import Embedded, Request
from bertine.encode.tokenizer import Tokenizer
from bertine.encode.tokens import Tokens
from bertine.errors import DeadlineExceeded
from bertine.serve.front.channel import Channel
from bertine.serve.front.frames import EmbedBody, Kind, pack_embed, unpack_vectors
from bertine.types import InputType


class FrontEncoder:
    """What `bertine.serve.embedding` asks for vectors in a front.

    Args:
        artifact: the engine's.
        channel: to the engine.

    Attributes:
        manifest: of the model.
        dimensions: of a vector.
    """

    def __init__(self, artifact: Artifact, channel: Channel) -> None:
        self.manifest: Manifest = artifact.manifest
        self.dimensions = self.manifest.dimensions
        self._channel = channel
        self._tokenizer = Tokenizer(
            artifact.tokenizer_path,
            max_length=self.manifest.max_length,
            vocab_size=self.manifest.vocab_size,
            prompts=self.manifest.prompts,
        )
        # One thread: a front has one core's worth of work, and long requests must not hold up
        # its event loop.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="bertine-tokenizer")

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
        request = Request(self._tokenizer, texts, token_ids, input_type, truncate=truncate)
        started = time.perf_counter()
        tokens = await self._tokenize(request)
        seconds = time.perf_counter() - started
        if deadline is not None and deadline <= time.monotonic():
            raise DeadlineExceeded("the deadline passed while the request was tokenized")
        body = pack_embed(EmbedBody(deadline, lane, [entry.ids for entry in tokens]))
        answer = unpack_vectors(await self._channel.ask(Kind.EMBED, body))
        return Embedded(
            vectors=answer.vectors,
            token_counts=np.fromiter((entry.length for entry in tokens), np.int32, len(tokens)),
            truncated=tuple(place for place, entry in enumerate(tokens) if entry.truncated),
            tokenize_seconds=seconds,
            queue_seconds=answer.queue_seconds,
            encode_seconds=answer.encode_seconds,
        )

    async def _tokenize(self, request: Request) -> list[Tokens]:
        tokens: list[Tokens] = []
        loop = asyncio.get_running_loop()
        for part in request.parts():
            if request.short:
                tokens += request.tokenize(part).tokens
            else:
                done = await loop.run_in_executor(self._pool, request.tokenize, part)
                tokens += done.tokens
        return tokens
