import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.cli.conditions import parse_condition, parse_conditions
from bertine.errors import InvalidInput
from bertine.index.filters import AllOf, Not, OneOf, Range, check, compile_filter
from bertine.types import Attribute

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="=!<>"), min_size=1).filter(
    lambda name: name == name.strip()
)
PLAIN = st.from_regex(r"[a-zA-Z][a-zA-Z0-9 .-]*[a-z]", fullmatch=True).filter(
    lambda text: text not in {"true", "false"}
)
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(NAMES, st.lists(st.text(st.characters(codec="utf-8")), min_size=1))
def test_quoted_strings_come_back_as_they_are(name: str, values: list[str]) -> None:
    condition = f"{name}={'|'.join(map(quoted, values))}"
    assert parse_condition(condition) == OneOf(name, tuple(values))


@given(NAMES, st.lists(PLAIN, min_size=1))
def test_plain_words_are_strings(name: str, values: list[str]) -> None:
    assert parse_condition(f"{name} = {' | '.join(values)}") == OneOf(name, tuple(values))


@given(NUMBERS, st.sampled_from(["<", "<=", ">", ">="]), NUMBERS)
def test_comparisons_mean_what_python_means(bound: float, sign: str, value: float) -> None:
    matches = compile_filter(parse_condition(f"year{sign}{bound}"))
    expected = {
        "<": value < bound,
        "<=": value <= bound,
        ">": value > bound,
        ">=": value >= bound,
    }
    assert matches({"year": value}) == expected[sign]


@given(NUMBERS)
def test_a_number_equals_itself_as_a_number(value: float) -> None:
    assert compile_filter(parse_condition(f"n={value}"))({"n": value})
    assert not compile_filter(parse_condition(f"n!={value}"))({"n": value})


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parsed = parse_condition(text)
    except InvalidInput:
        return
    check(parsed)


@pytest.mark.parametrize(
    ("condition", "attributes", "matches"),
    [
        ("year>=1900", {"year": 1900}, True),
        ("year>=1900", {"year": 1899.5}, False),
        ("year>=1900", {}, False),
        ("genre=poetry|play", {"genre": "play"}, True),
        ("genre=poetry|play", {"genre": ("novel", "poetry")}, True),
        ("genre!=poetry|play", {"genre": "play"}, False),
        ("genre!=poetry|play", {"genre": "novel"}, True),
        ("genre=science fiction", {"genre": "science fiction"}, True),
        ("sold=true", {"sold": True}, True),
        ("sold=true", {"sold": "true"}, False),
        ('sold="true"', {"sold": "true"}, True),
        ("postcode=00501", {"postcode": "00501"}, True),
        ("postcode=00501", {"postcode": 501}, False),
        ("price=1.50", {"price": 1.5}, True),
        ("price=1.50", {"price": "1.50"}, True),
        ("price<=1.50", {"price": 1.25}, True),
        ("since>2020-01-31", {"since": "2020-02-01"}, True),
        ('formula="a=b|c"', {"formula": "a=b|c"}, True),
        ("n=1e999", {"n": "1e999"}, True),
        ("n<99999999999999999999", {"n": 5}, True),
    ],
)
def test_what_conditions_match(
    condition: str, attributes: dict[str, Attribute], *, matches: bool
) -> None:
    assert compile_filter(parse_condition(condition))(attributes) == matches


@pytest.mark.parametrize(
    "condition",
    ["", "year", "=1900", "year=", "genre=a|", "genre=|a", 'genre="a', "year>1|2", "sold>true"],
)
def test_malformed_conditions_are_quoted_back(condition: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse_condition(condition)
    assert repr(condition) in error.value.problem


def test_several_conditions_all_hold() -> None:
    parts = (Range("year", (("lt", 3),)), Not(OneOf("a", ("b",))))
    assert parse_conditions(["year<3", "a!=b"]) == AllOf(parts)
    assert parse_conditions([]) is None
