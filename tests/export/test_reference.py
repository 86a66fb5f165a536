"""A part of the reference says of a graph what the whole says, with padding in its batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bertine_export import reference, tokenizer
from bertine_export.reference import Reference
from bertine_export.tokenizer import Batch
from bertine_export.verify import Pairs

PADDING = 0


class Encoder:
    """Vectors that tell texts apart, at once: what is tested is which vector belongs to which."""

    def embed(self, batches: Sequence[Batch]) -> NDArray[np.float32]:
        rows = [row for batch in batches for row in batch["input_ids"] * batch["attention_mask"]]
        return np.array([[row.sum(), (row**2).sum(), 1] for row in rows], np.float32)


class Tokenizer:
    """One token for each character."""

    def encode_batch(self, texts: Sequence[str]) -> list[Any]:
        return [_Encoding([ord(character) for character in text]) for text in texts]


class _Encoding:
    def __init__(self, ids: list[int]) -> None:
        self.ids = ids


TEXTS = st.lists(st.text("abcdefgh", min_size=1, max_size=12), min_size=6, max_size=60)


def make(texts: Sequence[str]) -> Reference:
    half = len(texts) // 2
    scores = np.arange(half, dtype=np.float64)
    pairs = Pairs(texts[:half], texts[half : 2 * half], scores)
    encoder: Any = Encoder()
    return reference.make(encoder, Tokenizer(), texts, pairs, PADDING)


@given(TEXTS, st.integers(1, 70))
def test_each_vector_stays_with_its_text(texts: list[str], wanted: int) -> None:
    whole = make(texts)
    part = whole.sample(wanted, wanted, PADDING)
    assert len(part.vectors) == min(wanted, len(texts))
    np.testing.assert_array_equal(Encoder().embed(part.batches), part.vectors)
    assert part.pairs is not None
    np.testing.assert_array_equal(Encoder().embed(part.pairs.batches), part.pairs.vectors)


@given(TEXTS)
def test_a_sample_of_all_pairs_is_all_pairs(texts: list[str]) -> None:
    whole = make(texts)
    part = whole.sample(len(texts), len(texts), PADDING)
    assert whole.pairs is not None
    assert part.pairs is not None
    left, right = part.pairs.order
    whole_left, whole_right = whole.pairs.order
    for mine, theirs in ((left, whole_left), (right, whole_right)):
        np.testing.assert_array_equal(part.pairs.vectors[mine], whole.pairs.vectors[theirs])
    np.testing.assert_array_equal(part.pairs.gold, whole.pairs.gold)


def test_batches_of_a_sample_have_short_and_long_texts() -> None:
    texts = ["a" * length for length in range(1, 129)]
    part = make(texts).sample(64, 1, PADDING)
    assert len(part.batches) == 8
    for batch in part.batches:
        lengths = batch["attention_mask"].sum(axis=1)
        assert lengths.min() < lengths.max() / 3


def test_a_reference_without_pairs_has_a_sample_without_them() -> None:
    assert tokenizer.encode(Tokenizer(), ["ab"]) == [[97, 98]]
    encoder: Any = Encoder()
    whole = reference.make(encoder, Tokenizer(), ["ab", "c"], None, PADDING)
    assert whole.sample(2, 2, PADDING).pairs is None
