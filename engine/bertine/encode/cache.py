"""Vectors of texts that were encoded lately."""

from __future__ import annotations

import sys
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple, TypeAlias

import numpy as np

from bertine.types import Vector

Key: TypeAlias = tuple[str, bool, "str | bytes"]
"""All that makes a vector of one model: prompt, whether the text may be cut, and the text; or "",
whether the token ids were cut, and the ids."""

# Bytes of an entry beside its vector and its text: the objects around them, 325 measured with
# `tracemalloc` over 10,000 entries.
_ENTRY = 330


class Cached(NamedTuple):
    """What is kept of one text.

    Attributes:
        vector: float32 ``[dimensions]``; read-only.
        tokens: that the text has.
        truncated: whether it was cut.
    """

    vector: Vector
    tokens: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class CacheUse:
    """How a cache has done.

    Attributes:
        hits: texts found.
        misses: texts not found.
        entries: texts in it.
        bytes: that they take.
    """

    hits: int = 0
    misses: int = 0
    entries: int = 0
    bytes: int = 0


class Cache:
    """The vectors used last, as many as fit. Safe to use from several threads.

    Args:
        max_bytes: that the entries may take together; 0 keeps none.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Key, Cached] = OrderedDict()
        self._lock = Lock()
        self._bytes = self._hits = self._misses = 0

    def get(self, key: Key) -> Cached | None:
        """What is known of a text; it was used last from now on."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self._misses += 1
                return None
            self._entries.move_to_end(key)
            self._hits += 1
        return entry

    def put(self, key: Key, vector: Vector, tokens: int, *, truncated: bool) -> None:
        """Keep a text's vector, and drop those used longest ago.

        Args:
            key: of the text.
            vector: float32 ``[dimensions]``; copied.
            tokens: that the text has.
            truncated: whether it was cut.
        """
        size = _bytes(key, vector)
        if size > self._max_bytes:
            return
        kept = np.array(vector)
        kept.flags.writeable = False
        with self._lock:
            if self._entries.pop(key, None) is not None:
                self._bytes -= size
            self._entries[key] = Cached(kept, tokens, truncated)
            self._bytes += size
            self._shrink()

    def use(self) -> CacheUse:
        """How it has done so far."""
        with self._lock:
            return CacheUse(self._hits, self._misses, len(self._entries), self._bytes)

    def _shrink(self) -> None:
        while self._bytes > self._max_bytes:
            key, entry = self._entries.popitem(last=False)
            self._bytes -= _bytes(key, entry.vector)


def _bytes(key: Key, vector: Vector) -> int:
    return _ENTRY + sys.getsizeof(key[2]) + vector.nbytes
