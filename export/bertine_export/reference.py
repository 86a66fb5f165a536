"""What every variant is compared with: the fp32 PyTorch model's vectors, computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.artifact import Parity
from bertine_export import verify
from bertine_export.encoder import SentenceEncoder
from bertine_export.tokenizer import Batch, Ids, encode, sorted_batches

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


@dataclass(frozen=True, slots=True)
class PairReference:
    """Sentence pairs as batches.

    Attributes:
        batches: of all sentences, sorted by length.
        order: int64 ``[2, pairs]``, the row of each pair's sentences in the batches' order.
        gold: float64 ``[pairs]``.
        reference: the model's own Spearman x 100.
    """

    batches: list[Batch]
    order: NDArray[np.int64]
    gold: NDArray[np.float64]
    reference: float = float("nan")

    def score(self, embed: Embed) -> float:
        """Spearman x 100 between the cosine of each pair's vectors and the gold scores."""
        vectors = embed(self.batches)
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
    # sorted_batches sorts stably by length, so this is where it puts each sentence.
    position = np.empty(len(rows), dtype=np.int64)
    position[np.argsort([len(row) for row in rows], kind="stable")] = np.arange(len(rows))
    unscored = PairReference(
        sorted_batches(rows, pad_token_id), position.reshape(2, -1), pairs.scores
    )
    return PairReference(
        unscored.batches, unscored.order, unscored.gold, unscored.score(model.embed)
    )
