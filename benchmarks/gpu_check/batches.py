"""Batches of real texts with uneven lengths, and vectors to search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from benchmarks import data
from bertine.artifact import Artifact
from bertine.encode.padding import pad
from bertine.types import Matrix
from bertine_export.texts import load

_SIZES = (1, 2, 3, 5, 8, 32)
_BLOCK = 50_000

Batch = tuple[NDArray[np.int64], NDArray[np.int64]]


def texts(count: int) -> tuple[list[str], str]:
    """Texts, and what they are: glosses, or what the exporter ships where those are absent."""
    try:
        return [gloss.text for gloss in data.glosses(data.folder(), count)], "WordNet glosses"
    except (data.DataAbsentError, OSError):
        shipped = load()
        numbered = [f"{shipped[place % len(shipped)]} ({place})" for place in range(count)]
        return numbered, "shipped texts"


def cut(rows: Sequence[NDArray[np.int32]], lengths: NDArray[np.int64]) -> list[NDArray[np.int32]]:
    """Pieces of given lengths of texts put one behind the other, again and again if need be."""
    stream = np.resize(np.concatenate(rows), int(lengths.sum()))
    return np.split(stream, np.cumsum(lengths)[:-1])


def ragged_texts(model: Artifact, count: int) -> list[NDArray[np.int32]]:
    """Token ids of texts, some of them put together so that all lengths are there.

    Args:
        model: whose tokenizer and longest input count.
        count: how many.
    """
    shipped, chance = load(), np.random.default_rng(0)
    sizes = chance.integers(1, 24, max(1, count // 3))
    joined = [" ".join(chance.choice(shipped, size)) for size in sizes]
    return tokenize(model, [*joined, *(shipped * (count // len(shipped) + 1))][:count])


def tokenize(model: Artifact, texts: Sequence[str]) -> list[NDArray[np.int32]]:
    """Token ids of each text, special tokens included, cut where the model ends."""
    tokenizer: Any = tokenizers.Tokenizer.from_file(str(model.tokenizer_path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(model.manifest.max_length)
    return [np.array(entry.ids, np.int32) for entry in tokenizer.encode_batch_fast(list(texts))]


def in_batches(texts: Sequence[NDArray[np.int32]], pad_token_id: int) -> list[Batch]:
    """All texts in their order, in batches of changing size, right-padded."""
    found: list[Batch] = []
    start = 0
    while start < len(texts):
        size = _SIZES[len(found) % len(_SIZES)]
        found.append(pad(texts[start : start + size], pad_token_id))
        start += size
    return found


def even(model: Artifact, rows: int, length: int) -> Batch:
    """A batch of random tokens without padding."""
    ids = np.random.default_rng(0).integers(0, model.manifest.vocab_size, (rows, length), np.int64)
    return ids, np.ones_like(ids)


def spread(rows: int, dimensions: int, seed: int) -> Matrix:
    """Unit vectors that are as hard to search as those of texts.

    Their principal components' deviations fall as 1 / sqrt(i), in directions that are the same for
    every seed. Of 116,659 of them IVF1024,SQfp16 finds .963 of the ten nearest at nprobe 64; of as
    many WordNet glosses by MiniLM it finds .971 (measured on a CPU).

    Args:
        rows: how many.
        dimensions: of them.
        seed: of the rows.
    """
    shape = dimensions, dimensions
    directions = np.random.default_rng(99).standard_normal(shape, dtype=np.float32)
    directions *= np.arange(1, dimensions + 1, dtype=np.float32)[:, None] ** -0.5
    made, chance = np.empty((rows, dimensions), np.float32), np.random.default_rng(seed)
    for start in range(0, rows, _BLOCK):
        block = made[start : start + _BLOCK]
        np.matmul(chance.standard_normal(block.shape, dtype=np.float32), directions, out=block)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return made
