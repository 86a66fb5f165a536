"""Encoders as benchmarks want them: without a cache, or with a model that takes no time."""

from __future__ import annotations

from collections.abc import Callable

from bertine.artifact import Artifact
from bertine.encode.encoder import Encoder
from bertine.encode.fake import FakeSession
from bertine.encode.statistics import BatchReport
from bertine.encode.tokenizer import Tokenizer

CACHE = "off"


def real(model: Artifact, variant: str) -> Encoder:
    """The model's encoder, that computes every text it is given."""
    encoder = Encoder.open(model, variant=variant)
    encoder.warm_up()
    return encoder


def fake(
    model: Artifact, variant: str, on_batch: Callable[[BatchReport], None] | None = None
) -> Encoder:
    """An encoder with the model's tokenizer and `FakeSession`: what is left is the host's work.

    Args:
        model: its artifact.
        variant: whose name and fingerprint it bears.
        on_batch: see `Encoder`.
    """
    manifest = model.manifest
    tokenizer = Tokenizer(
        model.tokenizer_path,
        max_length=manifest.max_length,
        vocab_size=manifest.vocab_size,
        prompts=manifest.prompts,
    )
    session = FakeSession(manifest.dimensions)
    return Encoder(manifest, variant, tokenizer, session, on_batch=on_batch)
