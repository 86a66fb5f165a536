import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertine.index.gpu_candidates import allowed_rows, at_once, sieve, wanted

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 4), st.integers(1, 12), st.integers(1, 16), st.booleans())
def test_only_believable_rows_are_left_in_their_order(
    seed: int,
    queries: int,
    asked: int,
    count: int,
    limited: bool,  # noqa: FBT001
) -> None:
    chance = np.random.default_rng(seed)
    total = 20
    rows = chance.integers(-2, total + 3, (queries, asked))
    rows[chance.random(rows.shape) < 0.1] = np.iinfo(np.int64).max
    rows[chance.random(rows.shape) < 0.1] = np.iinfo(np.int64).min
    scores = chance.uniform(-1, 1, rows.shape).astype(np.float32)
    lowest = np.finfo(np.float32).min
    for nothing in (lowest, np.float32(np.nan), np.float32(-np.inf)):
        scores[chance.random(rows.shape) < 0.1] = nothing
    flags = chance.random(total) < 0.6 if limited else np.ones(total, np.bool_)
    bits = np.packbits(flags, bitorder="little")
    kept = sieve(rows, scores, count, total, bits)
    assert kept.shape == (queries, count)
    for line, given_rows, given_scores in zip(kept, rows, scores, strict=True):
        expected: list[int] = []
        for row, score in zip(given_rows.tolist(), given_scores.tolist(), strict=True):
            if 0 <= row < total and abs(score) < 2 and flags[row] and row not in expected:
                expected.append(row)
        expected = expected[:count]
        assert line.tolist() == expected + [-1] * (count - len(expected))


def test_without_a_filter_a_full_answer_is_taken_as_it_is() -> None:
    rows = np.array([[3, 1, 2]])
    scores = np.array([[0.9, 0.8, 0.7]], np.float32)
    assert sieve(rows, scores, 3, 4, None) is rows
    assert sieve(rows, scores, 5, 4, None).tolist() == [[3, 1, 2, -1, -1]]
    assert sieve(rows, scores, 3, 3, None).tolist() == [[1, 2, -1]]


@given(st.integers(1, 1_000), st.integers(1, 10**7), st.data(), st.integers(1, 16_384))
def test_enough_is_asked_for_or_nothing(
    count: int, rows: int, data: st.DataObject, limit: int
) -> None:
    matching = data.draw(st.integers(0, rows))
    asked = wanted(count, rows, matching, limit)
    if asked is None:
        assert not matching or min(rows, (count + 3 * count**0.5 + 9) * rows / matching) > limit - 1
    else:
        assert asked <= min(rows, limit)
        assert asked == rows or asked * matching / rows >= count


@given(st.integers(0, 2**31), st.integers(1, 4_096), st.integers(1, 2_048), st.integers(0, 2_048))
def test_a_part_of_a_batch_keeps_within_the_memory(
    temporary: int, dimensions: int, count: int, nprobe: int
) -> None:
    many = at_once(temporary, dimensions, count, nprobe, None)
    assert many >= 1
    if many > 1:
        assert many * nprobe * (4 * dimensions + 12 * count) <= temporary
    assert at_once(temporary, dimensions, count, nprobe, 10**6) <= many


def test_bits_are_counted() -> None:
    assert allowed_rows(np.packbits(np.arange(100) % 3 == 0)) == 34
