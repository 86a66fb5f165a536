"""The loop that an encoder is held against: sort by length, batch, run; nothing else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from bertine.artifact import Artifact
from bertine.encode.contract import Session
from bertine.encode.padding import pad
from bertine.encode.session import OnnxSession
from bertine.types import Matrix


class BareLoop:
    """ONNX Runtime over texts sorted by length, with the session settings of the engine.

    Args:
        model: its artifact.
        variant: which graph.
        batch: texts of a batch.

    Attributes:
        batch: may be set between calls.
        session_seconds: spent in ONNX Runtime by the last call.
        padding: share of the last call's tokens that were padding.
    """

    def __init__(self, model: Artifact, variant: str, batch: int = 32) -> None:
        self.batch = batch
        self.session_seconds = 0.0
        self.padding = 0.0
        manifest = model.manifest
        self.session: Session = OnnxSession(
            model.path(variant),
            dimensions=manifest.dimensions,
            sequence_packing=manifest.variant(variant).sequence_packing,
        )
        self._pad_id = manifest.pad_token_id
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(model.tokenizer_path))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(manifest.max_length)

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """float32 ``[texts, dimensions]``, in the order of the texts."""
        rows = self.tokenize(texts)
        order = np.argsort([len(row) for row in rows], kind="stable")
        vectors = np.empty((len(rows), self.session.dimensions), np.float32)
        self.session_seconds, padded = 0.0, 0
        for start in range(0, len(order), self.batch):
            chosen = order[start : start + self.batch]
            ids, mask = pad([rows[row] for row in chosen], self._pad_id)
            vectors[chosen] = self._run(ids, mask)
            padded += ids.size
        self.padding = 1 - sum(map(len, rows)) / padded
        return vectors

    def tokenize(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Token ids of each text, special tokens included."""
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        return [np.array(encoding.ids, dtype=np.int32) for encoding in encodings]

    def _run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        started = time.perf_counter()
        vectors = self.session.run(ids, mask)
        self.session_seconds += time.perf_counter() - started
        return vectors
