"""An index's process, as the benchmark sees it. See `benchmarks.index.worker`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.child import Peer


class Worker(Peer):
    """One worker, started by entering it; see `Peer`."""

    PACKAGE = "benchmarks.index.workers"

    def do(self, action: str, **arguments: Any) -> dict[str, Any]:
        """Let it do something; see the worker's module for what it can do.

        Raises:
            PeerFailedError: its process ended; with the last it wrote.
        """
        return self.ask({"do": action, **arguments})

    def found(self, queries: Path, settings: Sequence[Any]) -> NDArray[np.int64]:
        """The rows it finds: int64 ``[settings, queries, 10]``, -1 for none."""
        with tempfile.TemporaryDirectory(prefix="bertine-") as folder:
            out = Path(folder) / "found.npy"
            self.do("find", queries=str(queries), settings=list(settings), out=str(out))
            rows: NDArray[np.int64] = np.load(out)
        return rows
