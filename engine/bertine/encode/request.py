"""One call's inputs: how they are split and tokenized, and the answer put together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.encode.cache import Key
from bertine.encode.job import Encoded
from bertine.encode.lanes import Load
from bertine.encode.lengths import Lengths
from bertine.encode.tokenizer import Tokenizer
from bertine.encode.tokens import Tokens
from bertine.errors import InvalidInput
from bertine.types import InputType, Matrix

# A part takes a few milliseconds to tokenize and many times that to encode, so the encoder starts
# early and never waits for the next part.
_PART_INPUTS = 256
_PART_SIZE = 65_536
# Characters, and what an input costs besides. Measured: so many take 0.17 ms; the hop to a thread
# and back takes 0.07 ms when nothing else runs, and a turn of the scheduler when something does.
_SHORT_SIZE = 500
_INPUT_SIZE = 20


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """What a call comes to.

    Attributes:
        vectors: float32 ``[inputs, dimensions]``, rows of L2 norm 1.
        token_counts: int32 ``[inputs]``, special tokens and prompt included.
        truncated: positions of the inputs that were cut.
        tokenize_seconds: spent on tokenizing, summed over threads.
        queue_seconds: waiting for the encoder, mean over the inputs.
        encode_seconds: in the encoder's batches, mean over the inputs.
    """

    vectors: Matrix
    token_counts: NDArray[np.int32]
    truncated: tuple[int, ...]
    tokenize_seconds: float
    queue_seconds: float
    encode_seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Tokenized:
    """Consecutive inputs of a request, tokenized.

    Attributes:
        first: position of the first of them.
        tokens: one for each.
        seconds: that it took.
        size: of those texts together that were not cut, as `Lengths` learns from it; 0 if there
            were none.
    """

    first: int
    tokens: list[Tokens]
    seconds: float
    size: int = 0


class Request:
    """The inputs of one call.

    Args:
        tokenizer: of the model.
        texts: to tokenize; or
        token_ids: taken as they are; or `Tokens`, which whoever made them has checked.
        input_type: which prompt goes before each text.
        truncate: see `Tokenizer.encode`.

    Raises:
        InvalidInput: not exactly one of texts and token ids.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        texts: Sequence[str] | None,
        token_ids: Sequence[Sequence[int]] | Sequence[Tokens] | None,
        input_type: InputType,
        *,
        truncate: bool,
    ) -> None:
        if (texts is None) == (token_ids is None):
            raise InvalidInput("texts", "give either texts or token_ids")
        self._tokenizer = tokenizer
        self._texts = texts
        self._token_ids = token_ids
        self._input_type = input_type
        self._truncate = truncate
        self._sizes = [len(entry) + _INPUT_SIZE for entry in texts or token_ids or ()]
        self._keys: list[Key] | None = None
        self._checked = isinstance(next(iter(token_ids or ()), None), Tokens)

    @property
    def inputs(self) -> int:
        """How many vectors it asks for."""
        return len(self._sizes)

    def load(self, lengths: Lengths) -> Load:
        """What it will bring to the encoder, before anything is tokenized."""
        if self._texts is not None:
            return Load(self.inputs, lengths.guess(self._sizes))
        longest = self._tokenizer.max_length
        return Load(self.inputs, sum(min(len(ids), longest) for ids in self._token_ids or ()))

    @property
    def has_keys(self) -> bool:
        """Whether repeats of it are looked for: token ids are checked first, which takes time."""
        return self._texts is not None or self.short

    def keys(self) -> list[Key]:
        """What makes each input's vector, see `Key`; made once, whoever asks first.

        Raises:
            InvalidInput: token ids that the model cannot take.
        """
        if self._keys is None:
            self._keys = self._make_keys()
        return self._keys

    def _make_keys(self) -> list[Key]:
        truncate = self._truncate
        if self._texts is not None:
            prompt = self._tokenizer.prompt(self._input_type)
            return [(prompt, truncate, text) for text in self._texts]
        # Checked first: True and 1.0 would be found as 1, which they must not be taken for.
        return [("", entry.truncated, entry.ids.tobytes()) for entry in self._tokens(slice(None))]

    def only(self, positions: Sequence[int]) -> Request:
        """A request of some of the inputs."""
        some: list[Any] = [(self._texts or self._token_ids or ())[n] for n in positions]
        texts, token_ids = (None, some) if self._texts is None else (some, None)
        return Request(self._tokenizer, texts, token_ids, self._input_type, truncate=self._truncate)

    @property
    def short(self) -> bool:
        """Whether tokenizing is over too soon to be worth handing to another thread."""
        return self._checked or sum(self._sizes) <= _SHORT_SIZE

    def parts(self) -> Iterator[slice]:
        """Consecutive inputs to tokenize together; all of a short request are one part."""
        start = size = 0
        for position, entry in enumerate(self._sizes):
            if position - start == _PART_INPUTS or (position > start and size + entry > _PART_SIZE):
                yield slice(start, position)
                start, size = position, 0
            size += entry
        if self._sizes:
            yield slice(start, len(self._sizes))

    def tokenize(self, part: slice) -> Tokenized:
        """Token ids of some of the inputs.

        Raises:
            InvalidInput: see `Tokenizer.encode` and `Tokenizer.check_ids`.
        """
        started = time.perf_counter()
        tokens = self._tokens(part)
        seconds = time.perf_counter() - started
        sizes = [] if self._texts is None else self._sizes[part]
        size = sum(n for n, entry in zip(sizes, tokens, strict=False) if not entry.truncated)
        return Tokenized(part.start, tokens, seconds, size)

    def _tokens(self, part: slice) -> list[Tokens]:
        if self._texts is not None:
            return self._tokenizer.encode(
                self._texts[part], self._input_type, truncate=self._truncate, first=part.start
            )
        ids: Sequence[Any] = (self._token_ids or ())[part]
        if self._checked:
            return list(ids)
        return [
            self._tokenizer.check_ids(entry, f"token_ids[{position}]", truncate=self._truncate)
            for position, entry in enumerate(ids, part.start or 0)
        ]


def answer(parts: Sequence[Tokenized], encoded: Sequence[Encoded], dimensions: int) -> Embedded:
    """Put a request's parts together, in order.

    Args:
        parts: all of them.
        encoded: one for each part.
        dimensions: of a vector, for a request without inputs.
    """
    tokens = parts[0].tokens if len(parts) == 1 else [entry for p in parts for entry in p.tokens]
    weights = [len(part.tokens) / len(tokens) for part in parts]
    cut = [position for position, entry in enumerate(tokens) if entry.truncated]
    return Embedded(
        vectors=_join([part.vectors for part in encoded], dimensions),
        token_counts=np.array([len(entry.ids) for entry in tokens], np.int32),
        truncated=tuple(cut),
        tokenize_seconds=sum(part.seconds for part in parts),
        queue_seconds=_weighted(weights, [part.queue_seconds for part in encoded]),
        encode_seconds=_weighted(weights, [part.encode_seconds for part in encoded]),
    )


def _join(vectors: Sequence[Matrix], dimensions: int) -> Matrix:
    if len(vectors) == 1:
        return vectors[0]
    return np.concatenate([np.empty((0, dimensions), dtype=np.float32), *vectors])


def _weighted(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, values, strict=True))
