"""A toy tokenizer and a fake model for most tests, the real model for a few.

BERTINE_TEST_ARTIFACT names the folder of an exported all-MiniLM-L6-v2 and saves exporting it anew.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

from bertine.artifact import Artifact, Manifest, Parity, Variant, load
from bertine.encode.contract import Session
from bertine.encode.encoder import Encoder
from bertine.encode.fake import FakeSession
from bertine.encode.settings import Settings
from bertine.encode.statistics import BatchReport
from bertine.encode.tokenizer import Tokenizer
from bertine.encode.tokens import Tokens

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "search", "query", ":", "a", "b", "c", "poison"]


@pytest.fixture(scope="session")
def tokenizer_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One token a word; [CLS] is 2, [SEP] is 3, "a" is 7, "poison" is 10."""
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    engine = tokenizers.Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    engine.normalizer = normalizers.BertNormalizer()
    engine.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    engine.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    engine.enable_truncation(4)  # both must be ignored
    engine.enable_padding(length=8)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    engine.save(str(path))
    return path


@pytest.fixture
def tokenizer(tokenizer_path: Path) -> Tokenizer:
    return Tokenizer(
        tokenizer_path, max_length=16, vocab_size=len(WORDS), prompts={"query": "search query: "}
    )


@pytest.fixture
def manifest() -> Manifest:
    parity = Parity(cosine_mean=1.0, cosine_min=1.0, texts=1)
    variant = Variant("fp32", "fp32.onnx", "0" * 64, "fp32", "cpu", False, 1, 1.0, parity)
    return Manifest(
        name="toy",
        architecture="BertModel",
        source="toy",
        source_sha256="0" * 64,
        dimensions=64,
        max_length=16,
        vocab_size=len(WORDS),
        pad_token_id=0,
        pooling="mean",
        prompts={"query": "search query: "},
        opset=17,
        tokenizer_sha256="0" * 64,
        variants=(variant,),
        created="2026-01-01T00:00:00+00:00",
    )


@pytest.fixture
def open_encoder(manifest: Manifest, tokenizer: Tokenizer) -> Iterator[Callable[..., Encoder]]:
    """Make an encoder over a fake session; all are closed in the end."""
    opened: list[Encoder] = []

    def make(
        session: Session | None = None,
        on_batch: Callable[[BatchReport], None] | None = None,
        **settings: Any,
    ) -> Encoder:
        encoder = Encoder(
            manifest,
            "fp32",
            tokenizer,
            session or FakeSession(),
            settings=Settings(**settings),
            on_batch=on_batch,
        )
        opened.append(encoder)
        return encoder

    yield make
    for encoder in opened:
        encoder.close()


@pytest.fixture(scope="session")
def make_tokens() -> Callable[..., list[Tokens]]:
    """Tokens of given lengths, all different, from id 100 on unless said otherwise."""

    def make(lengths: Sequence[int], first_id: int = 100) -> list[Tokens]:
        ends = np.cumsum(lengths) + first_id
        return [
            Tokens(np.arange(end - length, end, dtype=np.int32))
            for end, length in zip(ends.tolist(), lengths, strict=True)
        ]

    return make


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The real all-MiniLM-L6-v2, fp32 and int8."""
    if ready := os.environ.get("BERTINE_TEST_ARTIFACT"):
        return load(Path(ready))
    try:
        export = importlib.import_module("bertine_export").export_model
    except (ImportError, AttributeError) as error:
        pytest.skip(f"no model can be exported here: {error}; set BERTINE_TEST_ARTIFACT")
    made: Artifact = export("all-MiniLM-L6-v2", tmp_path_factory.mktemp("model") / "artifact")
    return made


@pytest.fixture(scope="session")
def real_encoder(artifact: Artifact) -> Iterator[Encoder]:
    encoder = Encoder.open(artifact)
    yield encoder
    encoder.close()
