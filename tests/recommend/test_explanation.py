import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.recommend.explanation import explained

PARTS = st.integers(0, 6).flatmap(
    lambda entries: st.lists(
        st.lists(st.floats(-2, 2), min_size=entries + 1, max_size=entries + 1),
        min_size=1,
        max_size=4,
    )
)


@given(PARTS, st.sampled_from([0.0, 0.25]))
def test_contributions_and_channels_each_sum_to_the_score(
    rows: list[list[float]], boost: float
) -> None:
    parts = np.array(rows)
    names = [f"channel {number}" for number in range(len(parts))]
    found = explained(parts, names, boost)
    score = parts.sum() + boost
    for split in (found.contributions, found.channels):
        assert sum(part.score for part in split) == pytest.approx(score)
        assert [part.score for part in split] == sorted((p.score for p in split), reverse=True)
        if abs(score) > 1e-6:
            assert sum(part.share for part in split) == pytest.approx(1.0)


def test_what_is_no_entry_is_named() -> None:
    found = explained(np.array([[0.5, 0.0], [0.0, 0.25]]), ["content", "popularity"], 0.125)
    assert [(part.entry, part.other) for part in found.contributions] == [
        (0, ""),
        (-1, "popularity"),
        (-1, "recency"),
    ]
    assert [share.channel for share in found.channels] == ["content", "popularity", "recency"]
