from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.padding import pad, probe

_rows = st.lists(st.integers(0, 30_000), min_size=1, max_size=20)


@given(st.lists(_rows, min_size=1, max_size=10))
def test_rows_stand_left_and_padding_right(rows: list[list[int]]) -> None:
    ids, mask = pad([np.array(row, dtype=np.int32) for row in rows], pad_token_id=99_999)
    longest = max(map(len, rows))
    assert ids.dtype == mask.dtype == np.int64
    assert ids.tolist() == [row + [99_999] * (longest - len(row)) for row in rows]
    assert mask.tolist() == [[1] * len(row) + [0] * (longest - len(row)) for row in rows]


@given(st.integers(2, 10_000))
def test_a_probe_is_one_text_alone_and_padded(max_length: int) -> None:
    (alone, whole), (ids, mask) = probe(max_length)
    rows, length = ids.shape
    assert (len(alone), rows) == (1, 2)
    assert whole.all()
    assert length <= max_length
    assert (ids[0, : alone.shape[1]] == alone[0]).all()
    assert mask[0].sum() == alone.shape[1] < length == mask[1].sum()
    assert (ids[mask == 1] > 0).all()
