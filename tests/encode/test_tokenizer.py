from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.tokenizer import Tokenizer
from bertine.errors import ArtifactError, InvalidInput


def test_special_tokens_surround_the_text(tokenizer: Tokenizer) -> None:
    (tokens,) = tokenizer.encode(["a b"])
    assert tokens.ids.tolist() == [2, 7, 8, 3]
    assert tokens.ids.dtype == np.int32
    assert tokens.length == 4
    assert not tokens.truncated


def test_the_prompt_of_the_input_type_goes_first(tokenizer: Tokenizer) -> None:
    (query,) = tokenizer.encode(["a"], "query")
    (document,) = tokenizer.encode(["a"], "document")
    assert query.ids.tolist() == [2, 4, 5, 6, 7, 3]
    assert document.ids.tolist() == [2, 7, 3]


def test_truncation_keeps_the_last_special_token(tokenizer: Tokenizer) -> None:
    fits, cut = tokenizer.encode(["a " * 14, "a " * 15])
    assert (fits.length, fits.truncated) == (16, False)
    assert (cut.length, cut.truncated) == (16, True)
    assert cut.ids[-1] == 3


def test_without_truncation_a_long_text_is_refused_by_position(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode(["a " * 14], truncate=False)[0].length == 16
    with pytest.raises(InvalidInput, match="17 tokens, the model takes 16") as caught:
        tokenizer.encode(["a", "a " * 15], truncate=False, field="texts", first=10)
    assert caught.value.field == "texts[11]"


@pytest.mark.parametrize("text", ["", "   \n\t", "\0", "\u200b", "a" * 65_536, "a " * 32_768])
def test_odd_texts_are_tokenized(tokenizer: Tokenizer, text: str) -> None:
    (tokens,) = tokenizer.encode([text])
    assert 2 <= tokens.length <= 16


def test_a_lone_surrogate_is_named(tokenizer: Tokenizer) -> None:
    with pytest.raises(InvalidInput, match=r"lone surrogate U\+D800") as caught:
        tokenizer.encode(["fine", "b\ud800d"], first=3)
    assert caught.value.field == "texts[4]"


@given(st.lists(st.text(st.characters()), max_size=4))
def test_any_text_gives_valid_ids_or_invalid_input(tokenizer_path: Path, texts: list[str]) -> None:
    tokenizer = Tokenizer(tokenizer_path, max_length=16, vocab_size=11, prompts={})
    try:
        encoded = tokenizer.encode(texts)
    except InvalidInput:
        assert any("\ud800" <= character <= "\udfff" for text in texts for character in text)
        return
    assert len(encoded) == len(texts)
    for tokens in encoded:
        assert 2 <= tokens.length <= 16
        assert ((tokens.ids >= 0) & (tokens.ids < 11)).all()


@pytest.mark.parametrize("content", [None, "", "{", '{"version": "1.0"}', "[]"])
def test_a_damaged_file_is_an_artifact_error(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ArtifactError, match=r"tokenizer\.json is not a tokenizer"):
        Tokenizer(path, max_length=16, vocab_size=11, prompts={})


def test_a_tokenizer_larger_than_the_model_is_refused(tokenizer_path: Path) -> None:
    with pytest.raises(ArtifactError, match="token ids up to 10, the model takes 0 to 9"):
        Tokenizer(tokenizer_path, max_length=16, vocab_size=10, prompts={})


def test_a_maximum_without_room_for_text_is_refused(tokenizer_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no text fits"):
        Tokenizer(tokenizer_path, max_length=2, vocab_size=11, prompts={})


def test_own_ids_are_taken_as_they_are(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.check_ids([2, 7, 3])
    assert tokens.ids.tolist() == [2, 7, 3]
    assert tokens.ids.dtype == np.int32


@pytest.mark.parametrize(
    ("ids", "field", "problem"),
    [
        ([], "token_ids[1]", "no token ids"),
        ([2, 11], "token_ids[1].ids[1]", "token id 11 is not in the model's vocabulary"),
        ([-1], "token_ids[1].ids[0]", "token id -1"),
        ([2**32 - 1], "token_ids[1].ids[0]", "token id 4294967295"),
        ([2**70], "token_ids[1]", "whole numbers"),
        ([1.5], "token_ids[1]", "whole numbers"),
        ([True], "token_ids[1]", "whole numbers"),
        ([[1]], "token_ids[1]", "flat list"),
        ([[1], [1, 2]], "token_ids[1]", "flat list"),
        (["a"], "token_ids[1]", "whole numbers"),
    ],
)
def test_wrong_ids_are_refused(
    tokenizer: Tokenizer, ids: list[int], field: str, problem: str
) -> None:
    with pytest.raises(InvalidInput, match=problem) as caught:
        tokenizer.check_ids(ids, "token_ids[1]")
    assert caught.value.field == field


def test_long_ids_are_cut_or_refused(tokenizer: Tokenizer) -> None:
    ids = np.array([2, *[7] * 20, 3])
    cut = tokenizer.check_ids(ids)
    assert cut.truncated
    assert cut.ids.tolist() == [2, *[7] * 14, 3]
    assert tokenizer.check_ids(ids[:-1]).ids.tolist() == [2, *[7] * 15]
    with pytest.raises(InvalidInput, match="has 22 tokens, the model takes 16"):
        tokenizer.check_ids(ids, truncate=False)
