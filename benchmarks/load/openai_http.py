"""OpenAI's embeddings over HTTP, as most servers of encoders speak it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus

import aiohttp
import numpy as np

from benchmarks.load.contract import Answer, Outcome, Target, TargetSpec, UnexpectedAnswerError
from bertine.types import Matrix

_HEADERS = {"Content-Type": "application/json"}
_OUTCOMES = {
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
        self._url = f"http://{spec.address}/v1/embeddings"
        # No limit: a call that waits for a connection would be counted against the server.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, headers=_HEADERS)

    def pack(self, texts: Sequence[str]) -> bytes:
        """See `Target.pack`."""
        content = {"input": list(texts), "model": self._spec.model, "encoding_format": "float"}
        return json.dumps(content, ensure_ascii=False).encode()

    async def post(self, request: bytes, timeout: float) -> Answer:  # noqa: ASYNC109 - see Target
        """See `Target.post`."""
        limit = aiohttp.ClientTimeout(total=timeout)
        try:
            async with self._session.post(self._url, data=request, timeout=limit) as response:
                return _answer(response.status, await response.read())
        except TimeoutError:
            return Answer(Outcome.LATE, b"", f"no answer within {timeout:g} s")
        except aiohttp.ClientError as error:
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
        await self._session.close()


def _answer(status: int, body: bytes) -> Answer:
    outcome = _OUTCOMES.get(HTTPStatus(status), Outcome.FAILED)
    if outcome is Outcome.OK:
        return Answer(outcome, body)
    return Answer(outcome, b"", f"HTTP {status}: {body[:_DETAIL].decode(errors='replace')}")
