"""Text templates: compose the text of an item from its attributes.

``"{title} by {author}. {blurb}"``: attributes in braces, ``{{`` and ``}}`` for the braces
themselves. Written by hand, since `str.format` on a caller's string would let it read any Python
attribute of the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bertine.errors import InvalidInput
from bertine.types import Attribute

FIELD = "text_template"
_NOT_IN_NAMES = frozenset(".[]!:")


@dataclass(frozen=True, slots=True)
class _Part:
    """Literal text, or an attribute's name."""

    text: str
    is_name: bool


def check_template(template: str) -> None:
    """Check a template; "" is one that composes nothing.

    Raises:
        InvalidInput: braces do not match, a name is empty, or it asks for more than an attribute.
    """
    _parse(template)


def render(template: str, attributes: Mapping[str, Attribute]) -> str:
    """The text that a template composes.

    Args:
        template: see `check_template`.
        attributes: of the item. A missing one is left empty, several values are joined with ", ",
            whole numbers have no decimal point, truth values are ``true`` and ``false``.

    Returns:
        The text, without white space at its ends.

    Raises:
        InvalidInput: the template is malformed.
    """
    parts = (
        _plain(attributes.get(part.text, "")) if part.is_name else part.text
        for part in _parse(template)
    )
    return "".join(parts).strip()


def _plain(value: Attribute) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    # JSON clients send whole numbers as doubles: a year is 1984 in a text, not 1984.0.
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


@lru_cache(maxsize=256)
def _parse(template: str) -> tuple[_Part, ...]:
    return tuple(_parts(template))


def _parts(template: str) -> Iterator[_Part]:
    position = 0
    while position < len(template):
        end = _literal_end(template, position)
        if end > position:
            yield _Part(template[position:end], is_name=False)
            position = end
        elif template[position : position + 2] in {"{{", "}}"}:
            yield _Part(template[position], is_name=False)
            position += 2
        else:
            name = _name(template, position)
            yield _Part(name, is_name=True)
            position += len(name) + 2


def _literal_end(template: str, start: int) -> int:
    """Position of the next brace, or the template's end."""
    braces = (template.find(brace, start) for brace in "{}")
    return min((found for found in braces if found >= 0), default=len(template))


def _name(template: str, opening: int) -> str:
    """The name between the brace at `opening` and its partner."""
    if template[opening] == "}":
        raise _malformed(opening, "a } closes nothing; write }} for a brace in the text")
    closing = template.find("}", opening)
    name = template[opening + 1 : closing]
    if closing < 0 or "{" in name:
        raise _malformed(opening, "a { is not closed; write {{ for a brace in the text")
    if not name.strip():
        raise _malformed(opening, "no name in the braces; write {attribute}")
    if not _NOT_IN_NAMES.isdisjoint(name):
        raise _malformed(opening, f"{name!r} is more than an attribute's name; write {{attribute}}")
    return name


def _malformed(position: int, problem: str) -> InvalidInput:
    return InvalidInput(FIELD, f"at position {position}: {problem}")
