"""Histories, profiles and events as messages."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bertine.config import Limits
from bertine.errors import InvalidInput
from bertine.recommend.learn.taste import Situation
from bertine.recommend.noise import DELTA, Noise
from bertine.recommend.profile import DEFAULT_POSITION_HALF_LIFE, Negatives, ProfileOptions
from bertine.types import Event, HistoryEntry
from bertine.v1 import recommendation_pb2 as pb
from bertine.wire.items import MAX_ID_BYTES, MAX_NAME_BYTES, check_count, check_name, check_text
from bertine.wire.values import duration_from_wire, time_from_wire, time_to_wire

MAX_USER_BYTES = 256
MAX_EVENT_ID_BYTES = 128
MAX_WEIGHT = 1e6
MAX_INTERESTS = 8
MAX_EPSILON = 1e6
MAX_PLACE_BYTES = 64
MAX_SESSION_BYTES = 128
MAX_OFFSET_MINUTES = 840
DEFAULT_EVENT_TYPE = "view"

_USUAL = ProfileOptions()

_NEGATIVES: Mapping[int, Negatives] = {
    pb.NEGATIVES_UNSPECIFIED: "subtract",
    pb.NEGATIVES_SUBTRACT: "subtract",
    pb.NEGATIVES_MIRROR: "mirror",
    pb.NEGATIVES_BEST_SCORE: "best_score",
}


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
    entries: list[HistoryEntry] = []
    try:
        for message in messages:
            entries.append(_entry(message, limits))  # noqa: PERF401 - they are counted below
    except InvalidInput as error:
        # The place is written here: to write it for each entry costs more than to check one.
        raise InvalidInput(f"history[{len(entries)}]{error.field}", error.problem) from None
    return entries


def _entry(message: pb.HistoryEntry, limits: Limits) -> HistoryEntry:
    subject = message.WhichOneof("subject")
    if subject is None:
        raise InvalidInput("", "is neither an item nor a text; set item_id or text")
    is_item = subject == "item_id"
    return HistoryEntry(
        check_name(message.item_id, MAX_ID_BYTES, ".item_id") if is_item else "",
        "" if is_item else check_text(message.text, limits, ".text"),
        time_from_wire(message.time, ".time") if message.HasField("time") else None,
        message.event_type,
        _weight(message.weight, ".weight") if message.HasField("weight") else None,
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
        InvalidInput: a half-life that is not above 0, a weight that is not finite, a number of
            interests out of range, or a way with dislikes that is not known.
    """
    if not message.ByteSize():
        return _USUAL
    decay = message.WhichOneof("decay")
    return ProfileOptions(
        position_half_life=_half_life(message.position_half_life, "profile.position_half_life")
        if decay == "position_half_life"
        else DEFAULT_POSITION_HALF_LIFE,
        age_half_life=duration_from_wire(message.age_half_life, "profile.age_half_life")
        if decay == "age_half_life"
        else None,
        event_weights={
            name: _weight(value, f"profile.event_weights[{name}]")
            for name, value in message.event_weights.items()
        },
        interests=_interests(message.interests) if message.HasField("interests") else None,
        negatives=_negatives(message.negatives),
        joined_texts=message.joined_texts,
    )


def noise_from_wire(message: pb.Profile) -> Noise | None:
    """Read and check how much a profile is blurred; None is not at all.

    Raises:
        InvalidInput: an epsilon or a delta out of range.
    """
    if not message.HasField("noise"):
        return None
    epsilon = message.noise.epsilon
    delta = message.noise.delta if message.noise.HasField("delta") else DELTA
    # NaN fails both comparisons.
    if not 0.0 < epsilon <= MAX_EPSILON:
        raise InvalidInput(
            "profile.noise.epsilon", f"is {epsilon}; give a number above 0, at most {MAX_EPSILON:g}"
        )
    if not 0.0 < delta < 1.0:
        raise InvalidInput("profile.noise.delta", f"is {delta}; give a number between 0 and 1")
    return Noise(epsilon, delta)


