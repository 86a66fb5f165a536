"""The engine without a server: what a served rate is held against."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.load.remote import Remote
from bertine import artifact
from bertine.encode.device import AUTO
from bertine.encode.encoder import Encoder
from bertine.encode.opening import DeviceSettings
from bertine.types import Matrix

_WARM_UP = 256


class Offline:
    """An encoder with nothing in front of it. Meant to live in a `Remote`.

    Args:
        model: artifact folder.
        variant: which graph.
        device: see `DeviceSettings`.
        threads: 0 for one for each core.
    """

    def __init__(self, model: Path, variant: str, device: str = AUTO, threads: int = 0) -> None:
        self._encoder = Encoder.open(
            artifact.load(model),
            variant=variant,
            device=DeviceSettings(device, threads=threads or None),
        )
        self._encoder.warm_up()

    def rate(self, texts: Sequence[str]) -> float:
        """Texts a second of one `Encoder.embed_sync` with all of them."""
        self._encoder.embed_sync(texts[:_WARM_UP])
        started = time.perf_counter()
        self._encoder.embed_sync(texts)
        return len(texts) / (time.perf_counter() - started)

    def vectors(self, texts: Sequence[str]) -> Matrix:
        """float32 ``[texts, d]``."""
        return self._encoder.embed_sync(texts).vectors

    def close(self) -> None:
        """Free the model."""
        self._encoder.close()


def offline(model: Path, variant: str, device: str = AUTO, threads: int = 0) -> Remote:
    """An `Offline` in a process of its own."""
    return Remote(partial(Offline, model, variant, device, threads))


def reference(model: Path) -> Remote:
    """The same of the graph that all others are held against."""
    return offline(model, "fp32")
