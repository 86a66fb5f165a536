"""How both clients connect."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import grpc

from bertine.errors import ConfigError, InvalidInput

READY_SERVICE = "bertine.v1.RecommendationService"
"""Health name that clients wait for."""

_RETRY = {
    # Every call may be repeated: upserts, deletes and events are idempotent. One with `if_versions`
    # that was done and whose answer was lost is refused when repeated: nothing is done twice.
    "methodConfig": [
        {
            "name": [
                {"service": f"bertine.v1.{name}Service"}
                for name in ("Embedding", "Catalog", "Recommendation", "Server")
            ],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}

OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.service_config", json.dumps(_RETRY)),
)
"""gRPC channel options: the server sets the limits, and calls to one that is away are repeated."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How a server is known, and how it knows the client. All files are PEM.

    Attributes:
        ca: authorities that the server's certificate is held against; None: those that gRPC brings.
        cert: the client's own certificate, for a server that asks for one.
        key: of that certificate, not encrypted.
    """

    ca: Path | str | None = None
    cert: Path | str | None = None
    key: Path | str | None = None


def credentials_of(tls: Tls | None) -> grpc.ChannelCredentials | None:
    """What a channel is opened with; None without TLS.

    Raises:
        ConfigError: a file cannot be read, or one of certificate and key is missing.
    """
    if tls is None:
        return None
    if (tls.cert is None) != (tls.key is None):
        raise ConfigError("a client's certificate needs its key, and the key its certificate")
    return grpc.ssl_channel_credentials(_read(tls.ca), _read(tls.key), _read(tls.cert))


def _read(path: Path | str | None) -> bytes | None:
    try:
        return None if path is None else Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def metadata_of(key: str) -> tuple[tuple[str, str], ...]:
    """What tells the server whose a call is; nothing without a key.

    Raises:
        InvalidInput: the key holds what no key does, a line's end for example.
    """
    if not key:
        return ()
    if not (key.isascii() and key.isprintable() and " " not in key):
        # Not which: a key is in no message.
        raise InvalidInput("key", "holds a character that is in no key; send it as it was made")
    return (("authorization", f"Bearer {key}"),)
