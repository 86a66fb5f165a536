from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.padding import pad

_rows = st.lists(st.integers(0, 30_000), min_size=1, max_size=20)


@given(st.lists(_rows, min_size=1, max_size=10))
def test_rows_stand_left_and_padding_right(rows: list[list[int]]) -> None:
    ids, mask = pad([np.array(row, dtype=np.int32) for row in rows], pad_token_id=99_999)
    longest = max(map(len, rows))
    assert ids.dtype == mask.dtype == np.int64
    assert ids.tolist() == [row + [99_999] * (longest - len(row)) for row in rows]
    assert mask.tolist() == [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
