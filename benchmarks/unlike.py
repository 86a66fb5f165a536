"""Batches of texts as they come, of unlike lengths: padded to the longest, or several in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks import contest
from benchmarks.timing import seconds
from bertine.encode.calibration import calibrate
from bertine.encode.contract import Session
from bertine.encode.costs import fit
from bertine.encode.packing import pack
from bertine.encode.padding import pad

_BATCHES = 12
_ROUNDS = 3
_TOKEN = 100


@dataclass(frozen=True, slots=True)
class Unlike:
    """What was measured for one size of batch.

    Attributes:
        padded: texts a second.
        packed: the same with sequence packing.
        ratio: of the two, by turns.
        padded_share: share of padding in the padded batches' tokens.
        packed_share: the same in the packed ones.
    """

    padded: float
    packed: float
    ratio: float
    padded_share: float
    packed_share: float


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
    padded = [pad(batch, 0) for batch in batches]
    packed = [pack(batch, 0, costs.seconds)[:2] for batch in batches]

    def rate(given: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> float:
        taken = [seconds(lambda batch=batch: session.run(*batch)) for batch in given]  # type: ignore[misc]
        return sum(map(len, batches)) / sum(taken)

    measured = contest.alternate(
        {"padded": lambda: rate(padded), "packed": lambda: rate(packed)}, _ROUNDS
    )
    tokens = sum(len(text) for batch in batches for text in batch)
    return Unlike(
        padded=median(measured["padded"]),
        packed=median(measured["packed"]),
        ratio=median(contest.ratios(measured["packed"], measured["padded"])),
        padded_share=1 - tokens / sum(ids.size for ids, _ in padded),
        packed_share=1 - tokens / sum(ids.size for ids, _ in packed),
    )
