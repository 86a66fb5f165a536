from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.catalog.template import check_template, render
from bertine.errors import InvalidInput
from bertine.types import Attribute


def test_attributes_in_braces() -> None:
    attributes: dict[str, Attribute] = {"title": "Emma", "author": "Jane Austen", "blurb": "Love."}
    assert render("{title} by {author}. {blurb}", attributes) == "Emma by Jane Austen. Love."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (("a", "b", "c"), "a, b, c"),
        ((), ""),
        (1984, "1984"),
        (1984.0, "1984"),
        (-0.5, "-0.5"),
        (1e300, "1e+300"),
        (True, "true"),
        (False, "false"),
        ("{b}", "{b}"),
        ("{{", "{{"),
    ],
)
def test_values(value: Attribute, text: str) -> None:
    assert render("{a}", {"a": value, "b": "must not be put in"}) == text


def test_missing_ones_are_empty_and_the_ends_are_stripped() -> None:
    assert render("  {title}: {subtitle} ", {"title": "Emma"}) == "Emma:"
    assert render("{title} {subtitle}", {}) == ""
    assert render("", {"title": "Emma"}) == ""


def test_escaped_braces() -> None:
    assert render("{{title}} {{{title}}}", {"title": "Emma"}) == "{title} {Emma}"


def test_names_may_have_spaces_and_any_letters() -> None:
    assert render("{main title} {tytuł}", {"main title": "a", "tytuł": "b"}) == "a b"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{title", r"at position 0: a \{ is not closed"),
        ("a {", r"at position 2: a \{ is not closed"),
        ("{a {b}}", r"at position 0: a \{ is not closed"),
        ("title}", r"at position 5: a \} closes nothing"),
        ("{a}}", r"at position 3: a \} closes nothing"),
        ("{}", "no name in the braces"),
        ("{ }", "no name in the braces"),
        ("{a.b}", r"'a\.b' is more than an attribute's name"),
        ("{a[0]}", "more than an attribute's name"),
        ("{a!r}", "more than an attribute's name"),
        ("{a:>10}", "more than an attribute's name"),
        ("{a.__class__}", "more than an attribute's name"),
    ],
)
def test_malformed_templates_are_refused(template: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as refusal:
        check_template(template)
    assert refusal.value.field == "text_template"


@given(st.text(alphabet="ab {}.!:[]", max_size=12))
def test_any_template_is_accepted_or_refused_as_input(template: str) -> None:
    try:
        check_template(template)
    except InvalidInput:
        return
    assert isinstance(render(template, {"a": "x"}), str)


@given(st.text(max_size=20))
def test_escaping_gives_the_text_back(text: str) -> None:
    assert render(text.replace("{", "{{").replace("}", "}}"), {}) == text.strip()
