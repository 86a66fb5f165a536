"""The texts that every comparison uses, so that figures of different commands can be compared."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks import data


def spread_glosses(source: Path, count: int) -> list[str]:
    """`count` WordNet glosses, evenly spread over the file, which is sorted by part of speech."""
    texts = [gloss.text for gloss in data.glosses(source)]
    return texts[:: max(1, len(texts) // count)][:count]


def shuffled_queries(source: Path) -> list[str]:
    """All real short queries, each once, in an order that is the same every time."""
    queries = data.short_queries(source)
    random.Random(0).shuffle(queries)  # noqa: S311 - a fixed order, not a secret
    return queries
