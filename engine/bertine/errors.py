"""Every error Bertine raises on purpose, as one tree.

    BertineError
    ├── InvalidInput        a field of the caller's is wrong; names the field
    ├── NotFound            collection, item or model that does not exist
    ├── AlreadyExists       a collection of that name is there
    ├── VersionMismatch     an item is not the version that the caller has read
    ├── Unauthenticated     no key, or one that the server does not know
    ├── PermissionDenied    the caller is known and may not do this
    ├── Conflict            the state forbids it (for example vectors of another model)
    ├── Overloaded          a queue is full; says when to come back
    ├── DeadlineExceeded    the caller's deadline has passed or cannot be met
    ├── Unavailable         starting, draining, or the device is lost
    ├── StorageError        the disk is full, read-only or damaged
    ├── EncodeError         the encoder failed on this text
    ├── ArtifactError       a model folder that is damaged, incomplete or not supported
    └── ConfigError         a setting that cannot work, or a port in use

A message says what was wrong, with which value, and what would be right. Vendor errors are
translated once, where the vendor is called. gRPC codes are assigned once, in
`bertine.serve.status`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_NAMED = 3
_SHOWN = 40


class BertineError(Exception):
    """Base of all errors raised on purpose; anything else is a defect."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(BertineError):
    """A caller's value is wrong.

    Args:
        field: path of the field, as in the request message (``texts[3]``).
        problem: what is wrong with which value, and what would be right.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class NotFound(BertineError):
    """Something named by the caller does not exist."""

    def __init__(self, kind: str, name: str, hint: str = "") -> None:
        super().__init__(f"{kind} {name!r} does not exist" + (f"; {hint}" if hint else ""))
        self.kind = kind
        self.name = name


class AlreadyExists(BertineError):
    """Something of that name exists with other settings."""


class Mismatch(NamedTuple):
    """An item that is not as a conditional change expects it.

    Attributes:
        id: of the item.
        expected: version that the caller gave, 0 if it must not exist.
        version: of the item now, 0 if it does not exist.
    """

    id: str
    expected: int
    version: int


class VersionMismatch(BertineError):
    """Items have other versions than a conditional change expects; nothing of it was done.

    Args:
        mismatches: all of them, at least one.
    """

    def __init__(self, mismatches: Sequence[Mismatch]) -> None:
        named = ", ".join(map(_mismatch, mismatches[:_NAMED]))
        more = f" and {len(mismatches) - _NAMED:,} more" if len(mismatches) > _NAMED else ""
        super().__init__(f"{named}{more}; read them again, decide again, then call again")
        self.mismatches = tuple(mismatches)


def _mismatch(mismatch: Mismatch) -> str:
    id_, expected, version = mismatch
    now = f"is at version {version}" if version else "does not exist"
    # Shortened: a status has not much room.
    short = id_ if len(id_) <= _SHOWN else f"{id_[:_SHOWN]}…"
    return f"item {short!r} {now}, " + (f"not at {expected}" if expected else "and must not exist")


class Unauthenticated(BertineError):
    """The call has no key, or one that the server does not know."""


class PermissionDenied(BertineError):
    """The caller is known and may not do this.

    Args:
        message: what is missing.
        field: path of the field that names what it may not use, "" if it is the method.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.problem = message


class Conflict(BertineError):
    """The request is well formed but the present state forbids it."""


class Overloaded(BertineError):
    """A bounded queue is full.

    Args:
        message: which limit was reached.
        retry_after: seconds after which a retry is sensible.
    """

    def __init__(self, message: str, retry_after: float = 0.1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeadlineExceeded(BertineError):
    """The deadline has passed, or passes before the work could end."""


class Unavailable(BertineError):
    """The server cannot serve this now but may later: starting, draining, device lost."""


class StorageError(BertineError):
    """The data folder cannot be read or written; nothing unacknowledged was kept."""


class EncodeError(BertineError):
    """The encoder failed on this input alone; others of its batch were served."""


class ArtifactError(BertineError):
    """A model artifact is damaged, incomplete, or of a kind this version does not support."""


class ConfigError(BertineError):
    """A setting cannot work as given."""
