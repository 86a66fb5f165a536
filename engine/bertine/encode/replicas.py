"""The same model several times: on several GPUs, or several times on one."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from bertine.encode.contract import Session
from bertine.priority import COMPUTING, give_way
from bertine.types import Matrix


class _Replica:
    """A session and the one thread that uses it, since recorded launches belong to a thread."""

    def __init__(self, number: int, session: Session) -> None:
        self.session = session
        self.thread = ThreadPoolExecutor(
            1, f"bertine-replica-{number}", initializer=give_way, initargs=(COMPUTING,)
        )


class ReplicatedSession:
    """A model in several sessions, a batch in each. See `bertine.encode.contract.Session`.

    Args:
        sessions: at least one, of the same variant.
    """

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.callers = len(sessions)
        self.dimensions = sessions[0].dimensions
        self.provider = sessions[0].provider
        self.sequence_packing = sessions[0].sequence_packing
        self._replicas = [_Replica(number, session) for number, session in enumerate(sessions)]
        self._free: SimpleQueue[_Replica] = SimpleQueue()
        for replica in self._replicas:
            self._free.put(replica)

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        """Encode one batch on a session that is free."""
        replica = self._free.get()
        try:
            return replica.thread.submit(replica.session.run, ids, mask).result()
        finally:
            self._free.put(replica)

    def prepare(self) -> None:
        """Prepare one after another: while one records, nothing else may use CUDA.

        CUDA Runtime API, "Stream Management": cudaStreamCaptureModeGlobal, which ONNX Runtime uses
        (its source, core/providers/cuda/cuda_graph.cc).
        """
        for replica in self._replicas:
            replica.thread.submit(replica.session.prepare).result()

    def close(self) -> None:
        """Free all. Closing twice does nothing."""
        for replica in self._replicas:
            replica.thread.shutdown(wait=False)  # a batch that hangs must not keep the process
            replica.session.close()
