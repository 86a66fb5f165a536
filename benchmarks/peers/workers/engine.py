"""Bertine's encoder in process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import encoders
from benchmarks.peers.worker import Encode, run
from bertine import artifact


def _make(options: dict[str, Any]) -> Encode:
    encoder = encoders.real(artifact.load(Path(options["model"])), options["variant"])
    return lambda texts, _: encoder.embed_sync(texts).vectors


if __name__ == "__main__":
    run(_make, ["bertine", "onnxruntime"])
