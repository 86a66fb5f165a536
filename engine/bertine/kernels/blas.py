"""How many threads numpy's matrix products use.

The wheels of numpy bring OpenBLAS, which shares a product out to a thread on every core. Those
threads wait for each other, and after a product they spin for a while in wait of the next: beside
other searches that costs more than it gains.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

_SETTERS = (
    "scipy_openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads",
)


def use_one_thread() -> bool:
    """Let each matrix product run in the thread that asks for it, in the whole process.

    Returns:
        Whether numpy's BLAS is one that can be told.
    """
    # The library is loaded already: this only finds it.
    for path in Path(np.__file__).parent.parent.glob("numpy.libs/*openblas*"):
        library = ctypes.CDLL(str(path))
        for name in _SETTERS:
            if hasattr(library, name):
                getattr(library, name)(1)
                return True
    return False
