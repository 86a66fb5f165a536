"""When a collection's index is rebuilt: pure decisions."""

from __future__ import annotations

from dataclasses import dataclass

_MIN_DEAD = 1_024
_MIN_BACKLOG = 2_048


@dataclass(frozen=True, slots=True)
class Shape:
    """What an index consists of.

    Attributes:
        main: rows of the trained part, dead ones included.
        delta: rows added since, dead ones included.
        dead: rows of either that are not visible any more.
        quiet_seconds: since the last change.
    """

    main: int
    delta: int
    dead: int
    quiet_seconds: float


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds of the decisions.

    Attributes:
        ivf_min_items: below it a collection is searched exactly, with no trained part.
        quiet_seconds: a small backlog waits for a pause of this length.
    """

    ivf_min_items: int = 20_000
    quiet_seconds: float = 1.0


def trained(alive: int, policy: Policy) -> bool:
    """Whether a collection of that many items deserves a trained part."""
    return alive >= policy.ivf_min_items


def rebuild_reason(shape: Shape, policy: Policy) -> str:
    """Why the index should be rebuilt now, "" if it should not.

    A backlog twice as large as the trained part is urgent: every search scans it. While an import
    runs the index is then rebuilt at sizes that triple, so the work stays proportional to the
    items. A smaller backlog waits for a pause in the writes.
    """
    total = shape.main + shape.delta
    if shape.dead > max(_MIN_DEAD, total // 2):
        return "dead"
    if not trained(total - shape.dead, policy):
        return ""
    if shape.delta >= max(policy.ivf_min_items, 2 * shape.main):
        return "growth"
    backlog = shape.delta + shape.dead
    if shape.quiet_seconds >= policy.quiet_seconds and backlog > max(
        _MIN_BACKLOG, shape.main // 16
    ):
        return "backlog"
    return ""
