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
        name_of: the name of the collection that a name or an alias stands for; the same if none.
    """

    def __init__(self, callers: Callers | None = None) -> None:
        self.callers = callers
        self.name_of: Callable[[str], str] = lambda name: name

    def admit(self, method: str, request: Any, metadata: Callable[[], Iterable[Any]]) -> Caller:
        """Find out who calls, and refuse what it may not.

        Args:
            method: its name.
            request: the message, or a stream of them; where the caller is held to some collections,
                an alias in it is replaced by what it stands for now.
            metadata: of the call.

        Returns:
            Who calls; `admitted` returns the same until the call ends.

        Raises:
            Unauthenticated: no key, or an unknown one.
            PermissionDenied: a right is missing, or a collection is not the caller's.
        """
        callers = self.callers
        if callers is None:
            _ADMITTED.set(EVERYBODY)
            return EVERYBODY
        caller = callers.find(digest_of(key_of(header_of(metadata()))))
        if caller is None:
            raise Unauthenticated("the key is none that this server knows")
        self._check(caller, method, request, METHODS[method])
        _ADMITTED.set(caller)
        return caller

    def _check(self, caller: Caller, method: str, request: Any, needs: Needs) -> None:
        if needs.right is not None:
            caller.check_right(needs.right, method)
        if needs.about:
            caller.check_unfiltered(method)
        if needs.about == "everything":
            caller.check_everywhere(method)
        if caller.collections is not None:
            self._check_names(caller, request, needs)

    def _check_names(self, caller: Caller, request: Any, needs: Needs) -> None:
        for field in needs.names:
            name = getattr(request, field)
            caller.check_collection(name, field)
            caller.check_collection(self.name_of(name), field)
        if needs.collection:
            name = self.name_of(getattr(request, needs.collection))
            caller.check_collection(name, needs.collection)
            # An alias may come to stand for another collection before the servicer looks it up.
            setattr(request, needs.collection, name)


def told_to(caller: Caller | None, error: BertineError) -> BertineError:
    """An error without names of collections that are not the caller's."""
    held = caller is not None and caller.collections is not None
    if held and isinstance(error, NotFound) and error.kind == "collection":
        return NotFound(error.kind, error.name)
    return error
