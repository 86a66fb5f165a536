"""How many cores this process may keep busy."""

from __future__ import annotations

import os
from pathlib import Path

_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
_QUOTA = "/sys/fs/cgroup/cpu.max"


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
