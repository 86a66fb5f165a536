"""A server whose model loses its device on a batch of two texts, and hangs when it is freed."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

from bertine import artifact
from bertine.config import ServeConfig
from bertine.encode.encoder import Encoder
from bertine.encode.fake import FakeSession
from bertine.encode.tokenizer import Tokenizer
from bertine.errors import Unavailable
from bertine.model import encoder_settings
from bertine.observer import Observer
from bertine.serve import logs
from bertine.serve.server import Server, run


class LosingSession(FakeSession):
    """A driver that has lost its device may answer no call any more, not even one that frees."""

    lost = False

    def close(self) -> None:
        if self.lost:
            threading.Event().wait()


def losing_encoder(config: ServeConfig, observer: Observer) -> Encoder:
    folder = artifact.load(config.model)
    manifest = folder.manifest

    def lose(rows: int, _length: int) -> None:
        if rows == 2 and ready.is_set():
            session.lost = True
            raise Unavailable("the GPU is lost (cudaErrorECCUncorrectable): CUDA failure 214: ...")

    session = LosingSession(manifest.dimensions, before_run=lose)
    tokenizer = Tokenizer(
        folder.tokenizer_path,
        max_length=manifest.max_length,
        vocab_size=manifest.vocab_size,
        prompts=manifest.prompts,
    )
    settings = encoder_settings(config)
    return Encoder(
        manifest,
        manifest.variants[0].name,
        tokenizer,
        session,
        settings=settings,
        on_batch=observer.on_batch,
    )


ready = threading.Event()


def announce(server: Server) -> None:
    ready.set()
    print(f"bertine is serving on 127.0.0.1:{server.port}", flush=True)  # noqa: T201


if __name__ == "__main__":
    logs.configure("info", "json")
    config = ServeConfig(
        Path(sys.argv[1]), Path(sys.argv[2]), listen="127.0.0.1:0", fronts=int(sys.argv[3])
    )
    asyncio.run(run(config, announce, losing_encoder))
