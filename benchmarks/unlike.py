"""Batches of texts as they come, of unlike lengths: padded to the longest, or several in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks import contest
from benchmarks.timing import seconds
from bertine.encode.calibration import calibrate
from bertine.encode.contract import Session
from bertine.encode.costs import fit
from bertine.encode.packing import pack
from bertine.encode.padding import Batch, pad

_BATCHES = 12
_ROUNDS = 3
_TOKEN = 100


@dataclass(frozen=True, slots=True)
class Unlike:
    """What was measured for one size of batch, by ``padded`` and ``packed``.

    Attributes:
        rates: texts a second, of each round.
        padding: its share of the tokens that were run.
    """

    rates: dict[str, list[float]]
    padding: dict[str, float]


def measure(
    session: Session, texts: Sequence[NDArray[np.int32]], size: int, max_length: int
) -> Unlike:
    """Run the same batches both ways, by turns.

    Args:
        session: with `sequence_packing`.
        texts: token ids, in the order in which they come.
        size: texts of a batch.
        max_length: longest that the model takes, in tokens.
    """
    costs = fit(calibrate(session, max_length=max_length, token_id=_TOKEN))
    batches = [texts[at : at + size] for at in range(0, len(texts), size)][:_BATCHES]
    given: dict[str, list[Batch]] = {
        "padded": [pad(batch, 0) for batch in batches],
        "packed": [pack(batch, 0, costs.seconds)[:2] for batch in batches],
    }
    tokens = sum(len(text) for batch in batches for text in batch)

    def rate(way: str) -> float:
        taken = [seconds(lambda batch=batch: session.run(*batch)) for batch in given[way]]  # type: ignore[misc]
        return sum(map(len, batches)) / sum(taken)

    return Unlike(
        contest.alternate({way: partial(rate, way) for way in given}, _ROUNDS),
        {way: 1 - tokens / sum(ids.size for ids, _ in given[way]) for way in given},
    )
