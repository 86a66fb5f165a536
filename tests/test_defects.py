from __future__ import annotations

from bertine.defects import described

SENT = "what a caller sent"


def _fail() -> None:
    try:
        int(SENT)
    except ValueError as error:
        raise RuntimeError(SENT) from error


def test_types_and_places_but_no_messages() -> None:
    try:
        _fail()
    except RuntimeError as error:
        told = described(error)
    assert told["error"] == "RuntimeError from ValueError"
    innermost, outermost = told["frames"].split(" < ")
    assert innermost.startswith("tests/test_defects.py:")
    assert innermost.endswith(" _fail")
    assert outermost.endswith(" test_types_and_places_but_no_messages")
    assert SENT not in str(told)


def test_a_ring_of_causes_ends() -> None:
    first, second = ValueError(SENT), KeyError(SENT)
    first.__cause__, second.__cause__ = second, first
    told = described(first)
    assert told["error"].startswith("ValueError from KeyError from ValueError")
    assert told["frames"] == ""
