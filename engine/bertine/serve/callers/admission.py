"""Who makes the call that is under way, and whether it may be made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from bertine.errors import BertineError, NotFound, Unauthenticated
from bertine.serve.callers.caller import EVERYBODY, Caller, Callers
from bertine.serve.callers.keys import digest_of, header_of, key_of
from bertine.serve.callers.methods import METHODS, Needs

_ADMITTED: ContextVar[Caller] = ContextVar("admitted")


def admitted() -> Caller:
    """Who makes the call that this is part of.

    Raises:
        LookupError: it did not come through a gate; whoever asks must not go on.
    """
    return _ADMITTED.get()


class Admission:
    """Admits calls.

    Args:
        callers: that are known; None admits everybody to everything.

    Attributes:
        callers: may be replaced at any time; calls that were admitted go on.
        name_of: the name of the collection that a name or an alias stands for; None if none.
    """

    def __init__(self, callers: Callers | None = None) -> None:
        self.callers = callers
        self.name_of: Callable[[str], str | None] = lambda name: name

    def who(self, metadata: Callable[[], Iterable[Any]]) -> Caller:
        """Find out who calls.

        Args:
            metadata: of the call.

        Raises:
            Unauthenticated: no key, or an unknown one.
        """
        callers = self.callers
        if callers is None:
            return EVERYBODY
        caller = callers.find(digest_of(key_of(header_of(metadata()))))
        if caller is None:
            raise Unauthenticated("the key is none that this server knows")
        return caller

    def admit(self, caller: Caller, method: str, request: Any) -> None:
        """Refuse what a caller may not; else `admitted` returns it until the call ends.

        Args:
            caller: see `who`.
            method: its name.
            request: the message, or a stream of them; where the caller is held to some collections,
                an alias in it is replaced by what it stands for now.

        Raises:
            PermissionDenied: a right is missing, or a collection is not the caller's.
            NotFound: it would be the caller's, but there is none.
        """
        if caller is not EVERYBODY:
            self._check(caller, method, request, METHODS[method])
        _ADMITTED.set(caller)

    def own(self, caller: Caller, name: str, field: str) -> str:
        """The name of the collection that a name or an alias stands for.

        An alias may come to stand for another before somebody looks it up.

        Raises:
            PermissionDenied: it is not the caller's; what it stands for is not told.
            NotFound: there is none; told here to those alone who may not know which there are.
        """
        found = self._checked(caller, name, field)
        if found is None and caller.collections is not None:
            raise NotFound("collection", name)
        return found or name

    def _checked(self, caller: Caller, name: str, field: str) -> str | None:
        found = self.name_of(name)
        caller.check_collection(found or name, field, name)
        return found

    def _check(self, caller: Caller, method: str, request: Any, needs: Needs) -> None:
        if needs.right is not None:
            caller.check_right(needs.right, method)
        if not needs.filtered:
            caller.check_unfiltered(method)
        if needs.everywhere:
            caller.check_everywhere(method)
        if caller.collections is not None:
            self._check_names(caller, request, needs)

    def _check_names(self, caller: Caller, request: Any, needs: Needs) -> None:
        for field in needs.names:
            name = getattr(request, field)
            caller.check_collection(name, field)
            self._checked(caller, name, field)
        if needs.collection:
            name = self.own(caller, getattr(request, needs.collection), needs.collection)
            setattr(request, needs.collection, name)


def told_to(caller: Caller | None, error: BertineError) -> BertineError:
    """An error without names of collections that are not the caller's."""
    held = caller is not None and caller.collections is not None
    if held and isinstance(error, NotFound) and error.kind == "collection":
        return NotFound(error.kind, error.name)
    return error
