"""ServerService."""

from __future__ import annotations

import time
from dataclasses import asdict

from google.protobuf.duration_pb2 import Duration

from bertine import __version__
from bertine.encode.encoder import Encoder
from bertine.engine import Engine
from bertine.serve.calls import Context, Gate, gated
from bertine.v1 import server_pb2 as pb
from bertine.v1 import server_pb2_grpc


class ServerServicer(server_pb2_grpc.ServerServiceServicer):
    """What this server is and allows.

    Attributes:
        gate: of the server.
    """

    def __init__(self, gate: Gate[Engine]) -> None:
        self.gate = gate
        self._started = time.monotonic()

    @gated
    async def GetServerInfo(
        self, _request: pb.GetServerInfoRequest, _context: Context
    ) -> pb.ServerInfo:
        """See ``server.proto``."""
        uptime = Duration()
        uptime.FromMilliseconds(round((time.monotonic() - self._started) * 1e3))
        return pb.ServerInfo(
            version=__version__,
            models=[_model(self.gate.engine.encoder)],
            limits=pb.Limits(**asdict(self.gate.engine.config.limits)),
            uptime=uptime,
        )


def _model(encoder: Encoder) -> pb.Model:
    manifest = encoder.manifest
    return pb.Model(
        name=manifest.name,
        variant=encoder.variant,
        provider=encoder.provider,
        dimensions=encoder.dimensions,
        max_length=manifest.max_length,
        vocab_size=manifest.vocab_size,
        pooling=manifest.pooling,
        prompts=manifest.prompts,
        fingerprint=encoder.fingerprint,
        cosine_mean=manifest.variant(encoder.variant).parity.cosine_mean,
    )
