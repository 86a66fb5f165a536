"""Each core runs a batch of its own; a single row that is alone has them all."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bertine.encode.per_core import PerCoreSession
from bertine.errors import EncodeError
from bertine.types import Matrix

WAIT = 20.0


class Toy:
    """Gives each row's first id; remembers the shapes that it was given, and waits at a gate."""

    callers, dimensions, provider, sequence_packing = 1, 1, "toy", False

    def __init__(self, fails_on: int = -1) -> None:
        self.fails_on = fails_on
        self.seen: list[tuple[int, ...]] = []
        self.closed = 0
        self.started, self.gate = threading.Semaphore(0), threading.Event()
        self.gate.set()

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        assert ids.shape == mask.shape
        self.seen.append(ids.shape)
        self.started.release()
        assert self.gate.wait(WAIT)
        if self.fails_on in ids[:, 0]:
            raise EncodeError(f"text {self.fails_on} is bad")
        return ids[:, :1].astype(np.float32)

    def prepare(self) -> None:
        pass

    def close(self) -> None:
        self.closed += 1


def batch(rows: int, length: int) -> Any:
    ids = np.repeat(np.arange(rows)[:, None], length, axis=1)
    return ids, np.ones_like(ids)


def test_a_single_row_that_is_alone_has_all_cores() -> None:
    together, alone = Toy(), Toy()
    session = PerCoreSession(together, alone, 3)
    assert session.callers == 3
    assert session.run(*batch(1, 12)).tolist() == [[0]]
    assert session.run(*batch(31, 24)).ravel().tolist() == list(range(31))
    assert (together.seen, alone.seen) == ([(1, 12)], [(31, 24)])
    session.close()
    session.close()
    assert together.closed == alone.closed == 2


def test_a_row_of_several_texts_is_no_single_text() -> None:
    together, alone = Toy(), Toy()
    session = PerCoreSession(together, alone, 3)
    session.run(np.ones((1, 4), np.int64), np.array([[1, 1, 2, 2]]))
    assert (together.seen, alone.seen) == ([], [(1, 4)])


def test_batches_run_at_the_same_time() -> None:
    together, alone = Toy(), Toy()
    session = PerCoreSession(together, alone, 2)
    alone.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(session.run, *batch(4, 8))
        assert alone.started.acquire(timeout=WAIT)
        second = pool.submit(session.run, *batch(1, 8))
        assert alone.started.acquire(timeout=WAIT)
        alone.gate.set()
        assert len(first.result(WAIT)) == 4
        assert len(second.result(WAIT)) == 1
    assert not together.seen


@pytest.mark.parametrize("guilty", [0, 30])
def test_after_a_batch_that_fails_the_next_one_works(guilty: int) -> None:
    together, alone = Toy(), Toy(fails_on=guilty)
    session = PerCoreSession(together, alone, 2)
    with pytest.raises(EncodeError, match=f"text {guilty} is bad"):
        session.run(*batch(31, 24))
    alone.fails_on = -1
    assert len(session.run(*batch(31, 24))) == 31
    # The one that failed no longer counts as running.
    assert len(session.run(*batch(1, 24))) == len(together.seen) == 1
    session.close()
