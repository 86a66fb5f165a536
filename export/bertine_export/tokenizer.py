"""The tokenizer as one `tokenizer.json` that needs only the tokenizers library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.errors import ArtifactError

Ids = list[int]
Batch = dict[str, NDArray[np.int64]]


def load_source(folder: Path) -> Any:
    """The model's own fast tokenizer, converted from its vocabulary files where need be.

    Raises:
        ArtifactError: the folder has no tokenizer, or one without a fast form.
    """
    from transformers import AutoTokenizer  # noqa: PLC0415 - slow to import

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), use_fast=True)
    except Exception as error:  # transformers lets through whatever its converters raise
        raise ArtifactError(f"the tokenizer in {folder} cannot be loaded: {error}") from error
    if not tokenizer.is_fast or tokenizer.pad_token_id is None:
        raise ArtifactError(f"the tokenizer in {folder} has no fast form with a padding token")
    return tokenizer


def save(source: Any, path: Path, *, lowercase: bool) -> None:
    """Write `tokenizer.json` without truncation and padding: the engine sets its own.

    sentence-transformers strips and perhaps lowercases a text before it tokenizes; both become
    part of the tokenizer here, so that whoever reads the file gives the same ids.

    Args:
        source: from `load_source`.
        path: of the file.
        lowercase: whether the model's settings ask for lowercase texts.
    """
    from tokenizers import Tokenizer, normalizers  # noqa: PLC0415 - kept with its only use

    tokenizer = Tokenizer.from_str(source.backend_tokenizer.to_str())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    first = [normalizers.Strip()] + ([normalizers.Lowercase()] if lowercase else [])
    last = [tokenizer.normalizer] if tokenizer.normalizer is not None else []
    tokenizer.normalizer = normalizers.Sequence([*first, *last])
    tokenizer.save(str(path))


def load(path: Path, max_length: int) -> Any:
    """The saved tokenizer, truncating to `max_length` tokens as the engine does."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - kept with its only use

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(max_length)
    return tokenizer


def encode(tokenizer: Any, texts: Sequence[str]) -> list[Ids]:
    """Token ids of each text, special tokens included."""
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def check(saved: Any, source: Any, texts: Sequence[str], *, lowercase: bool) -> None:
    """Compare the saved tokenizer with the source's, on stripped texts.

    Raises:
        ArtifactError: they disagree; the message shows the first text.
    """
    limit = saved.truncation["max_length"]
    plain = [text.strip().lower() if lowercase else text.strip() for text in texts]
    expected = source(plain, truncation=True, max_length=limit)["input_ids"]
    for text, have, want in zip(texts, encode(saved, texts), expected, strict=True):
        if have != want:
            raise ArtifactError(f"tokenizer.json gives other ids than the model's for {text!r}")


def pad(rows: Sequence[Ids], pad_token_id: int) -> Batch:
    """Right-padded `input_ids` and `attention_mask`, int64 ``[batch, longest]``."""
    longest = max(map(len, rows))
    ids = np.full((len(rows), longest), pad_token_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return {"input_ids": ids, "attention_mask": mask}


def sorted_batches(rows: Sequence[Ids], pad_token_id: int, size: int = 32) -> list[Batch]:
    """Batches of similar length, shortest first: how a corpus is encoded offline."""
    return in_batches(sorted(rows, key=len), pad_token_id, size)


def in_batches(rows: Sequence[Ids], pad_token_id: int, size: int) -> list[Batch]:
    """Batches of rows as they come."""
    return [pad(rows[at : at + size], pad_token_id) for at in range(0, len(rows), size)]
