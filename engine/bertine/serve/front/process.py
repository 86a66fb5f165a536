"""A front process: `python -m bertine.serve.front.process FD`, started by the supervisor."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertine import artifact
from bertine.config import Limits, ServeConfig
from bertine.errors import ArtifactError, BertineError
from bertine.serve import logs, memory
from bertine.serve.callers.caller import Callers
from bertine.serve.calls import Gate
from bertine.serve.embedding import EmbeddingServicer
from bertine.serve.front.channel import Channel
from bertine.serve.front.encoder import FrontEncoder
from bertine.serve.front.forward import Forwarder
from bertine.serve.front.frames import Frame, Kind, pack_json, unpack_json
from bertine.serve.tls import credentials_of
from bertine.serve.transport import Edge
from bertine.v1 import embedding_pb2_grpc

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Embedding:
    """What `EmbeddingServicer` stands on in a front.

    Attributes:
        encoder: tokenizes here and encodes there.
        config: what the supervisor sent of it.
    """

    encoder: FrontEncoder
    config: ServeConfig


class Front:
    """Listens on the port that all fronts share.

    Args:
        config: what the supervisor sent of it.
        channel: to the engine.
    """

    def __init__(self, config: ServeConfig, channel: Channel) -> None:
        self._config = config
        self._channel = channel
        self._ended: list[tuple[str, str, float, str]] = []
        self._gate = Gate[Embedding](self._record)
        self._edge = Edge(
            config.transport,
            config.limits.max_message_bytes,
            shared=True,
            credentials=credentials_of(config),
            drained=self._gate.drained,
        )

    async def start(self) -> None:
        """Listen; calls are answered with UNAVAILABLE until the engine serves."""
        server = self._edge.grpc
        embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(
            EmbeddingServicer(self._gate), server
        )
        Forwarder(self._channel, self._gate.under_way).register(server)
        self._edge.listen(self._config.listen)
        await self._edge.start()
        self._send(Kind.READY, {"serving": False})

    async def follow(self, engine: dict[str, Any]) -> None:
        """Let health say what the engine's says.

        Args:
            engine: ``serving``, the hash of its tokenizer, and the callers that it knows.

        Raises:
            ArtifactError: the model folder is no longer the one that the engine has loaded.
        """
        rights = engine["callers"]
        self._gate.admission.callers = None if rights is None else Callers.of_rights(rights)
        if engine["serving"] and not self._gate.opened:
            encoder = await asyncio.to_thread(self._encoder, engine["tokenizer_sha256"])
            self._gate.open(Embedding(encoder, self._config))
            memory.settle()
        await self._edge.set_serving(serving=engine["serving"])
        self._send(Kind.READY, {"serving": engine["serving"]})

    def answer(self) -> None:
        """Say that it is still there."""
        self._send(Kind.READY, {"serving": self._gate.opened})

    async def stop(self, seconds: float) -> None:
        """Take no new calls, let those under way end, hang up."""
        self._gate.close()
        await self._edge.stop(seconds)
        await asyncio.sleep(0)  # for the last report
        self._channel.link.close()

    def _encoder(self, tokenizer_sha256: str) -> FrontEncoder:
        model = artifact.load(self._config.model)
        if artifact.sha256_file(model.tokenizer_path) != tokenizer_sha256:
            raise ArtifactError(
                f"{model.tokenizer_path} is not what the engine has loaded; restart the server"
            )
        return FrontEncoder(model, self._channel)

    def _record(self, method: str, code: str, seconds: float, caller: str) -> None:
        """Tell the engine, which counts for all, of the calls that end in one turn of the loop."""
        if not self._ended:
            asyncio.get_running_loop().call_soon(self._report)
        self._ended.append((method, code, seconds, caller))

    def _report(self) -> None:
        ended, self._ended = self._ended, []
        self._send(Kind.ENDED, ended)

    def _send(self, kind: Kind, value: Any) -> None:
        self._channel.link.send(Frame(kind, body=pack_json(value)))


async def serve(end: socket.socket) -> None:
    """Do what the supervisor says, until it says stop or is gone."""
    orders: asyncio.Queue[Frame] = asyncio.Queue()
    channel = Channel(orders.put_nowait)
    await channel.link.open(end)
    first = await orders.get()
    if first.kind != Kind.SETTINGS:
        return
    settings = unpack_json(first.body)
    logs.configure(*settings["logs"])
    front = Front(_config(settings), channel)
    await front.start()
    while (order := await orders.get()).kind != Kind.STOP:
        if order.body:
            await front.follow(unpack_json(order.body))
        else:
            front.answer()
    await front.stop(unpack_json(order.body)["seconds"])


def _config(settings: dict[str, Any]) -> ServeConfig:
    files: dict[str, Any] = {name: Path(path) for name, path in settings["tls"].items()}
    return ServeConfig(
        model=Path(settings["model"]),
        data=Path(),
        listen=settings["listen"],
        transport=settings["transport"],
        limits=Limits(**settings["limits"]),
        **files,
    )


def main() -> None:
    """Run a front over the socket that was handed down."""
    # Whoever stops a whole group of processes stops the engine, which stops the fronts in order.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    try:
        with suppress(ConnectionError):
            asyncio.run(serve(socket.socket(fileno=int(sys.argv[1]))))
    except BertineError as error:
        _log.error("a front cannot go on", extra={"reason": error.message})
        sys.exit(1)


if __name__ == "__main__":
    main()
