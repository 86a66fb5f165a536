"""What the generator asks of a protocol, and nothing about any protocol."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple, TypeAlias

from bertine.types import Matrix

Protocol: TypeAlias = Literal[
    "bertine", "bertine-search", "bertine-recommend", "bertine-recommend-texts", "openai", "kserve"
]
Priority: TypeAlias = Literal["", "interactive", "bulk"]

STAGES = ("tokenize", "queue", "encode", "search", "storage", "total")
"""Parts of a call's time that a server may tell, see ``Timings`` in ``common.proto``."""

DEFAULT_TIMEOUT = 60.0


class Outcome(IntEnum):
    """How a call ended."""

    OK = 0
    REJECTED = 1  # the server refused it as overload
    LATE = 2  # its deadline passed
    CANCELLED = 3  # by the caller, on purpose
    FAILED = 4  # anything else


class Answer(NamedTuple):
    """What came of one call.

    Attributes:
        outcome: how it ended.
        payload: the response as it came, b"" if there was none.
        detail: of an outcome that is not OK, for people.
    """

    outcome: Outcome
    payload: bytes = b""
    detail: str = ""


class UnexpectedAnswerError(Exception):
    """A target answered with something that is no answer; the message says what."""


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """What to speak to, in a form that can be sent to another process.

    Attributes:
        protocol: a name.
        address: HOST:PORT.
        model: what requests put as the model; "" for the server's own, where the protocol has that.
        collection: that is asked, for ``bertine-search`` and ``bertine-recommend``.
        priority: lane that is asked for, where the protocol has that.
        connections: calls take turns on so many.
        input_name: of the tensor of texts, for ``kserve``.
        output_name: of the tensor of vectors, for ``kserve``.
    """

    protocol: Protocol
    address: str
    model: str = ""
    collection: str = ""
    priority: Priority = ""
    connections: int = 1
    input_name: str = "text"
    output_name: str = "embedding"


class Target(ABC):
    """A server as the generator sees it. Made and used inside one event loop.

    Packing is apart from posting so that requests can be packed before the clock runs.
    """

    @abstractmethod
    def pack(self, texts: Sequence[str]) -> bytes:
        """One call's request."""

    @abstractmethod
    async def post(self, request: bytes, timeout: float) -> Answer:  # noqa: ASYNC109 - a deadline that goes over the wire
        """Send a packed request. Raises only if it is cancelled."""

    @abstractmethod
    def vectors(self, payload: bytes) -> Matrix:
        """The vectors of an answer that is OK, float32 ``[texts, d]``.

        Raises:
            UnexpectedAnswerError: there are none in it.
        """

    def stages(self, payload: bytes) -> tuple[float, ...] | None:  # noqa: ARG002 - for those that can
        """Seconds of each of `STAGES`, None where the protocol does not tell."""
        return None

    @abstractmethod
    async def close(self) -> None:
        """Close all connections."""

    async def send(self, texts: Sequence[str], timeout: float = DEFAULT_TIMEOUT) -> Answer:  # noqa: ASYNC109 - the same
        """Pack and post."""
        return await self.post(self.pack(texts), timeout)
