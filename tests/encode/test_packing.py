"""Several texts in a row: nothing is lost, little is padded, vectors are those of texts alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bertine.encode.costs import CostModel
from bertine.encode.fake import FakeSession
from bertine.encode.packing import arrange, pack
from bertine.encode.padding import pad

PAD = 0
COSTS = CostModel(batch=1e-3, token=5e-5, square=1e-7)
FREE_ATTENTION = CostModel(token=1.0)
DEAR_ATTENTION = CostModel(token=1e-6, square=1.0)

lengths_of_texts = st.lists(st.integers(1, 60), min_size=1, max_size=40)
costs = st.sampled_from([CostModel(), COSTS, FREE_ATTENTION, DEAR_ATTENTION])


def texts(lengths: Sequence[int]) -> list[NDArray[np.int32]]:
    rng = np.random.default_rng(len(lengths))
    return [rng.integers(1, 1_000, length, dtype=np.int32) for length in lengths]


@given(lengths_of_texts, costs)
def test_each_text_is_in_one_row(lengths: list[int], model: CostModel) -> None:
    rows = arrange(lengths, model.seconds)
    assert sorted(text for row in rows for text in row) == list(range(len(lengths)))
    assert all(rows)


@given(lengths_of_texts, costs)
def test_it_never_takes_longer_than_a_row_for_each_text(
    lengths: list[int], model: CostModel
) -> None:
    rows = arrange(lengths, model.seconds)
    longest = max(sum(lengths[text] for text in row) for row in rows)
    alone = model.seconds(len(lengths), max(lengths))
    assert model.seconds(len(rows), longest) <= alone * (1 + 1e-9)


@given(lengths_of_texts, costs)
def test_vectors_are_those_of_texts_alone_to_the_last_bit(
    lengths: list[int], model: CostModel
) -> None:
    session, batch = FakeSession(8, sequence_packing=True), texts(lengths)
    ids, mask, places = pack(batch, PAD, model.seconds)
    assert ids.shape == mask.shape
    assert ids.dtype == mask.dtype == np.int64
    assert int((mask > 0).sum()) == sum(lengths)
    assert (ids[mask == 0] == PAD).all()
    alone = np.concatenate([session.run(*pad([text], PAD)) for text in batch])
    np.testing.assert_array_equal(session.run(ids, mask)[places], alone)


def test_where_attention_is_free_one_row_pads_nothing() -> None:
    assert len(arrange([9, 20, 5, 7], FREE_ATTENTION.seconds)) == 1


def test_where_attention_is_dear_no_row_is_longer_than_need_be() -> None:
    rows = arrange([20, 10, 10, 5, 15], DEAR_ATTENTION.seconds)
    assert sorted(sum([20, 10, 10, 5, 15][text] for text in row) for row in rows) == [20, 20, 20]


def test_texts_of_one_length_have_a_row_each() -> None:
    assert arrange([7, 7, 7], COSTS.seconds) == [[0], [1], [2]]


def test_mixed_texts_are_hardly_padded() -> None:
    lengths = np.random.default_rng(0).lognormal(2.4, 0.6, 64).astype(int) + 3
    ids, _, _ = pack(texts(lengths.tolist()), PAD, COSTS.seconds)
    assert ids.size <= 1.1 * lengths.sum()
