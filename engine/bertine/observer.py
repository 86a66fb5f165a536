"""Who is told of what an engine does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bertine.catalog.writer import Group
from bertine.encode.statistics import BatchReport


@dataclass(frozen=True, slots=True)
class Observer:
    """Who is told of what happens, for metrics. Callbacks run on the engine's threads: be quick.

    Attributes:
        on_batch: after each batch of the encoder.
        on_group: after each commit of the catalog.
        on_rebuild: after each rebuild of an index: collection, reason, seconds.
        on_purge: after each part of what has expired or was deleted is erased: why, how many rows.
        on_learned: after events were learned from: seconds, None if it failed.
        on_progress: while a data folder is opened: what is done.
    """

    on_batch: Callable[[BatchReport], None] = lambda _: None
    on_group: Callable[[Group], None] = lambda _: None
    on_rebuild: Callable[[str, str, float], None] = lambda *_: None
    on_purge: Callable[[str, int], None] = lambda *_: None
    on_learned: Callable[[float | None], None] = lambda _: None
    on_progress: Callable[[str], None] = lambda _: None
