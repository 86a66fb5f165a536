"""Who takes part in the contest, with what settings."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.index.child import Worker
from benchmarks.index.install import environment
from benchmarks.index.truth import TOP_K
from benchmarks.peers.install import Environment

OURS, FAISS, HNSWLIB = "bertine", "faiss", "hnswlib"

_EF = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384)
_NPROBE = (2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256)
_NPROBE_FAISS = (4, 8, 16, 32, 64, 128, 256)
_FACTORS = (4, 8, 16)


@dataclass(frozen=True, slots=True)
class Contestant:
    """One of them.

    Attributes:
        name: key of its figures.
        title: in the table.
        module: of `benchmarks.index.workers`.
        options: for its worker.
        settings: what its curve is drawn from.
        environment: it runs in, None for this one.
    """

    name: str
    title: str
    module: str
    options: Mapping[str, Any]
    settings: Sequence[Any] = _EF
    environment: Environment | None = None

    @property
    def absent(self) -> str | None:
        """Why it cannot take part, None where it can."""
        return None if self.environment is None else self.environment.absent

    def worker(self) -> Worker:
        """Its process, not started."""
        python = Path(sys.executable)
        if self.environment is not None:
            python = self.environment.program("python")
        return Worker(self.module, python, self.options)


def roster(live_options: Mapping[str, Any]) -> list[Contestant]:
    """All contestants, the engine first: bare FAISS is built as the engine chose.

    Args:
        live_options: of the engine's worker; the others get as many threads.
    """
    common = {"threads": live_options["threads"], "top_k": TOP_K}
    lists = [list(pair) for pair in product(_NPROBE_FAISS, _FACTORS)]
    hnswlib, usearch = environment("hnswlib"), environment("usearch")
    return [
        Contestant(OURS, "Bertine", "live", live_options, [0]),
        Contestant(FAISS, "bare FAISS, refined", "faiss", common, lists),
        *(
            Contestant(
                name,
                title,
                "hnswlib",
                {**common, "construction": construction},
                environment=hnswlib,
            )
            for name, title, construction in (
                (HNSWLIB, "hnswlib", 200),
                (f"{HNSWLIB}_40", "hnswlib (efConstruction 40)", 40),
            )
        ),
        Contestant("usearch", "usearch", "usearch", common, environment=usearch),
    ]


def efforts(tuned: int) -> list[int]:
    """Values of nprobe that the engine's curve is drawn from: 0, as it tuned itself, then others.

    Args:
        tuned: what it tuned itself to; 0 is an exact search, which has no other setting.
    """
    return [0, *_NPROBE] if tuned else [0]
