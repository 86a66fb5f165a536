from __future__ import annotations

import numpy as np
import pytest

from bertine.encode.fake import FakeSession
from bertine.encode.padding import pad
from bertine.errors import EncodeError
from bertine.types import Matrix


def encode(session: FakeSession, *rows: list[int]) -> Matrix:
    return session.run(*pad([np.array(row, dtype=np.int32) for row in rows], 0))


def test_vectors_have_norm_one_and_do_not_depend_on_the_batch() -> None:
    session = FakeSession(32)
    together = encode(session, [1, 2, 3], [4], [30_000, 2, 3, 9])
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1)
    for row, vector in zip(([1, 2, 3], [4], [30_000, 2, 3, 9]), together, strict=True):
        assert (encode(FakeSession(32), row)[0] == vector).all()


def test_shared_tokens_make_vectors_similar() -> None:
    base, near, far = encode(FakeSession(), [1, 2, 3, 4], [1, 2, 3, 9], [5, 6, 7, 8])
    assert base @ near > 0.5 > abs(base @ far)


def test_it_fails_on_a_chosen_token_but_not_on_padding() -> None:
    session = FakeSession(fail_on=[0, 7])
    encode(session, [1, 2, 3], [4])
    with pytest.raises(EncodeError):
        encode(session, [1], [7])


def test_it_calls_what_stands_for_the_time_a_model_takes() -> None:
    shapes: list[tuple[int, int]] = []
    session = FakeSession(before_run=lambda rows, length: shapes.append((rows, length)))
    encode(session, [1, 2, 3], [4])
    assert shapes == session.shapes == [(2, 3)]
