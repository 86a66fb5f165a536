"""Two names swapped in one step, so that neither is ever without its folder."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_HERE = -100  # AT_FDCWD
_EXCHANGE = 2  # RENAME_EXCHANGE


def exchange(one: Path, other: Path) -> bool:
    """Swap two files or folders of one file system, with Linux's renameat2(2).

    Returns:
        False, and nothing has changed, where the C library, the kernel or the file system cannot.
    """
    library = ctypes.CDLL(None, use_errno=True)
    try:
        call = library.renameat2
    except AttributeError:
        return False
    names = (_HERE, os.fsencode(one), _HERE, os.fsencode(other))
    return bool(call(*names, ctypes.c_uint(_EXCHANGE)) == 0)
