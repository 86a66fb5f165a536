"""The garbage collector of a process that serves."""

from __future__ import annotations

import gc

THRESHOLDS = (20_000, 20, 20)
"""A call leaves no cycles behind, so the collector may look rarely; Python's 700 is a few calls."""


def settle() -> None:
    """Call once everything is loaded: keeps the collector off what lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
