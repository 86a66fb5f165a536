"""Histories, profiles and events as messages."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence

from bertine.config import Limits
from bertine.errors import InvalidInput
from bertine.recommend.profile import ProfileOptions
from bertine.types import Event, HistoryEntry
from bertine.v1 import recommendation_pb2 as pb
from bertine.wire.items import MAX_ID_BYTES, MAX_NAME_BYTES, check_count, check_name, check_text
from bertine.wire.values import time_from_wire, time_to_wire

MAX_USER_BYTES = 256
MAX_EVENT_ID_BYTES = 128
MAX_WEIGHT = 1e6
DEFAULT_EVENT_TYPE = "view"


def history_from_wire(messages: Sequence[pb.HistoryEntry], limits: Limits) -> list[HistoryEntry]:
    """Read and check the history of a request.

    Raises:
        InvalidInput: too long, or an entry that is neither an item nor a text.
    """
    if len(messages) > limits.max_history:
        raise InvalidInput(
            "history",
            f"has {len(messages):,} entries; send the latest {limits.max_history:,} at most",
        )
    return [
        _entry(message, limits, f"history[{position}]") for position, message in enumerate(messages)
    ]


def _entry(message: pb.HistoryEntry, limits: Limits, field: str) -> HistoryEntry:
    subject = message.WhichOneof("subject")
    if subject is None:
        raise InvalidInput(field, "is neither an item nor a text; set item_id or text")
    is_item = subject == "item_id"
    return HistoryEntry(
        item_id=check_name(message.item_id, MAX_ID_BYTES, f"{field}.item_id") if is_item else "",
        text="" if is_item else check_text(message.text, limits, f"{field}.text"),
        time=time_from_wire(message.time, f"{field}.time") if message.HasField("time") else None,
        event_type=message.event_type,
        weight=_weight(message.weight, f"{field}.weight") if message.HasField("weight") else None,
    )


def _weight(value: float, field: str) -> float:
    if not math.isfinite(value) or abs(value) > MAX_WEIGHT:
        raise InvalidInput(field, f"is {value}; give a finite number between -1e6 and 1e6")
    return value


def history_to_wire(history: Sequence[HistoryEntry]) -> list[pb.HistoryEntry]:
    """A history as messages."""
    return [_entry_to_wire(entry) for entry in history]


def _entry_to_wire(entry: HistoryEntry) -> pb.HistoryEntry:
    message = pb.HistoryEntry(event_type=entry.event_type)
    if entry.item_id:
        message.item_id = entry.item_id
    else:
        message.text = entry.text
    if entry.time is not None:
        message.time.CopyFrom(time_to_wire(entry.time))
    if entry.weight is not None:
        message.weight = entry.weight
    return message


def profile_from_wire(message: pb.Profile) -> ProfileOptions:
    """Read and check how a history is weighted.

    Raises:
        InvalidInput: a half-life that is not above 0, or a weight that is not finite.
    """
    weights = {
        name: _weight(value, f"profile.event_weights[{name}]")
        for name, value in message.event_weights.items()
    }
    match message.WhichOneof("decay"):
        case "position_half_life":
            half_life = _half_life(message.position_half_life, "profile.position_half_life")
            return ProfileOptions(position_half_life=half_life, event_weights=weights)
        case "age_half_life":
            seconds = message.age_half_life.seconds + message.age_half_life.nanos / 1e9
            half_life = _half_life(seconds, "profile.age_half_life")
            return ProfileOptions(age_half_life=half_life, event_weights=weights)
        case _:
            return ProfileOptions(event_weights=weights)


def _half_life(value: float, field: str) -> float:
    # Infinity is a plain mean, and NaN fails the comparison.
    if not value > 0.0:
        raise InvalidInput(field, f"is {value}; give a number above 0")
    return value


def events_from_wire(
    messages: Sequence[pb.Event], digest: Callable[[str], bytes], now: float, limits: Limits
) -> list[Event]:
    """Read and check recorded events; users' ids become keyed hashes here and go no further.

    Args:
        messages: what the client sent.
        digest: see `UserKey.digest`.
        now: time of events that bring none.
        limits: see `Limits`.

    Raises:
        InvalidInput: no events, too many, or a field that is wrong.
    """
    check_count(len(messages), limits.max_inputs, "events", "events")
    return [
        _event(message, digest, now, f"events[{position}]")
        for position, message in enumerate(messages)
    ]


def _event(message: pb.Event, digest: Callable[[str], bytes], now: float, field: str) -> Event:
    user = digest(check_name(message.user, MAX_USER_BYTES, f"{field}.user"))
    event_type = message.event_type or DEFAULT_EVENT_TYPE
    time = time_from_wire(message.time, f"{field}.time") if message.HasField("time") else now
    item_id = check_name(message.item_id, MAX_ID_BYTES, f"{field}.item_id")
    given = message.event_id
    return Event(
        user=user,
        item_id=item_id,
        event_type=check_name(event_type, MAX_NAME_BYTES, f"{field}.event_type"),
        time=time,
        event_id=check_name(given, MAX_EVENT_ID_BYTES, f"{field}.event_id")
        if given
        else _event_id(user, item_id, event_type, time),
        weight=_weight(message.weight, f"{field}.weight") if message.HasField("weight") else None,
    )


def _event_id(user: bytes, item_id: str, event_type: str, time: float) -> str:
    parts = (user.hex(), item_id, event_type, repr(time))
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
