"""Hits as a table, or as JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bertine.client import Found, Item, Reason

_TITLES = ("title", "name")
_TITLE_LENGTH = 60
_REASONS = 3
_WIDTH_OF_FILES = 160


def title_of(item: Item | None) -> str:
    """What an item is called: its attribute `title` or `name`, else how its text begins."""
    if item is None:
        return ""
    for name in _TITLES:
        value = item.attributes.get(name)
        if isinstance(value, str) and value.strip():
            return shortened(value)
    return shortened(item.text)


def shortened(text: str) -> str:
    """The beginning of a text, on one line, without what would control a terminal."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(printable.split())
    return line if len(line) <= _TITLE_LENGTH else line[: _TITLE_LENGTH - 1].rstrip() + "…"


def because(reasons: Sequence[Reason], titles: Mapping[str, str]) -> str:
    """The entries of the history that carried a hit most: ``62 % Dune, 21 % Hyperion``."""
    most = [reason for reason in reasons[:_REASONS] if round(reason.share * 100) > 0]
    return ", ".join(f"{reason.share * 100:.0f} % {_subject(reason, titles)}" for reason in most)


def _subject(reason: Reason, titles: Mapping[str, str]) -> str:
    if reason.other:
        return reason.other
    if reason.text:
        return f"“{shortened(reason.text)}”"
    return titles.get(reason.item_id) or shortened(reason.item_id)


def print_hits(hits: Sequence[Found], titles: Mapping[str, str] | None = None) -> None:
    """A table on standard output.

    Args:
        hits: best first, with their items.
        titles: of the history's items by id, to say why; None leaves that column out.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rank", justify="right")
    table.add_column("score", justify="right")
    # An id that is cut short cannot be used.
    table.add_column("id", overflow="fold")
    table.add_column("title")
    if titles is not None:
        table.add_column("because", style="dim")
    for row in _cells(hits, titles):
        table.add_row(*map(Text, row))
    console().print(table)


def _cells(hits: Sequence[Found], titles: Mapping[str, str] | None) -> Iterator[list[str]]:
    for rank, hit in enumerate(hits, start=1):
        reasons = [] if titles is None else [_why(hit, titles)]
        yield [str(rank), f"{hit.score:.3f}", hit.id, title_of(hit.item), *reasons]


def _why(hit: Found, titles: Mapping[str, str]) -> str:
    """What carried a hit, after where it comes from if that is not its score."""
    reasons = because(hit.reasons, titles)
    if hit.source in {"", "personal"}:
        return reasons
    return f"{hit.source}: {reasons}" if reasons else hit.source


def console() -> Console:
    """Standard output; a file or a pipe gets long lines, not those of a small terminal."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES)


def print_json(hits: Sequence[Found]) -> None:
    """One JSON object a line on standard output."""
    for rank, hit in enumerate(hits, start=1):
        print(json.dumps(_fields(rank, hit), ensure_ascii=False))


def _fields(rank: int, hit: Found) -> dict[str, Any]:
    fields: dict[str, Any] = {"rank": rank, "score": round(hit.score, 6), "id": hit.id}
    if hit.item is not None:
        fields |= {"text": hit.item.text, "attributes": dict(hit.item.attributes)}
    if hit.reasons:
        fields["because"] = [_reason(reason) for reason in hit.reasons]
    if hit.channels:
        fields["channels"] = {part.channel: round(part.score, 6) for part in hit.channels}
    if hit.source:
        fields["source"] = hit.source
    if hit.propensity:
        fields["propensity"] = hit.propensity
    return fields


def _named(reason: Reason) -> dict[str, str]:
    if reason.other:
        return {"other": reason.other}
    return {"text": reason.text} if reason.text else {"item_id": reason.item_id}


def _reason(reason: Reason) -> dict[str, Any]:
    subject = _named(reason)
    return {**subject, "score": round(reason.score, 6), "share": round(reason.share, 6)}
