from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.job import Encoded
from bertine.encode.request import Request, Tokenized, answer
from bertine.encode.tokenizer import Tokenizer
from bertine.encode.tokens import Tokens
from bertine.errors import InvalidInput


def request_of(sizes: list[int], tokenizer: Tokenizer) -> Request:
    return Request(tokenizer, ["x" * size for size in sizes], None, "none", truncate=True)


@pytest.mark.parametrize(("texts", "token_ids"), [(None, None), (["a"], [[2, 3]])])
def test_exactly_one_kind_of_input(
    tokenizer: Tokenizer, texts: list[str] | None, token_ids: list[list[int]] | None
) -> None:
    with pytest.raises(InvalidInput, match="either texts or token_ids"):
        Request(tokenizer, texts, token_ids, "none", truncate=True)


def test_tokens_that_were_checked_before_are_taken_as_they_are(tokenizer: Tokenizer) -> None:
    tokens = [Tokens(np.array([2, 7, 3], np.int32)) for _ in range(100)]
    request = Request(tokenizer, None, tokens, "none", truncate=True)
    assert request.short
    assert request.tokenize(slice(10, 20)).tokens == tokens[10:20]
    assert len(set(request.keys())) == 1


@given(sizes=st.lists(st.integers(0, 70_000) | st.integers(0, 100), max_size=20))
def test_parts_cover_every_input_once_in_order(tokenizer_path: Path, sizes: list[int]) -> None:
    tokenizer = Tokenizer(tokenizer_path, max_length=16, vocab_size=11, prompts={})
    parts = list(request_of(sizes, tokenizer).parts())
    assert [row for part in parts for row in range(part.start, part.stop)] == list(
        range(len(sizes))
    )
    for part in parts:
        assert part.stop == part.start + 1 or sum(sizes[part]) <= 65_536


def test_a_text_that_was_cut_says_nothing_of_how_long_texts_are(tokenizer: Tokenizer) -> None:
    request = Request(tokenizer, ["a b", "a " * 1_000, "c"], None, "none", truncate=True)
    [part] = request.parts()
    tokenized = request.tokenize(part)
    assert [entry.truncated for entry in tokenized.tokens] == [False, True, False]
    alone = Request(tokenizer, ["a b", "c"], None, "none", truncate=True)
    assert tokenized.size == alone.tokenize(slice(0, 2)).size
    assert Request(tokenizer, ["a " * 1_000], None, "none", truncate=True).tokenize(part).size == 0


def test_many_inputs_are_split_and_few_are_not(tokenizer: Tokenizer) -> None:
    many = request_of([10] * 600, tokenizer)
    assert [part.stop for part in many.parts()] == [256, 512, 600]
    assert not many.short
    few = request_of([20] * 10, tokenizer)
    assert len(list(few.parts())) == 1
    assert few.short


def test_messages_name_the_position_in_the_request(tokenizer: Tokenizer) -> None:
    texts = Request(tokenizer, ["a"] * 300 + ["\udc00"], None, "none", truncate=True)
    with pytest.raises(InvalidInput, match=r"^texts\[300\]"):
        texts.tokenize(slice(256, 301))
    ids = Request(tokenizer, None, [[2, 3], [2, 99]], "none", truncate=True)
    with pytest.raises(InvalidInput, match=r"^token_ids\[1\]\.ids\[1\]"):
        ids.tokenize(slice(0, 2))


def test_the_answer_is_put_together_in_order() -> None:
    tokens = [Tokens(np.arange(size, dtype=np.int32), size > 3) for size in (2, 5, 4, 1)]
    vectors = np.eye(4, dtype=np.float32)
    embedded = answer(
        [Tokenized(0, tokens[:3], 0.25), Tokenized(3, tokens[3:], 0.5)],
        [Encoded(vectors[:3], 1.0, 2.0), Encoded(vectors[3:], 5.0, 6.0)],
        4,
    )
    assert (embedded.vectors == vectors).all()
    assert embedded.token_counts.tolist() == [2, 5, 4, 1]
    assert embedded.token_counts.dtype == np.int32
    assert embedded.truncated == (1, 2)
    assert embedded.tokenize_seconds == 0.75
    assert embedded.queue_seconds == 2.0
    assert embedded.encode_seconds == 3.0
