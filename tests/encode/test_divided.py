"""A batch divided among cores is the batch, row for row."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bertine.encode.divided import LEAST_TOKENS, DividedSession, divide
from bertine.errors import EncodeError
from bertine.types import Matrix

ROWS, LENGTHS, CORES = st.integers(1, 300), st.integers(1, 512), st.integers(1, 32)


@given(ROWS, LENGTHS, CORES)
def test_the_parts_are_the_batch_in_order(rows: int, length: int, cores: int) -> None:
    parts = divide(rows, length, cores)
    assert [row for part in parts for row in range(rows)[part]] == list(range(rows))
    assert len(parts) in {1, cores}


@given(ROWS, LENGTHS, CORES)
def test_parts_are_equal_and_worth_it(rows: int, length: int, cores: int) -> None:
    parts = divide(rows, length, cores)
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) - min(sizes) <= 1
    if len(parts) > 1:
        assert min(sizes) >= 1
        assert min(sizes) * length >= LEAST_TOKENS


class Toy:
    """Gives each row's first id; remembers the shapes that it was given, by thread."""

    dimensions, provider = 1, "toy"

    def __init__(self, fails_on: int = -1) -> None:
        self.fails_on = fails_on
        self.seen: list[tuple[str, tuple[int, ...]]] = []
        self.closed = 0

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        assert ids.shape == mask.shape
        self.seen.append((threading.current_thread().name, ids.shape))
        if self.fails_on in ids[:, 0]:
            raise EncodeError(f"text {self.fails_on} is bad")
        return ids[:, :1].astype(np.float32)

    def close(self) -> None:
        self.closed += 1


def batch(rows: int, length: int) -> Any:
    ids = np.repeat(np.arange(rows)[:, None], length, axis=1)
    return ids, np.ones_like(ids)


def test_large_batches_are_shared_and_small_ones_are_not() -> None:
    together, alone = Toy(), Toy()
    session = DividedSession(together, alone, 3)
    assert session.run(*batch(1, 12)).tolist() == [[0]]
    assert not alone.seen
    assert session.run(*batch(31, 24)).ravel().tolist() == list(range(31))
    assert len(together.seen) == 1
    assert sorted(shape for _, shape in alone.seen) == [(10, 24), (10, 24), (11, 24)]
    assert len({name for name, _ in alone.seen}) > 1
    session.close()
    session.close()
    assert together.closed == alone.closed == 2


@pytest.mark.parametrize("guilty", [0, 30])
def test_a_part_that_fails_fails_the_batch_and_the_next_one_works(guilty: int) -> None:
    session = DividedSession(Toy(), alone := Toy(fails_on=guilty), 2)
    with pytest.raises(EncodeError, match=f"text {guilty} is bad"):
        session.run(*batch(31, 24))
    alone.fails_on = -1
    assert len(session.run(*batch(31, 24))) == 31
    session.close()
