"""Rules and weights of a recommendation as messages."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bertine.errors import InvalidInput
from bertine.recommend.rules import (
    DEFAULT_EXPLORATION_AGE,
    NO_RULES,
    Cap,
    Promotion,
    Recency,
    Rules,
)
from bertine.v1 import recommendation_pb2 as pb
from bertine.wire.filters import filter_from_wire
from bertine.wire.items import MAX_NAME_BYTES, check_name
from bertine.wire.values import duration_from_wire

MAX_CAPS = 8
MAX_EXPLORATION = 0.5
MAX_CHANNELS = 64
MAX_CHANNEL_WEIGHT = 1e6


def rules_from_wire(message: pb.Rules) -> Rules:
    """Read and check the rules of a request.

    Raises:
        InvalidInput: a number out of its range, or a field that a rule needs and lacks.
    """
    if not message.ByteSize():
        return NO_RULES
    if len(message.caps) > MAX_CAPS:
        raise InvalidInput("rules.caps", f"holds {len(message.caps)} caps; send at most {MAX_CAPS}")
    return Rules(
        caps=tuple(_cap(cap, f"rules.caps[{n}]") for n, cap in enumerate(message.caps)),
        promotion=_promotion(message.promotion) if message.HasField("promotion") else None,
        recency=_recency(message.recency) if message.HasField("recency") else None,
        diversity=_share(message.diversity, 1.0, "rules.diversity"),
        backfill=not message.no_backfill,
        exploration=_share(message.exploration, MAX_EXPLORATION, "rules.exploration"),
        seed=message.seed,
        exploration_age=duration_from_wire(message.exploration_age, "rules.exploration_age")
        if message.HasField("exploration_age")
        else DEFAULT_EXPLORATION_AGE,
    )


def _cap(message: pb.AttributeCap, field: str) -> Cap:
    attribute = check_name(message.attribute, MAX_NAME_BYTES, f"{field}.attribute")
    return Cap(attribute, _at_least_one(message.at_most, f"{field}.at_most"))


def _promotion(message: pb.Promotion) -> Promotion:
    node = filter_from_wire(message.filter, "rules.promotion.filter")
    if node is None:
        raise InvalidInput("rules.promotion.filter", "is not set; say which items are promoted")
    return Promotion(node, _at_least_one(message.at_least, "rules.promotion.at_least"))


def _recency(message: pb.RecencyBoost) -> Recency:
    field = "rules.recency"
    name = message.attribute
    return Recency(
        half_life=duration_from_wire(message.half_life, f"{field}.half_life"),
        weight=_share(message.weight, 1.0, f"{field}.weight"),
        attribute=check_name(name, MAX_NAME_BYTES, f"{field}.attribute") if name else "",
    )


def _at_least_one(value: int, field: str) -> int:
    if value < 1:
        raise InvalidInput(field, "is 0; give 1 or more")
    return value


def _share(value: float, most: float, field: str) -> float:
    # NaN fails the comparison too.
    if not 0.0 <= value <= most:
        raise InvalidInput(field, f"is {value}; give a number between 0 and {most:g}")
    return value


def channel_weights_from_wire(weights: Mapping[str, float]) -> dict[str, float]:
    """Read and check the weights of channels; whether there are such is checked where they count.

    Raises:
        InvalidInput: too many, or one that is negative or not finite.
    """
    if len(weights) > MAX_CHANNELS:
        raise InvalidInput("channel_weights", f"holds {len(weights)}; send at most {MAX_CHANNELS}")
    for name, value in weights.items():
        if not (math.isfinite(value) and 0.0 <= value <= MAX_CHANNEL_WEIGHT):
            raise InvalidInput(
                f"channel_weights[{name}]", f"is {value}; give a number between 0 and 1e6"
            )
    return dict(weights)
