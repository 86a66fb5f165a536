"""Frames: whatever goes in comes out, however the socket cuts it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.lanes import LANES
from bertine.serve.front.frames import (
    CallBody,
    EmbedBody,
    Frame,
    Kind,
    Splitter,
    VectorsBody,
    pack,
    pack_call,
    pack_embed,
    pack_vectors,
    unpack_call,
    unpack_embed,
    unpack_vectors,
)

DEADLINES = st.none() | st.floats(allow_nan=False, allow_infinity=False)
FRAMES = st.builds(Frame, st.sampled_from(Kind), st.integers(0, 2**64 - 1), st.binary(max_size=99))


@given(st.lists(FRAMES), st.integers(1, 40))
def test_frames_come_out_whole_however_they_were_cut(frames: list[Frame], size: int) -> None:
    stream = b"".join(map(pack, frames))
    splitter = Splitter()
    found: list[Frame] = []
    for start in range(0, len(stream), size):
        found += splitter.feed(stream[start : start + size])
    assert found == frames


@given(DEADLINES, st.sampled_from(LANES), st.lists(st.lists(st.integers(0, 2**31 - 1))))
def test_token_ids_come_out_as_they_went_in(
    deadline: float | None, lane: str, ids: list[list[int]]
) -> None:
    rows = [np.array(row, np.int32) for row in ids]
    body = unpack_embed(pack_embed(EmbedBody(deadline, lane, rows)))  # type: ignore[arg-type]
    assert (body.deadline, body.lane) == (deadline, lane)
    assert [row.tolist() for row in body.ids] == ids
    assert all(row.dtype == np.int32 for row in body.ids)


def test_ids_of_a_small_vocabulary_take_two_bytes() -> None:
    small, large = np.full(100, 65_535, np.int32), np.full(100, 65_536, np.int32)
    sizes = [len(pack_embed(EmbedBody(None, "bulk", [row]))) for row in (small, large)]
    assert sizes[1] - sizes[0] == 200


@given(DEADLINES, st.text(min_size=1), st.binary(), st.text())
def test_calls_come_out_as_they_went_in(
    deadline: float | None, method: str, request: bytes, header: str
) -> None:
    body = CallBody(deadline, method, request, header)
    assert unpack_call(pack_call(body)) == body


@given(st.integers(0, 5), st.integers(1, 5), st.floats(0, 10), st.floats(0, 10))
def test_vectors_come_out_as_they_went_in(
    rows: int, dimensions: int, queue: float, encode: float
) -> None:
    vectors = np.random.default_rng(0).standard_normal((rows, dimensions)).astype(np.float32)
    body = unpack_vectors(pack_vectors(VectorsBody(queue, encode, vectors)))
    assert (body.queue_seconds, body.encode_seconds) == (queue, encode)
    np.testing.assert_array_equal(body.vectors, vectors)
