"""A peer's process, as the comparison sees it. See `benchmarks.peers.worker`."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from bertine.types import Matrix

_REPOSITORY = Path(__file__).resolve().parents[2]
_REASON_CHARACTERS = 300
_TUNING_SECONDS = 20.0


class PeerFailedError(Exception):
    """The peer's process ended; the message is the end of what it wrote."""


class Peer:
    """One worker, started by entering it.

    Args:
        module: of `PACKAGE`.
        python: interpreter of its environment.
        options: for the worker.

    Attributes:
        batch: texts of a batch, see `tune`.
        versions: of what it is made of, once started.
    """

    PACKAGE = "benchmarks.peers.workers"

    def __init__(self, module: str, python: Path, options: Mapping[str, Any]) -> None:
        self.batch = 32
        self.versions: dict[str, str] = {}
        self._command = [
            *(str(python), "-m", f"{self.PACKAGE}.{module}"),
            json.dumps(dict(options)),
        ]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process has ended
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            cwd=_REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        try:
            self.versions = self._reply()["versions"]
        except PeerFailedError:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it; once is enough."""
        if self._process is not None:
            self._process.communicate(timeout=60)
            self._process = None
            self._log.close()

    def give(self, texts: Path) -> None:
        """Let it read its texts, a JSON list in a file."""
        self.ask({"texts": str(texts)})

    def rate(self, count: int) -> float:
        """Encode the first texts; texts a second."""
        answer = self.ask({"count": count, "batch": self.batch})
        return count / float(answer["seconds"])

    def vectors(self, count: int) -> Matrix:
        """The vectors of the first texts, float32 ``[count, d]``."""
        with tempfile.TemporaryDirectory(prefix="bertine-") as folder:
            path = Path(folder) / "vectors.npy"
            self.ask({"count": count, "batch": self.batch, "vectors": str(path)})
            vectors: Matrix = np.load(path)
        return vectors

    def tune(self, batches: Sequence[int], count: int, rounds: int = 3) -> None:
        """Choose the batch it is fastest with, by the best of a few rounds, of 20 s at most."""
        rates = dict.fromkeys(batches, 0.0)
        ends = time.monotonic() + _TUNING_SECONDS
        for turn in range(rounds):
            if turn and time.monotonic() > ends:
                break
            for batch in batches:
                self.batch = batch
                rates[batch] = max(rates[batch], self.rate(count))
        self.batch = max(rates, key=rates.__getitem__)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Its answer to a request.

        Raises:
            PeerFailedError: its process ended; with the last it wrote.
        """
        process = self._process
        if process is None or process.stdin is None:
            raise PeerFailedError("the peer was not started")
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise PeerFailedError(self._last_words()) from None
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process and self._process.stdout else ""
        if not line:
            raise PeerFailedError(self._last_words())
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()[-_REASON_CHARACTERS:]
