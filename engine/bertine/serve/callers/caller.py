"""A caller and what he may: decisions without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias, get_args

from bertine.errors import PermissionDenied
from bertine.index.filters import Filter, Predicate, compile_alone, compile_filter
from bertine.types import Item

Right: TypeAlias = Literal["read", "write", "record", "admin"]
"""See items; change items; record events; all that concerns whole collections or the server."""

RIGHTS: tuple[Right, ...] = get_args(Right)

_SHOWN = 64
_PATTERNS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever has one of its keys.

    Attributes:
        name: unique among the callers; "" where a server knows none, and lets everybody in.
        may: its rights; none of them includes another.
        collections: shell patterns of the names of collections; None is all.
        filter: that everything it sees or writes matches; None is everything.
    """

    name: str
    may: frozenset[Right]
    collections: tuple[str, ...] | None = None
    filter: Filter | None = None

    @property
    def test(self) -> Predicate | None:
        """Says whether an item of these attributes is the caller's; None if every item is."""
        return None if self.filter is None else compile_filter(self.filter)

    @property
    def owns(self) -> Predicate | None:
        """Says whether an item of these attributes is nobody else's too; None if every item is.

        A list holds values of several callers: what is in it for others is theirs to see.
        """
        return None if self.filter is None else compile_alone(self.filter)

    def visible(self, items: Iterable[Item]) -> list[Item]:
        """Those of the items that are the caller's."""
        test = self.test
        return [item for item in items if test is None or test(item.attributes)]

    def may_use(self, collection: str) -> bool:
        """Whether it may use a collection of that name."""
        return self.collections is None or any(
            fnmatchcase(collection, pattern) for pattern in self.collections
        )

    def check_right(self, right: Right, method: str) -> None:
        """Refuse what it has no right to.

        Raises:
            PermissionDenied: says which right is missing.
        """
        if right not in self.may:
            raise PermissionDenied(
                f"caller {self.name!r} may not call {method}: it needs the right {right!r} and has "
                f"{', '.join(sorted(self.may))}"
            )

    def check_collection(self, collection: str, field: str, given: str = "") -> None:
        """Refuse a collection that is not among its own.

        Args:
            collection: its own name, which is not told.
            field: of the request.
            given: what the request says instead, if that may be an alias.

        Raises:
            PermissionDenied: says which it may use.
        """
        if self.may_use(collection):
            return
        given = given or collection
        alias = ", an alias of one that is not among its own" if self.may_use(given) else ""
        raise PermissionDenied(
            f"caller {self.name!r} may not use collection {given[:_SHOWN]!r}{alias}; it may use "
            f"{self._patterns()}",
            field,
        )

    def check_unfiltered(self, method: str) -> None:
        """Refuse a caller that is held to a filter.

        Raises:
            PermissionDenied: it is.
        """
        if self.filter is not None:
            raise PermissionDenied(
                f"caller {self.name!r} may not call {method}, which is about everybody's items: it "
                "is held to a filter"
            )

    def check_everywhere(self, method: str) -> None:
        """Refuse a caller that is held to some collections.

        Raises:
            PermissionDenied: says to which.
        """
        if self.collections is not None:
            raise PermissionDenied(
                f"caller {self.name!r} may not call {method}, which is about all collections: it "
                f"may use {self._patterns()}"
            )

    def _patterns(self) -> str:
        """Some of its collections, for a message: a status has not much room."""
        patterns = self.collections or ()
        more = ", …" if len(patterns) > _PATTERNS_SHOWN else ""
        return ", ".join(patterns[:_PATTERNS_SHOWN]) + more


EVERYBODY = Caller("", frozenset(RIGHTS))
"""Who calls a server that knows no callers."""


class Callers:
    """The callers that a server knows, by the digests of their keys.

    Args:
        keys: digest, as `keys.digest_of` gives it, to the caller that has the key.
    """

    def __init__(self, keys: Mapping[bytes, Caller]) -> None:
        self._keys = dict(keys)

    def __len__(self) -> int:
        return len({caller.name for caller in self._keys.values()})

    def find(self, digest: bytes) -> Caller | None:
        """Who has the key of that digest.

        How long this takes depends on the digest, which nobody can steer, not on the key.
        """
        return self._keys.get(digest)

    def rights(self) -> list[tuple[str, str, list[Right]]]:
        """Digest in hexadecimal, name and rights for each key: what JSON can carry to a front."""
        return [(key.hex(), one.name, sorted(one.may)) for key, one in self._keys.items()]

    @classmethod
    def of_rights(cls, rights: Iterable[tuple[str, str, list[Right]]]) -> Callers:
        """From `rights`: enough for methods that are about no collection."""
        return cls({bytes.fromhex(key): Caller(name, frozenset(may)) for key, name, may in rights})
