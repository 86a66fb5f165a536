"""A server whose model hangs: for 1.5 s on a batch of two texts, for ever on one of three."""

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
from bertine.model import encoder_settings
from bertine.observer import Observer
from bertine.serve import logs
from bertine.serve.server import Server, run

SECONDS: dict[int, float | None] = {2: 1.5, 3: None}


def hang(rows: int, _length: int) -> None:
    if rows in SECONDS:
        threading.Event().wait(SECONDS[rows])


def hanging_encoder(config: ServeConfig, observer: Observer) -> Encoder:
    folder = artifact.load(config.model)
    manifest = folder.manifest
    tokenizer = Tokenizer(
        folder.tokenizer_path,
        max_length=manifest.max_length,
        vocab_size=manifest.vocab_size,
        prompts=manifest.prompts,
    )
    session = FakeSession(manifest.dimensions, before_run=hang)
    settings = encoder_settings(config)
    return Encoder(
        manifest,
        manifest.variants[0].name,
        tokenizer,
        session,
        settings=settings,
        on_batch=observer.on_batch,
    )


def announce(server: Server) -> None:
    print(f"bertine is serving on 127.0.0.1:{server.port}", flush=True)  # noqa: T201


if __name__ == "__main__":
    logs.configure("info", "json")
    config = ServeConfig(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        listen="127.0.0.1:0",
        unresponsive_seconds=0.3,
        hung_seconds=3.0,
    )
    asyncio.run(run(config, announce, hanging_encoder))
