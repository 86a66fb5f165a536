"""Makes the environments of hnswlib and usearch: ``python -m benchmarks.index.install [NAME ...]``.

As `benchmarks.peers.install`; the pinned packages are in ``NAME.txt`` beside this module.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from benchmarks.peers.install import Environment, install

PEERS = ("hnswlib", "usearch")

environment = partial(
    Environment,
    lists=Path(__file__).parent,
    command="python -m benchmarks.index.install",
)
"""A library's own virtual environment, by its name."""


if __name__ == "__main__":
    install(map(environment, sys.argv[1:] or PEERS))
