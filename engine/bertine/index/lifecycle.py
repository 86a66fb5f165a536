"""When a collection's index is rebuilt: pure decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MIN_DEAD = 1_024
_MIN_BACKLOG = 2_048
_MAX_IMBALANCE = 2.0


@dataclass(frozen=True, slots=True)
class Shape:
    """What an index consists of.

    Attributes:
        main: rows of the trained part, dead ones included.
        delta: rows added since, dead ones included.
        dead: rows of either that are not visible any more.
        quiet_seconds: since the last change.
        imbalance: of the trained part's lists, without their dead rows, as a multiple of what it
            was when they were built, see `imbalance`.
        misses_recall: repeated queries show that fewer of the true answers are found than should
            be, and there are queries to tune on.
        misplaced: the trained part should be on a GPU, which cannot read its codes.
    """

    main: int
    delta: int
    dead: int
    quiet_seconds: float
    imbalance: float = 1.0
    misses_recall: bool = False
    misplaced: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds of the decisions.

    Attributes:
        ivf_min_items: below it a collection is searched exactly, with no trained part.
        quiet_seconds: a small backlog waits for a pause of this length.
        target_recall: recall@10 that a trained part must reach, or it is not used; 0.5 to 0.99.
        repeated_share: of the searches, how many are repeated exactly to measure recall.
    """

    ivf_min_items: int = 20_000
    quiet_seconds: float = 1.0
    target_recall: float = 0.975
    repeated_share: float = 0.01


def trained(alive: int, policy: Policy) -> bool:
    """Whether a collection of that many items deserves a trained part."""
    return alive >= policy.ivf_min_items


def rebuild_reason(shape: Shape, policy: Policy) -> str:
    """Why the index should be rebuilt now, "" if it should not.

    A backlog twice as large as the trained part is urgent: every search scans it. While an import
    runs the index is then rebuilt at sizes that triple, so the work stays proportional to the
    items. A smaller backlog waits for a pause in the writes. An index that answers worse than it
    should is tuned anew, on the queries that showed it; so is one whose lists have become uneven,
    since the longest ones are visited most.
    """
    alive = shape.main + shape.delta - shape.dead
    if shape.dead > max(_MIN_DEAD, (alive + shape.dead) // 2):
        return "dead"
    if not trained(alive, policy):
        return ""
    if shape.delta >= max(policy.ivf_min_items, 2 * shape.main):
        return "growth"
    return _ageing(shape, policy)


def _ageing(shape: Shape, policy: Policy) -> str:
    """Why a trained index that is large enough should be replaced, "" if it should not."""
    if shape.misplaced:
        return "device"
    if shape.misses_recall:
        return "recall"
    if shape.imbalance > _MAX_IMBALANCE:
        return "imbalance"
    backlog = shape.delta + shape.dead
    quiet = shape.quiet_seconds >= policy.quiet_seconds
    return "backlog" if quiet and backlog > max(_MIN_BACKLOG, shape.main // 16) else ""


def imbalance(sizes: NDArray[np.int64]) -> float:
    """How uneven inverted lists are: the cost of a visit as a multiple of that of equal lists.

    It is n sum(s^2) / (sum s)^2 for n lists of sizes s, FAISS's ``imbalance_factor``.

    Args:
        sizes: rows of each list, int64 ``[n]``.
    """
    total = int(sizes.sum())
    return len(sizes) * float(np.square(sizes, dtype=np.float64).sum()) / total**2 if total else 1.0
