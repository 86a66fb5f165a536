"""How many cores this process may keep busy."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
_QUOTA = "/sys/fs/cgroup/cpu.max"
_BEHIND = 5
"""Niceness of threads that compute, 0 .. 19: about a third of the time of one that does not."""


def usable_cores() -> int:
    """Physical cores, at least 1, within the process's affinity and its container's quota.

    Two hardware threads of one core share its arithmetic units, so a second one gains a matrix
    product nothing.
    """
    if hasattr(os, "sched_getaffinity"):
        logical = os.sched_getaffinity(0)
    else:  # not Linux
        logical = set(range(os.cpu_count() or 1))
    physical = len({_siblings(cpu) for cpu in logical})
    return max(1, min(physical, _quota(Path(_QUOTA))))


def yield_to_callers() -> None:
    """Let the other threads of this process, and others, go before the calling one.

    A thread that computes for many milliseconds loses nothing by waiting for one that takes in a
    call for a tenth of one; the other way round calls pile up unread where nothing can refuse them.
    Only Linux has priorities of threads.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEHIND)


def _siblings(cpu: int) -> str:
    try:
        return Path(_TOPOLOGY.format(cpu)).read_text(encoding="ascii").strip()
    except OSError:
        return str(cpu)


def _quota(path: Path) -> int:
    """Whole cores a cgroup v2 grants; ``max`` or no such file is no limit."""
    try:
        quota, period = path.read_text(encoding="ascii").split()[:2]
        return int(quota) // int(period)
    except (OSError, ValueError):
        return os.cpu_count() or 1
