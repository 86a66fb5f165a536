"""What a log may say of an exception that nobody expected.

Its message, and those of its causes, can hold anything a caller sent: a text, a user's id. So can
the lines of a traceback that a library formats. Names of types and places in the code cannot.
"""

from __future__ import annotations

import traceback
from pathlib import PurePath

_MOST_CAUSES = 8


def described(error: BaseException) -> dict[str, str]:
    """Types and places of an exception, for a log's fields.

    Args:
        error: that was raised.

    Returns:
        ``error``: its type, then those of its causes; ``frames``: where it was raised, innermost
        first, each as ``file:line function``.
    """
    chain = " from ".join(type(one).__name__ for one in _causes(error))
    frames = reversed(traceback.extract_tb(error.__traceback__, limit=None))
    places = (f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)
    return {"error": chain, "frames": " < ".join(places)}


def _causes(error: BaseException) -> list[BaseException]:
    """An exception and what it was raised from, at most so many: a chain may be a ring."""
    found = [error]
    while len(found) < _MOST_CAUSES:
        last = found[-1]
        cause = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if cause is None:
            break
        found.append(cause)
    return found


def _short(filename: str) -> str:
    """The last two parts of a path: enough to find the file, and no folder of the machine."""
    return "/".join(PurePath(filename).parts[-2:])
