"""How fast a model encodes with no server around it: what an import is held against."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime
import tokenizers

from bertine import artifact
from bertine.artifact import ATTENTION_MASK, EMBEDDING, INPUT_IDS, Artifact
from bertine.encode.cores import usable_cores
from bertine.encode.encoder import Encoder

_BATCH = 32
_WARM_UP = 256

Encode = Callable[[Sequence[str]], object]


class RawLoop:
    """ONNX Runtime as its manual says: texts sorted by length, batches of 32, nothing else."""

    def __init__(self, model: Artifact, variant: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        self._session: Any = onnxruntime.InferenceSession(
            str(model.path(variant)), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(model.tokenizer_path))
        self._tokenizer.enable_truncation(model.manifest.max_length)
        self._pad_id = model.manifest.pad_token_id

    def __call__(self, texts: Sequence[str]) -> None:
        """Encode texts; the vectors are dropped."""
        rows = [row.ids for row in self._tokenizer.encode_batch_fast(list(texts))]
        rows.sort(key=len)
        for start in range(0, len(rows), _BATCH):
            self._run(rows[start : start + _BATCH])

    def _run(self, rows: list[list[int]]) -> None:
        ids = np.full((len(rows), len(rows[-1])), self._pad_id, np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(rows):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        self._session.run([EMBEDDING], {INPUT_IDS: ids, ATTENTION_MASK: mask})


def rates(
    folder: Path, variant: str, texts: Sequence[str], repeats: int, on_done: Callable[[], None]
) -> dict[str, list[float]]:
    """Texts a second of the encoder and of the raw loop, by turns, so that both see the same noise.

    Args:
        folder: of the artifact.
        variant: which graph.
        texts: to encode.
        repeats: of each.
        on_done: called after each.

    Returns:
        ``encoder`` and ``raw_loop``, each `repeats` rates.
    """
    model = artifact.load(folder)
    encoder = Encoder.open(model, variant=variant)
    contestants: dict[str, Encode] = {
        "encoder": encoder.embed_sync,
        "raw_loop": RawLoop(model, variant),
    }
    try:
        return _compete(contestants, texts, repeats, on_done)
    finally:
        encoder.close()


def best_median(measured: dict[str, list[float]]) -> float:
    """The better one's median rate: the bar is not lowered by a slow contestant."""
    return max(median(rates) for rates in measured.values())


def _compete(
    contestants: dict[str, Encode],
    texts: Sequence[str],
    repeats: int,
    on_done: Callable[[], None],
) -> dict[str, list[float]]:
    measured: dict[str, list[float]] = {name: [] for name in contestants}
    for encode in contestants.values():
        encode(texts[:_WARM_UP])
    for _ in range(repeats):
        for name, encode in contestants.items():
            started = time.perf_counter()
            encode(texts)
            measured[name].append(len(texts) / (time.perf_counter() - started))
            on_done()
    return measured
