"""Files that hold one text a line."""

from __future__ import annotations

import sys
from pathlib import Path

from bertine.errors import InvalidInput


def read_lines(file: Path) -> list[str]:
    """The texts of a file; ``-`` is standard input.

    Raises:
        InvalidInput: there are none, or a line is blank or not UTF-8.
    """
    name = "standard input" if str(file) == "-" else str(file)
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    # Only line ends divide: str.splitlines would also divide at a form feed inside a text.
    lines = data.removesuffix(b"\n").split(b"\n") if data else []
    if not lines:
        raise InvalidInput(name, "is empty; give one text a line")
    return [_text(line, f"{name}, line {number}") for number, line in enumerate(lines, start=1)]


def _text(line: bytes, place: str) -> str:
    try:
        text = line.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise InvalidInput(place, f"is not UTF-8: {error.reason}") from error
    if not text.strip():
        raise InvalidInput(place, "is blank; remove the line or fill it: each line is one text")
    return text
