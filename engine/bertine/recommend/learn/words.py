"""What texts have in common word for word: names, brands, sizes and numbers that vectors blur."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from bertine.kernels.texts import nearest_rows
from bertine.recommend.learn.neighbours import Linked, by_number, width

NAME = "content_words"

MOST_ITEMS = 200_000
"""In a larger catalog the channel is left out: it takes time and memory by the word."""

LONGEST = 64
"""Words of a text that count: what matters comes first."""

_DECAY = 0.5
_WORD = re.compile(r"\w+")
_LEAST_ITEMS = 2
_MOST_SHARE = 0.1
_MOST_WITH_WORD = 2_000


def near_words(texts: Sequence[str]) -> Linked | None:
    """Links from each item to those whose texts share most words, rare ones above all.

    A link is the cosine of the texts as vectors of (1 + ln count) * ln((n + 1) / (items with the
    word + 0.5)), the sublinear variant of Manning et al. 2008, Introduction to Information
    Retrieval, 6.4. A word that one item has, or every tenth, does not count.

    Args:
        texts: of the items, "" for one without.

    Returns:
        The channel ``content_words``; None if no two texts share a word, or there are too many.
    """
    if len(texts) > MOST_ITEMS:
        return None
    matrix = _weighed(texts)
    if not matrix.nnz:
        return None
    by_word = matrix.tocsc()
    links = width(len(texts))
    numbers = np.full((len(texts), links), -1, np.int32)
    values = np.zeros((len(texts), links), np.float32)
    nearest_rows(*_arrays(matrix), *_arrays(by_word), numbers, values)
    return Linked(NAME, _DECAY, *by_number(numbers, values))


def _weighed(texts: Sequence[str]) -> Any:
    """Unit rows of the words that count: sparse float32 ``[items, words]``."""
    # Read twice, or all words of all texts would be held at once.
    items = Counter(word for text in texts for word in dict.fromkeys(_words(text)))
    most = min(max(_MOST_SHARE * len(texts), _LEAST_ITEMS), _MOST_WITH_WORD)
    kept = [word for word, count in items.items() if _LEAST_ITEMS <= count <= most]
    numbers = {word: number for number, word in enumerate(kept)}
    columns, counts, starts = array("i"), array("i"), array("q", [0])
    for text in texts:
        for word, count in Counter(_words(text)).items():
            if word in numbers:
                columns.append(numbers[word])
                counts.append(count)
        starts.append(len(columns))
    rarity = np.log((len(texts) + 1) / (np.array([items[word] for word in kept]) + 0.5))
    weights = (1.0 + np.log(np.array(counts))) * rarity[np.array(columns, np.int64)]
    matrix = sparse.csr_matrix(
        (weights, np.array(columns), np.array(starts)), (len(texts), len(kept))
    )
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    rows = np.repeat(lengths, np.diff(matrix.indptr))
    matrix.data = (matrix.data / np.maximum(rows, np.finfo(np.float64).tiny)).astype(np.float32)
    return matrix


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())[:LONGEST]


def _arrays(matrix: Any) -> tuple[Any, Any, Any]:
    starts, places = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
    return starts, places, matrix.data.astype(np.float32)
