"""What a server can be told, with defaults; where the values come from is `bertine.cli`'s part."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from bertine.errors import ConfigError

Transport: TypeAlias = Literal["grpc", "native"]
"""``grpc`` is grpcio's own server; ``native`` is pygrpc-native, which is faster and has no TLS."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one call may ask, told to clients by GetServerInfo.

    Attributes:
        max_inputs: texts, token id lists, items, ids or events in one call.
        max_text_bytes: of one text in UTF-8.
        max_queries: in one Search.
        max_top_k: hits for one query.
        max_history: entries of one Recommend.
        max_message_bytes: of one request.
        max_waiting_tokens: beyond them calls are refused as overload.
    """

    max_inputs: int = 8_192
    max_text_bytes: int = 65_536
    max_queries: int = 1_024
    max_top_k: int = 1_000
    max_history: int = 1_000
    max_message_bytes: int = 64 << 20
    max_waiting_tokens: int = 262_144


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """Settings of one server process.

    Attributes:
        model: artifact folder.
        data: folder of the catalog, made if absent.
        listen: HOST:PORT of gRPC; port 0 takes a free one.
        transport: which library carries gRPC.
        fronts: processes that accept calls for this one; 0 accepts them here.
        metrics_listen: HOST:PORT of Prometheus metrics, "" for none.
        tls_cert: PEM of the server's certificate; None is no TLS.
        tls_key: PEM of its key.
        tls_client_ca: PEM of authorities of which callers must have a certificate; None asks none.
        callers: file of those who may call; None lets everybody do everything.
        variant: which graph of the artifact; ``auto`` takes int8 on a CPU, fp16 on a GPU.
        device: of the encoder: ``auto``, ``cpu``, ``cuda:N`` or ``tensorrt:N``; several with commas
            are replicas.
        gpu_memory_mb: mebibytes of a GPU for each of the encoder's sessions, 0 for what there is.
        threads: of the encoder on a CPU, 0 for one for each core.
        spin: the encoder's threads spin between operators; better off on a busy machine.
        reembed: encode a collection again whose vectors another model made.
        index_device: of the indexes: ``cpu``, ``cuda`` or ``cuda:N``. What does not fit its memory
            stays on the CPU.
        ivf_min_items: collections smaller than that are searched exactly.
        target_recall: part of the ten best items that a trained index must find, 0.5 to 0.99.
        repeated_share: of the searches, how many are repeated exactly to measure recall.
        cache_mb: mebibytes for vectors of texts that come again, 0 for none.
        coalesce: encode a text once that comes again while it is under way.
        unresponsive_seconds: that a batch may run, if it was not predicted to be long, before the
            server stops taking calls.
        hung_seconds: that it may run before the process ends; and that a front process may not
            answer before it is replaced.
        drain_seconds: for calls under way when the server is told to stop.
        event_ttl: seconds after which a recorded event is erased; None is never.
        learn_min_events: fewer events of a collection teach nothing.
        learn_min_users: distinct users behind what is popular in a place or on a device.
        learn_pause_seconds: between two refreshes of what was learned, if nothing was deleted.
        limits: see `Limits`.
    """

    model: Path
    data: Path
    listen: str = "127.0.0.1:50051"
    transport: Transport = "grpc"
    fronts: int = 0
    metrics_listen: str = ""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    callers: Path | None = None
    variant: str = "auto"
    device: str = "auto"
    gpu_memory_mb: int = 0
    threads: int = 0
    spin: bool = True
    reembed: bool = False
    index_device: str = "cpu"
    ivf_min_items: int = 20_000
    target_recall: float = 0.975
    repeated_share: float = 0.01
    cache_mb: int = 64
    coalesce: bool = True
    unresponsive_seconds: float = 5.0
    hung_seconds: float = 60.0
    drain_seconds: float = 10.0
    event_ttl: float | None = None
    learn_min_events: int = 100
    learn_min_users: int = 5
    learn_pause_seconds: float = 600.0
    limits: Limits = field(default_factory=Limits)


def split_address(address: str, setting: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; an IPv6 host is in brackets.

    Raises:
        ConfigError: not of that form.
    """
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65_535):  # noqa: PLR2004 - highest port
        raise ConfigError(f"{setting} is {address!r}; write HOST:PORT, for example 127.0.0.1:50051")
    return host, int(port)
