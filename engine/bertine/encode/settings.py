"""What an encoder can be told."""

from __future__ import annotations

from dataclasses import dataclass

from bertine.encode.batching import BatchLimits
from bertine.encode.lanes import DEFAULT_POLICY, LanePolicy
from bertine.encode.pulse import DEFAULT_PATIENCE, Patience


@dataclass(frozen=True, slots=True)
class Settings:
    """How an encoder batches, shares and refuses.

    What is repeated is encoded again unless the settings say otherwise: who measures an encoder
    wants to measure the encoder.

    Attributes:
        limits: of a batch; None measures at `Encoder.warm_up` how large one should be.
        policy: how interactive and bulk calls share the device.
        patience: how long a batch may run before the device counts as lost.
        max_waiting_tokens: beyond them calls are refused. A call that is larger is let in when
            nothing else waits, for otherwise it could never be.
        cache_bytes: for the vectors of texts that come again; 0 keeps none.
        coalesce: encode a text once if it comes again while it is under way.
    """

    limits: BatchLimits | None = None
    policy: LanePolicy = DEFAULT_POLICY
    patience: Patience = DEFAULT_PATIENCE
    max_waiting_tokens: int = 262_144
    cache_bytes: int = 0
    coalesce: bool = False


DEFAULT_SETTINGS = Settings()
