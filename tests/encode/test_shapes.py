from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.shapes import (
    FREE_TOKENS,
    GRAPH_TOKENS,
    Shape,
    bucket_for,
    buckets,
    capacity,
    rounded,
)

SHAPES = st.builds(Shape, st.integers(1, 400), st.integers(1, 512))
LENGTHS = st.integers(1, 8192)


@given(LENGTHS)
def test_recorded_shapes_suit_the_model_and_the_largest_is_first(max_length: int) -> None:
    shapes = buckets(max_length)
    assert len(set(shapes)) == len(shapes) <= 150
    assert all(shape.length <= max_length and shape.tokens <= GRAPH_TOKENS for shape in shapes)
    tokens = [shape.tokens for shape in shapes]
    assert tokens == sorted(tokens, reverse=True)
    if max_length <= GRAPH_TOKENS:
        assert Shape(1, max_length) in shapes


@given(SHAPES)
def test_a_bucket_holds_the_batch_and_wastes_little(shape: Shape) -> None:
    found = bucket_for(shape, buckets(512))
    if found is None:
        return
    assert found.rows >= shape.rows
    assert found.length >= shape.length
    assert found.tokens <= max(FREE_TOKENS, 1.5 * shape.tokens)


@given(SHAPES)
def test_only_large_batches_and_wasteful_ones_have_no_bucket(shape: Shape) -> None:
    recorded = buckets(512)
    if bucket_for(shape, recorded) is None:
        smallest = min(
            (
                one.tokens
                for one in recorded
                if one.rows >= shape.rows and one.length >= shape.length
            ),
            default=math.inf,
        )
        assert smallest > max(FREE_TOKENS, 1.5 * shape.tokens)


@given(st.integers(1, 128))
def test_a_single_short_text_always_has_a_bucket(length: int) -> None:
    assert bucket_for(Shape(1, length), buckets(512)) is not None


@given(st.sampled_from(buckets(512)))
def test_what_was_recorded_is_its_own_bucket(shape: Shape) -> None:
    assert bucket_for(shape, buckets(512)) == shape


@given(SHAPES, st.integers(1, 512))
def test_lengths_are_rounded_up_within_the_models(shape: Shape, max_length: int) -> None:
    found = rounded(shape, max_length)
    assert found.rows == shape.rows
    assert shape.length <= found.length < shape.length + 8
    assert found.length % 8 == 0 or found.length in {max_length, shape.length}
    assert found.length <= max(max_length, shape.length)


@given(SHAPES)
def test_buffers_hold_the_batch_and_are_few(shape: Shape) -> None:
    room = capacity(shape)
    assert shape.rows <= room.rows < 2 * shape.rows
    assert shape.tokens <= room.tokens < 2 * shape.tokens + room.rows
    assert capacity(Shape(room.rows, room.length)).rows == room.rows


@pytest.mark.parametrize("max_length", [128, 256, 512])
def test_recording_takes_a_moment(max_length: int) -> None:
    assert len(buckets(max_length)) < 110
