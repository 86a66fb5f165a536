"""ONNX Runtime as it comes: default settings, texts sorted by tokens, the engine's graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import tokenizers

from benchmarks.peers.worker import Encode, run


def _make(options: dict[str, Any]) -> Encode:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options["threads"]
    session = onnxruntime.InferenceSession(
        options["graph"], settings, providers=["CPUExecutionProvider"]
    )
    tokenizer: Any = tokenizers.Tokenizer.from_file(options["tokenizer"])
    tokenizer.no_padding()
    tokenizer.enable_truncation(options["max_length"])

    def encode(texts: list[str], batch: int) -> Any:
        rows = [row.ids for row in tokenizer.encode_batch_fast(texts)]
        order = np.argsort([len(row) for row in rows], kind="stable")
        parts = [order[start : start + batch] for start in range(0, len(order), batch)]
        found = np.concatenate([_run(session, [rows[row] for row in part]) for part in parts])
        return found[np.argsort(order)]

    return encode


def _run(session: Any, rows: list[list[int]]) -> Any:
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]


if __name__ == "__main__":
    run(_make, ["onnxruntime", "tokenizers"])
