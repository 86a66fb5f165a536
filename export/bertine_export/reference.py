"""What every variant is compared with: the fp32 PyTorch model's vectors, computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.artifact import ATTENTION_MASK, INPUT_IDS, Parity
from bertine_export import verify
from bertine_export.encoder import SentenceEncoder
from bertine_export.tokenizer import Batch, Ids, encode, in_batches, sorted_batches

Embed = Callable[[Sequence[Batch]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Reference:
    """The verification texts as batches, and the model's vectors of them.

    Attributes:
        batches: of verification texts, sorted by length, 32 a batch.
        vectors: float32 ``[texts, dimensions]``, in the batches' order.
        pairs: of the STS file, as batches, or None.
    """

    batches: list[Batch]
    vectors: NDArray[np.float32]
    pairs: PairReference | None

    def compare(self, vectors: NDArray[np.float32], embed: Embed) -> Parity:
        """Parity of a variant.

        Args:
            vectors: the variant's, of `batches`.
            embed: how it turns other batches into vectors.
        """
        cosines = verify.cosines(vectors, self.vectors)
        parity = Parity(float(cosines.mean()), float(cosines.min()), len(cosines))
        if self.pairs is None:
            return parity
        return Parity(
            parity.cosine_mean,
            parity.cosine_min,
            parity.texts,
            sts_spearman=self.pairs.score(embed),
            sts_reference=self.pairs.reference,
        )

    def sample(self, texts: int, pairs: int, pad_token_id: int) -> Reference:
        """A part of it, for a graph that is slow to run.

        Args:
            texts: at most, evenly from all lengths; each batch has short and long ones, so that
                padding is tried.
            pairs: at most, evenly from all.
            pad_token_id: of the model.
        """
        chosen = _evenly(len(self.vectors), texts)
        mixed = np.concatenate([chosen[start::8] for start in range(8)])
        rows = _rows(self.batches)
        batches = in_batches([rows[at] for at in mixed], pad_token_id, size=8)
        scored = self.pairs and self.pairs.sample(pairs, pad_token_id)
        return Reference(batches, self.vectors[mixed], scored)


@dataclass(frozen=True, slots=True)
class PairReference:
    """Sentence pairs as batches.

    Attributes:
        batches: of all sentences, sorted by length.
        order: int64 ``[2, pairs]``, the row of each pair's sentences in the batches' order.
        gold: float64 ``[pairs]``.
        vectors: float32 ``[2 * pairs, dimensions]``, the model's own, in the batches' order.
    """

    batches: list[Batch]
    order: NDArray[np.int64]
    gold: NDArray[np.float64]
    vectors: NDArray[np.float32]

    @property
    def reference(self) -> float:
        """The model's own Spearman x 100."""
        return self._score(self.vectors)

    def score(self, embed: Embed) -> float:
        """Spearman x 100 between the cosine of each pair's vectors and the gold scores."""
        return self._score(embed(self.batches))

    def sample(self, pairs: int, pad_token_id: int) -> PairReference:
        """At most so many of the pairs, evenly from all."""
        chosen = _evenly(len(self.gold), pairs)
        kept = self.order[:, chosen].ravel()
        every = _rows(self.batches)
        rows = [every[at] for at in kept]
        position = _sorted_positions(rows)
        vectors = np.empty_like(self.vectors[kept])
        vectors[position] = self.vectors[kept]
        batches = sorted_batches(rows, pad_token_id)
        return PairReference(batches, position.reshape(2, -1), self.gold[chosen], vectors)

    def _score(self, vectors: NDArray[np.float32]) -> float:
        left, right = self.order
        return verify.spearman(verify.cosines(vectors[left], vectors[right]), self.gold)


def make(
    model: SentenceEncoder,
    tokenizer: Any,
    texts: Sequence[str],
    pairs: verify.Pairs | None,
    pad_token_id: int,
) -> Reference:
    """Compute the reference.

    Args:
        model: in fp32.
        tokenizer: the saved one, truncating.
        texts: for verification, prompts applied.
        pairs: with gold scores, or None.
        pad_token_id: of the model.
    """
    batches = sorted_batches(encode(tokenizer, texts), pad_token_id)
    scored = None if pairs is None else _score(model, tokenizer, pairs, pad_token_id)
    return Reference(batches, model.embed(batches), scored)


def _score(
    model: SentenceEncoder, tokenizer: Any, pairs: verify.Pairs, pad_token_id: int
) -> PairReference:
    rows: list[Ids] = encode(tokenizer, [*pairs.left, *pairs.right])
    batches = sorted_batches(rows, pad_token_id)
    order = _sorted_positions(rows).reshape(2, -1)
    return PairReference(batches, order, pairs.scores, model.embed(batches))


def _sorted_positions(rows: Sequence[Ids]) -> NDArray[np.int64]:
    """Where `sorted_batches`, which sorts stably by length, puts each row."""
    position = np.empty(len(rows), dtype=np.int64)
    position[np.argsort([len(row) for row in rows], kind="stable")] = np.arange(len(rows))
    return position


def _rows(batches: Sequence[Batch]) -> list[Ids]:
    """The token ids of each text, without padding, in the batches' order."""
    return [
        ids[: int(mask.sum())].tolist()
        for batch in batches
        for ids, mask in zip(batch[INPUT_IDS], batch[ATTENTION_MASK], strict=True)
    ]


def _evenly(count: int, wanted: int) -> NDArray[np.int64]:
    """At most `wanted` of the numbers below `count`, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(np.int64))
