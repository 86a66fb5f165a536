"""Makes the environments of hnswlib and usearch: ``python -m benchmarks.index.install``.

As `benchmarks.peers.install`; the pinned packages are in ``NAME.txt`` beside this module.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.install import Environment
from benchmarks.progress import say

PEERS = ("hnswlib", "usearch")
_REQUIREMENTS = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class IndexEnvironment(Environment):
    """A library's own virtual environment, made or not."""

    @property
    def requirements(self) -> Path:
        """Its pinned packages."""
        return _REQUIREMENTS / f"{self.name}.txt"

    @property
    def absent(self) -> str | None:
        """Why it cannot be used, None where it can."""
        # Not super(): a dataclass with slots is another class than the one being defined.
        reason: str | None = Environment.absent.__get__(self)
        return reason and reason.replace("make bench-peers", "python -m benchmarks.index.install")


def main() -> None:
    """Install the libraries that are named, or all."""
    for name in sys.argv[1:] or PEERS:
        environment = IndexEnvironment(name)
        say(f"{name}: installing into {environment.folder} ...")
        environment.install()
        say(f"{name}: {environment.absent or 'installed'}")


if __name__ == "__main__":
    main()
