"""Why an item was recommended: its score as a sum, over the history and over the channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.requests import ChannelShare, Contribution, Explanation

RECENCY = "recency"
"""Name of what `Rules.recency` added."""


def explained(
    parts: NDArray[np.float64], channels: Sequence[str], boost: float = 0.0
) -> Explanation:
    """Split one hit's score.

    Args:
        parts: float64 ``[channels, h + 1]``, what each channel says for each entry of the history
            and, in the last column, for none; their sum and the boost are the score.
        channels: their names.
        boost: of the recency rule.
    """
    score = float(parts.sum()) + boost
    others = [*zip(channels, parts[:, -1].tolist(), strict=True), (RECENCY, boost)]
    contributions = [
        Contribution(entry, value, _share(value, score))
        for entry, value in enumerate(parts[:, :-1].sum(axis=0).tolist())
    ]
    contributions += [
        Contribution(-1, value, _share(value, score), name) for name, value in others if value
    ]
    sums = [*zip(channels, parts.sum(axis=1).tolist(), strict=True), (RECENCY, boost)]
    shares = [ChannelShare(name, value, _share(value, score)) for name, value in sums if value]
    return Explanation(
        sorted(contributions, key=lambda part: -part.score),
        sorted(shares, key=lambda share: -share.score),
    )


def _share(part: float, score: float) -> float:
    return part / score if score else 0.0
