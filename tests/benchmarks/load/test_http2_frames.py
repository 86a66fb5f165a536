"""What the generator writes and reads of HTTP/2; its calls are in test_targets.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load import http2_frames as http2
from benchmarks.load.http2_frames import Frame

BYTES = st.integers(0, 255)
FRAMES = st.builds(Frame, BYTES, BYTES, st.integers(0, 2**31 - 1), st.binary(max_size=40))


@given(st.lists(FRAMES, max_size=6), st.data())
def test_frames_are_found_wherever_the_bytes_are_cut(
    frames: list[Frame], data: st.DataObject
) -> None:
    whole = b"".join(http2.pack(*frame) for frame in frames)
    cut = data.draw(st.integers(0, len(whole)))
    first, rest = http2.unpack(whole[:cut])
    second, left = http2.unpack(rest + whole[cut:])
    assert (first + second, left) == (frames, b"")


@given(st.dictionaries(st.integers(1, 6), st.integers(0, 2**31 - 1)))
def test_settings_come_back(values: dict[int, int]) -> None:
    ((frame,), _) = http2.unpack(http2.settings(values))
    assert dict(http2.settings_of(frame.payload)) == values


@given(st.binary(max_size=20), st.integers(0, 9))
def test_padding_and_priority_are_left_out(payload: bytes, padding: int) -> None:
    padded = bytes([padding]) + payload + bytes(padding)
    assert http2.body(Frame(http2.DATA, http2.PADDED, 1, padded)) == payload
    prior = bytes([padding]) + b"prior" + payload + bytes(padding)
    flags = http2.PADDED | http2.PRIORITY
    assert http2.body(Frame(http2.HEADERS, flags, 1, prior)) == payload
