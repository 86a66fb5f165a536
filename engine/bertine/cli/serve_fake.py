"""`python -m bertine.cli.serve_fake`: `bertine serve` with a stand-in for the model.

For benchmarks and tests of everything but the model. It is no command of `bertine`, so that nobody
serves such vectors by accident, and they have a fingerprint of their own.
"""

from __future__ import annotations

from dataclasses import replace

from bertine import artifact
from bertine.cli.serve import serve
from bertine.config import ServeConfig
from bertine.encode.encoder import Encoder
from bertine.encode.fake import FakeSession
from bertine.encode.tokenizer import Tokenizer
from bertine.model import encoder_settings
from bertine.observer import Observer

_VARIANT = "fake"


def fake_encoder(config: ServeConfig, observer: Observer) -> Encoder:
    """The tokenizer of a model folder before a `FakeSession` of the model's dimensions."""
    folder = artifact.load(config.model)
    known = folder.manifest
    variant = replace(known.variants[0], name=_VARIANT, sha256="0" * 64)
    manifest = replace(known, variants=(variant,))
    tokenizer = Tokenizer(
        folder.tokenizer_path,
        max_length=manifest.max_length,
        vocab_size=manifest.vocab_size,
        prompts=manifest.prompts,
    )
    return Encoder(
        manifest,
        _VARIANT,
        tokenizer,
        FakeSession(manifest.dimensions),
        settings=encoder_settings(config),
        on_batch=observer.on_batch,
    )


if __name__ == "__main__":
    serve(obj=fake_encoder)
