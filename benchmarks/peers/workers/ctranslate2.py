"""CTranslate2 int8: the source model, converted by its own converter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ctranslate2
import numpy as np
import tokenizers

from benchmarks.peers.worker import Encode, run, unit


def _make(options: dict[str, Any]) -> Encode:
    replicas = options["replicas"]
    encoder = ctranslate2.Encoder(
        options["converted"],
        device="cpu",
        compute_type="int8",
        inter_threads=replicas,
        intra_threads=options["threads"] // replicas,
    )
    pool = ThreadPoolExecutor(replicas)
    tokenizer: Any = tokenizers.Tokenizer.from_file(options["tokenizer"])
    tokenizer.no_padding()
    tokenizer.enable_truncation(options["max_length"])

    def encode(texts: list[str], batch: int) -> Any:
        rows = [row.ids for row in tokenizer.encode_batch_fast(texts)]
        order = np.argsort([-len(row) for row in rows], kind="stable")
        parts = [order[start : start + batch] for start in range(0, len(order), batch)]
        found = pool.map(lambda part: _run(encoder, [rows[row] for row in part]), parts)
        return np.concatenate(list(found))[np.argsort(order)]

    return encode


def _run(encoder: Any, rows: list[list[int]]) -> Any:
    """Mean over each text's tokens, then length 1, as the model's own pooling does."""
    hidden = np.array(encoder.forward_batch(rows).last_hidden_state)
    lengths = np.array([len(row) for row in rows])
    present = np.arange(hidden.shape[1]) < lengths[:, None]
    return unit((hidden * present[:, :, None]).sum(axis=1) / lengths[:, None])


if __name__ == "__main__":
    run(_make, ["ctranslate2", "tokenizers"])