def _interests(value: int) -> int:
    if not 1 <= value <= MAX_INTERESTS:
        raise InvalidInput("profile.interests", f"is {value}; give 1 to {MAX_INTERESTS}")
    return value


def _negatives(number: int) -> Negatives:
    known = _NEGATIVES.get(number)
    if known is None:
        raise InvalidInput(
            "profile.negatives",
            f"is {number}; known are SUBTRACT (1), MIRROR (2), BEST_SCORE (3)",
        )
    return known


def _half_life(value: float, field: str) -> float:
    # Infinity is a plain mean, and NaN fails the comparison.
    if not value > 0.0:
        raise InvalidInput(field, f"is {value}; give a number above 0")
    return value


def situation_from_wire(message: pb.Context, now: float, field: str = "context") -> Situation:
    """Read and check when and where a user is.

    Args:
        message: of a request or an event; its session is not read.
        now: the time if it brings none.
        field: where it stood in the request.

    Raises:
        InvalidInput: an offset out of range, a name that is too long, or a time that is none.
    """
    offset = message.utc_offset_minutes
    if abs(offset) > MAX_OFFSET_MINUTES:
        raise InvalidInput(
            f"{field}.utc_offset_minutes",
            f"is {offset}; give -{MAX_OFFSET_MINUTES} to {MAX_OFFSET_MINUTES}",
        )
    return Situation(
        time=time_from_wire(message.time, f"{field}.time") if message.HasField("time") else now,
        utc_offset_minutes=offset,
        place=_optional(message.place, MAX_PLACE_BYTES, f"{field}.place"),
        device=_optional(message.device, MAX_PLACE_BYTES, f"{field}.device"),
    )


def session_from_wire(message: pb.Context, field: str = "context") -> str:
    """Read and check the session, "" if there is none.

    Raises:
        InvalidInput: too long.
    """
    return _optional(message.session, MAX_SESSION_BYTES, f"{field}.session")


def _optional(value: str, most: int, field: str) -> str:
    return check_name(value, most, field) if value else ""


def events_from_wire(
    messages: Sequence[pb.Event],
    digest: Callable[[str], bytes],
    session_digest: Callable[[str], bytes],
    now: float,
    limits: Limits,
) -> list[Event]:
    """Read and check recorded events; ids of users and sessions become keyed hashes here.

    The ids themselves go no further.

    Args:
        messages: what the client sent.
        digest: see `UserKey.digest`.
        session_digest: see `UserKey.session_digest`.
        now: time of events that bring none.
        limits: see `Limits`.

    Raises:
        InvalidInput: no events, too many, or a field that is wrong.
    """
    check_count(len(messages), limits.max_inputs, "events", "events")
    return [
        _event(message, digest, session_digest, now, f"events[{position}]")
        for position, message in enumerate(messages)
    ]


def _event(
    message: pb.Event,
    digest: Callable[[str], bytes],
    session_digest: Callable[[str], bytes],
    now: float,
    field: str,
) -> Event:
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
        **_event_context(message, session_digest, field),
    )


def _event_context(
    message: pb.Event, session_digest: Callable[[str], bytes], field: str
) -> dict[str, Any]:
    shown = _optional(message.recommendation_id, MAX_PLACE_BYTES, f"{field}.recommendation_id")
    if not message.HasField("context"):
        return {"recommendation_id": shown}
    context = pb.Context()
    context.CopyFrom(message.context)
    context.ClearField("time")  # the event's own is read
    situation = situation_from_wire(context, 0.0, f"{field}.context")
    session = session_from_wire(context, f"{field}.context")
    return {
        "session": session_digest(session) if session else b"",
        "place": situation.place,
        "device": situation.device,
        "utc_offset_minutes": situation.utc_offset_minutes,
        "recommendation_id": shown,
    }


def _event_id(user: bytes, item_id: str, event_type: str, time: float) -> str:
    parts = (user.hex(), item_id, event_type, repr(time))
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
