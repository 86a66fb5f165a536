"""How both clients connect."""

from __future__ import annotations

import json

from bertine.errors import InvalidInput

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
