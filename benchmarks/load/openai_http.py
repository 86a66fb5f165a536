"""OpenAI's embeddings over HTTP, as most servers of encoders speak it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus

import numpy as np

from benchmarks.load.contract import Answer, Outcome, Target, TargetSpec, UnexpectedAnswerError
from benchmarks.load.http1 import Pool, Reply
from bertine.types import Matrix

_OUTCOMES: dict[int, Outcome] = {
    HTTPStatus.OK: Outcome.OK,
    HTTPStatus.TOO_MANY_REQUESTS: Outcome.REJECTED,
    HTTPStatus.SERVICE_UNAVAILABLE: Outcome.REJECTED,
    HTTPStatus.REQUEST_TIMEOUT: Outcome.LATE,
    HTTPStatus.GATEWAY_TIMEOUT: Outcome.LATE,
}
_DETAIL = 200


class OpenAI(Target):
    """``POST /v1/embeddings``. Connections are made as calls need them, and kept.

    Args:
        spec: address and model.
    """

    def __init__(self, spec: TargetSpec) -> None:
        self._spec = spec
        self._pool = Pool(spec.address, "/v1/embeddings")

    def pack(self, texts: Sequence[str]) -> bytes:
        """See `Target.pack`."""
        content = {"input": list(texts), "model": self._spec.model, "encoding_format": "float"}
        return json.dumps(content, ensure_ascii=False).encode()

    async def post(self, request: bytes, timeout: float) -> Answer:  # noqa: ASYNC109 - see Target
        """See `Target.post`."""
        try:
            return _answer(await self._pool.post(request, timeout))
        except TimeoutError:
            return Answer(Outcome.LATE, b"", f"no answer within {timeout:g} s")
        except OSError as error:
            return Answer(Outcome.FAILED, b"", f"{type(error).__name__}: {error}")

    def vectors(self, payload: bytes) -> Matrix:
        """See `Target.vectors`."""
        try:
            entries = sorted(json.loads(payload)["data"], key=lambda entry: entry["index"])
            return np.array([entry["embedding"] for entry in entries], np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise UnexpectedAnswerError(f"no embeddings: {payload[:_DETAIL]!r}") from error

    async def close(self) -> None:
        """See `Target.close`."""
        self._pool.close()


def _answer(reply: Reply) -> Answer:
    outcome = _OUTCOMES.get(reply.status, Outcome.FAILED)
    if outcome is Outcome.OK:
        return Answer(outcome, reply.body)
    detail = reply.body[:_DETAIL].decode(errors="replace")
    return Answer(outcome, b"", f"HTTP {reply.status}: {detail}")
