"""Text to token ids, by Hugging Face tokenizers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.encode.tokens import Tokens
from bertine.errors import ArtifactError, InvalidInput
from bertine.types import InputType

# The encoder brings its own threads. The library's pool on top would take the cores from the model,
# and would complain on stderr after a fork. It reads this variable at its first batch.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import tokenizers


class Tokenizer:
    """A model's tokenizer. Safe to use from several threads; releases the GIL while it works.

    Args:
        path: of ``tokenizer.json``; truncation and padding saved in it are ignored.
        max_length: longest result in tokens, special tokens included.
        vocab_size: the model takes ids ``0 .. vocab_size - 1``.
        prompts: text put before each input, by input type; none for a type that is missing.

    Raises:
        ArtifactError: the file is damaged, or does not fit the model.
    """

    def __init__(
        self, path: Path, *, max_length: int, vocab_size: int, prompts: Mapping[str, str]
    ) -> None:
        self.max_length = max_length
        self.vocab_size = vocab_size
        self._prompts = dict(prompts)
        self._whole, self._cutting = _open(path), _open(path)
        self._check_fit(path)
        self._cutting.enable_truncation(max_length)
        self._suffix = _special_suffix(self._whole)

    def prompt(self, input_type: InputType) -> str:
        """What is put before each text, "" for nothing."""
        return self._prompts.get(input_type, "")

    def encode(
        self,
        texts: Sequence[str],
        input_type: InputType = "none",
        *,
        truncate: bool = True,
        field: str = "texts",
        first: int = 0,
    ) -> list[Tokens]:
        """Tokenize texts as sentence-transformers does: prompt first, ends stripped.

        Args:
            texts: any number.
            input_type: which prompt goes before each text.
            truncate: cut at ``max_length``, keeping the special tokens at the end.
            field: the caller's name for ``texts``, for messages.
            first: position of the first text in ``field``, for messages.

        Returns:
            One for each text, in order.

        Raises:
            InvalidInput: a text is not valid Unicode, or is too long and ``truncate`` is False.
        """
        prompt = self.prompt(input_type)
        prepared = [(prompt + text).strip() for text in texts]
        engine = self._cutting if truncate else self._whole
        try:
            encodings = engine.encode_batch_fast(prepared)
        except TypeError as error:
            raise _not_unicode(texts, field, first) from error
        tokens = [
            Tokens(np.array(encoding.ids, dtype=np.int32), truncate and bool(encoding.overflowing))
            for encoding in encodings
        ]
        if not truncate:
            self._refuse_long(tokens, field, first)
        return tokens

    def check_ids(
        self, ids: Sequence[int] | NDArray[Any], field: str = "token_ids", *, truncate: bool = True
    ) -> Tokens:
        """Take a caller's own token ids, special tokens included.

        Args:
            ids: integers ``[length]``.
            field: the caller's name for ``ids``, for messages.
            truncate: cut at ``max_length``, keeping the special tokens at the end.

        Raises:
            InvalidInput: empty, not integers, an id the model does not know, or too long while
                ``truncate`` is False.
        """
        array = _as_integers(ids, field)
        wrong = np.flatnonzero((array < 0) | (array >= self.vocab_size))
        if wrong.size:
            where = int(wrong[0])
            raise InvalidInput(
                f"{field}.ids[{where}]",
                f"token id {array[where]} is not in the model's vocabulary, "
                f"which has the ids 0 to {self.vocab_size - 1}",
            )
        whole = array.astype(np.int32)
        if len(whole) <= self.max_length:
            return Tokens(whole)
        if not truncate:
            raise InvalidInput(field, self._too_long(len(whole)))
        return Tokens(self._cut(whole), truncated=True)

    def _cut(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        kept = ids[: self.max_length].copy()
        size = len(self._suffix)
        if size and np.array_equal(ids[-size:], self._suffix):
            kept[-size:] = self._suffix
        return kept

    def _refuse_long(self, tokens: Sequence[Tokens], field: str, first: int) -> None:
        for position, entry in enumerate(tokens, first):
            if entry.length > self.max_length:
                raise InvalidInput(f"{field}[{position}]", self._too_long(entry.length))

    def _too_long(self, length: int) -> str:
        return (
            f"has {length} tokens, the model takes {self.max_length}, special tokens and prompt "
            "included; shorten it, split it, or allow truncation"
        )

    def _check_fit(self, path: Path) -> None:
        highest = max(self._whole.get_vocab(with_added_tokens=True).values(), default=0)
        if highest >= self.vocab_size:
            raise ArtifactError(
                f"{path} has token ids up to {highest}, the model takes 0 to "
                f"{self.vocab_size - 1}; export the model again with its own tokenizer"
            )
        special = self._whole.num_special_tokens_to_add(is_pair=False)
        if self.max_length <= special:
            raise ArtifactError(
                f"the manifest beside {path} says a maximum of {self.max_length} tokens, of which "
                f"{special} are special: no text fits; export the model again"
            )


def _open(path: Path) -> Any:
    try:
        engine = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise ArtifactError(
            f"{path} is not a tokenizer: {error}; export the model again"
        ) from error
    engine.no_truncation()
    engine.no_padding()
    return engine


def _special_suffix(engine: Any) -> NDArray[np.int32]:
    """The special tokens that end every encoding, such as ``[SEP]``."""
    ends = engine.encode("a")
    size = 0
    for special in reversed(ends.special_tokens_mask):
        if not special:
            break
        size += 1
    return np.array(ends.ids[len(ends.ids) - size :], dtype=np.int32)


def _not_unicode(texts: Sequence[str], field: str, first: int) -> InvalidInput:
    for position, text in enumerate(texts, first):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return InvalidInput(
                f"{field}[{position}]",
                f"character {error.start} is the lone surrogate U+{ord(text[error.start]):04X}; "
                "send valid Unicode text",
            )
    return InvalidInput(field, "is not a list of texts that can be tokenized")


def _as_integers(ids: Sequence[int] | NDArray[Any], field: str) -> NDArray[np.integer[Any]]:
    try:
        array = np.asarray(ids)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(field, f"is not a flat list of token ids: {error}") from error
    if array.ndim == 1 and not array.size:
        raise InvalidInput(field, "has no token ids; give at least one")
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise InvalidInput(
            field, f"must be a flat list of whole numbers, not {array.dtype} {list(array.shape)}"
        )
    return array
