"""When a collection's events are learned anew: pure decisions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """What has happened to a collection's events since they were learned.

    Attributes:
        known: events that had been recorded when it was learned, erased ones included; 0 if nothing
            has been learned.
        recorded: events that have been recorded by now, erased ones included.
        learned: there is something that was learned.
        erased: events of deleted users were erased since.
        expired: events that were too old were erased since.
        quiet: seconds since it was last tried to learn; infinite if it was not.
        failed: the last try failed.
    """

    known: int
    recorded: int
    learned: bool
    erased: bool
    expired: bool
    quiet: float
    failed: bool = False


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """Bounds of the decisions.

    Attributes:
        least_events: fewer events teach nothing.
        growth: share of new events that makes it worth while.
        pause: seconds at least between two refreshes for growth or expiry.
        retry: seconds after which what failed is tried again.
    """

    least_events: int = 100
    growth: float = 0.05
    pause: float = 600.0
    retry: float = 60.0


@dataclass(frozen=True, slots=True)
class FitOptions:
    """What an explicit fit may say.

    Attributes:
        validation_share: the latest share of the events that channels are weighed by, 0 .. 0.5.
        keep_weights: learn anew with the weights there are.
    """

    validation_share: float = 0.1
    keep_weights: bool = False


def refresh_reason(change: Change, policy: RefreshPolicy) -> str:
    """Why a collection's events should be learned now, "" if they should not.

    What is still known of a deleted user cannot wait; the rest can.
    """
    if change.failed and change.quiet < policy.retry:
        return ""
    if change.learned and change.erased:
        return "erased"
    if not change.learned:
        return "first" if change.recorded >= policy.least_events and _may(change, policy) else ""
    if change.quiet < policy.pause:
        return ""
    if change.expired:
        return "expired"
    new = change.recorded - change.known
    return "growth" if new > 0 and new >= policy.growth * change.known else ""


def _may(change: Change, policy: RefreshPolicy) -> bool:
    """Whether there is a point in a first try: too few events remain too few for a while."""
    return change.known < change.recorded or change.quiet >= policy.pause
