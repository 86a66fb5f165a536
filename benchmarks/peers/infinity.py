"""The Infinity server on the engine's own graph, its ONNX engine over HTTP."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load.contract import TargetSpec
from benchmarks.load.servers import free_port
from benchmarks.peers.child import PeerFailedError
from benchmarks.peers.install import Environment

NAME = "infinity"
_START_SECONDS = 180.0
_REASON_CHARACTERS = 400


@contextmanager
def serving(folder: Path) -> Iterator[TargetSpec]:
    """Start it on a model folder, stop it in the end.

    Raises:
        PeerFailedError: it is not installed or did not start.
    """
    environment = Environment(NAME)
    if environment.absent is not None:
        raise PeerFailedError(environment.absent)
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            _command(environment, port), cwd=folder, env=_environment(), stdout=log, stderr=log
        )
        try:
            if not _answers(f"http://127.0.0.1:{port}/health", process):
                log.seek(0)
                words = log.read().decode(errors="replace").strip()
                raise PeerFailedError(f"it did not start: {words[-_REASON_CHARACTERS:]}")
            yield TargetSpec("openai", f"127.0.0.1:{port}", model="peer")
        finally:
            process.terminate()
            process.wait(60)


def _command(environment: Environment, port: int) -> list[str]:
    """The model is the working folder: optimum takes the graph's path only if it is relative."""
    return [
        *(str(environment.program("infinity_emb")), "v2", "--model-id", "."),
        *("--served-model-name", "peer", "--engine", "optimum", "--device", "cpu"),
        *("--host", "127.0.0.1", "--port", str(port), "--url-prefix", "/v1"),
        # What it guesses for a local folder is the first token's vector: cosine .48 to the model's.
        *("--pooling-method", "mean", "--log-level", "warning"),
    ]


def _environment() -> dict[str, str]:
    """No network, no statistics sent, and the graph as it is: it is optimized already."""
    settings = {
        "HF_HUB_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
        "INFINITY_ANONYMOUS_USAGE_STATS": "0",
        "INFINITY_ONNX_DISABLE_OPTIMIZE": "1",
    }
    return {**os.environ, **settings}


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether it is up in time."""
    deadline, pause = time.monotonic() + _START_SECONDS, threading.Event()
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own server
                return True
        except (urllib.error.URLError, OSError):
            pause.wait(0.5)
    return False
