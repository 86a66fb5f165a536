"""What items may be, when a server was killed while they were written.

Every write has a number of its own, its item carries it and has a vector made from it, so that what
is found afterwards says which write it is of.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from bertine.types import Vector

DIMENSIONS = 384

State: TypeAlias = int | None
"""Number of the write that made the item what it is; None if it is not there."""


def vector_of(write: int) -> Vector:
    """The vector of an item that a write made: unlike that of any other."""
    values = np.random.default_rng(write).standard_normal(DIMENSIONS, np.float32)
    return np.asarray(values / np.linalg.norm(values), np.float32)


@dataclass
class Truth:
    """What each item may be.

    Attributes:
        known: as the last acknowledged write of it left it.
        pending: as the write under way would.
        writes: how many there were.
    """

    known: dict[str, State] = field(default_factory=dict)
    pending: dict[str, State] = field(default_factory=dict)
    writes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, names: list[str], *, delete: bool = False) -> list[State]:
        """Note a write of these before it is sent; what they will be."""
        with self._lock:
            first = self.writes + 1
            self.writes += len(names)
            states: list[State] = [
                None if delete else write for write in range(first, first + len(names))
            ]
            self.pending.update(zip(names, states, strict=True))
            return states

    def acknowledge(self, names: list[str]) -> None:
        with self._lock:
            self.known.update({name: self.pending.pop(name) for name in names})

    def snapshot(self) -> dict[str, State]:
        with self._lock:
            return dict(self.known)

    def settle(self, found: dict[str, State]) -> None:
        """Hold what is stored against what may be, and take it for known."""
        unknown = found.keys() - self.known.keys() - self.pending.keys()
        assert not unknown, f"never written: {sorted(unknown)[:5]}"
        for name in self.known.keys() | self.pending.keys():
            may_be = {self.known.get(name)} | (
                {self.pending[name]} if name in self.pending else set()
            )
            assert found.get(name) in may_be, f"{name} is {found.get(name)}, may be {may_be}"
        self.known = {name: found.get(name) for name in self.known.keys() | self.pending.keys()}
        self.pending = {}
