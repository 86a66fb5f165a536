"""How both clients connect."""

from __future__ import annotations

import json

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
