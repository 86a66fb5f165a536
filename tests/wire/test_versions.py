import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.errors import InvalidInput, Mismatch
from bertine.wire.versions import MAX_DETAIL_BYTES, if_versions_from_wire, mismatches_to_wire

IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
VERSION = st.integers(0, 2**63 - 1)


@given(st.lists(st.builds(Mismatch, IDS, VERSION, VERSION), min_size=1, max_size=60))
def test_as_many_mismatches_as_fit_and_their_number(mismatches: list[Mismatch]) -> None:
    message = mismatches_to_wire(mismatches)
    assert message.ByteSize() <= MAX_DETAIL_BYTES
    assert message.count == len(mismatches)
    told = [(one.id, one.if_version, one.version) for one in message.mismatches]
    assert told == [tuple(one) for one in mismatches[: len(told)]]
    assert told
    if len(told) < len(mismatches):
        assert message.ByteSize() > MAX_DETAIL_BYTES - 300


def test_versions_are_of_the_calls_items() -> None:
    assert if_versions_from_wire({"a": 0, "b": 2**63 - 1}, {"a", "b", "c"}) == {
        "a": 0,
        "b": 2**63 - 1,
    }
    with pytest.raises(InvalidInput, match=r"if_versions\[x\]: is no item of this call"):
        if_versions_from_wire({"x": 1}, {"a"})
    with pytest.raises(InvalidInput, match="a version that GetItems returned"):
        if_versions_from_wire({"a": 2**63}, {"a"})
