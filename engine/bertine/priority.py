"""Which threads go before which, where the operating system knows priorities of threads."""

from __future__ import annotations

import os
import sys
import threading

BACKGROUND = 19
"""Niceness of work that nobody waits for: it takes what is left."""

COMPUTING = 5
"""Niceness of work that callers wait for: it gets about a third of the time of who reads calls.

A thread that computes for many milliseconds loses nothing by waiting for one that takes in a call
for a tenth of one; the other way round calls pile up unread where nothing can refuse them.
"""


def give_way(niceness: int) -> None:
    """Let threads of a lower niceness, of this process or others, go before the calling one.

    Only Linux has priorities of threads; elsewhere nothing is done.

    Args:
        niceness: 0 .. 19, see `BACKGROUND` and `COMPUTING`.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
