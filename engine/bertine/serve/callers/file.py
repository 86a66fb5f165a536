"""The file of callers: TOML to `Callers`, with an error that says which entry is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, TypeGuard

from google.protobuf import json_format

from bertine.errors import ConfigError, InvalidInput
from bertine.index.filters import Filter, check
from bertine.serve.callers.caller import RIGHTS, Caller, Callers
from bertine.v1 import common_pb2
from bertine.wire.filters import filter_from_mapping, filter_from_wire, filter_to_wire

MAX_BYTES = 1 << 20
MAX_CALLERS = 1_000
MAX_KEYS = 8
"""Of one caller."""

MAX_PATTERNS = 256
"""Of one caller."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PATTERN = re.compile(r"[A-Za-z0-9_.*?\[\]!-]{1,128}")
_DIGEST = re.compile(r"[0-9A-Fa-f]{64}")
_SETTINGS = ("name", "key_sha256", "may", "collections", "filter")


def parse(text: str) -> Callers:
    """Read the callers.

    Raises:
        ConfigError: says where in the text, and what would be right.
    """
    try:
        table = tomllib.loads(text)
    except ValueError as error:  # a number of too many digits is no TOMLDecodeError
        raise ConfigError(f"is no TOML: {error}") from error
    unknown = sorted(set(table) - {"caller"})
    if unknown:
        raise ConfigError(f"has {unknown[0]!r} at the top; it holds [[caller]] tables only")
    entries = table.get("caller", [])
    if not (isinstance(entries, list) and 1 <= len(entries) <= MAX_CALLERS):
        raise ConfigError(f"holds no [[caller]] tables; write 1 to {MAX_CALLERS:,} of them")
    keys: dict[bytes, Caller] = {}
    names: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        where = f"caller {number}"
        if not isinstance(entry, Mapping):
            raise ConfigError(f"{where} is no table; write [[caller]]")
        caller, digests = _entry(entry, where)
        if caller.name in names:
            raise ConfigError(f"{where}: the name {caller.name!r} is taken; give it another")
        names.add(caller.name)
        _take(keys, caller, digests, where)
    return Callers(keys)


def is_name(name: object) -> TypeGuard[str]:
    """Whether a caller may be called that."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _take(keys: dict[bytes, Caller], caller: Caller, digests: list[bytes], where: str) -> None:
    for digest in digests:
        there = keys.setdefault(digest, caller)
        if there is not caller:
            raise ConfigError(
                f"{where} ({caller.name}): key_sha256 {digest.hex()[:12]}… belongs to "
                f"{there.name!r} already; a key is of one caller"
            )


def _entry(entry: Mapping[str, Any], where: str) -> tuple[Caller, list[bytes]]:
    name = entry.get("name")
    if not is_name(name):
        raise ConfigError(
            f"{where}: name is {name!r}; write 1 to 64 characters of a-z A-Z 0-9 _ - ."
        )
    where = f"{where} ({name})"
    unknown = sorted(set(entry) - set(_SETTINGS))
    if unknown:
        raise ConfigError(
            f"{where}: there is no setting {unknown[0]!r}; there are {', '.join(_SETTINGS)}"
        )
    may = _strings(entry, "may", where, ["read"])
    wrong = [right for right in may if right not in RIGHTS]
    if wrong:
        raise ConfigError(f"{where}: may holds {wrong[0]!r}; it can hold {', '.join(RIGHTS)}")
    condition = _filter(entry["filter"], where) if "filter" in entry else None
    if condition is not None and "admin" in may:
        raise ConfigError(
            f"{where}: has the right admin, which is about whole collections, and a filter; "
            "leave out one of the two"
        )
    rights = frozenset(right for right in RIGHTS if right in may)
    return Caller(name, rights, _collections(entry, where), condition), _digests(entry, where)


def _strings(entry: Mapping[str, Any], key: str, where: str, default: list[str]) -> list[str]:
    """A list of strings; one string will do for a list of one."""
    given = entry.get(key, default)
    found = [given] if isinstance(given, str) else given
    if not (isinstance(found, list) and found and all(isinstance(one, str) for one in found)):
        # Not what stands where a hash should: it may be a key.
        shown = "something else" if given and key == "key_sha256" else repr(given)
        raise ConfigError(f"{where}: {key} is {shown}; write a list of one string or more")
    return found


def _digests(entry: Mapping[str, Any], where: str) -> list[bytes]:
    found = _strings(entry, "key_sha256", where, [])
    wrong = [one for one in found if not _DIGEST.fullmatch(one)]
    if wrong:  # not what it is: somebody may have put the key itself there
        raise ConfigError(
            f"{where}: key_sha256 holds {len(wrong[0])} characters that are no SHA-256; write the "
            "64 hexadecimal digits that `bertine key` prints"
        )
    if len(found) > MAX_KEYS:
        raise ConfigError(f"{where}: key_sha256 holds {len(found)} keys; {MAX_KEYS} are enough")
    return [bytes.fromhex(one) for one in found]


def _collections(entry: Mapping[str, Any], where: str) -> tuple[str, ...] | None:
    if "collections" not in entry:
        return None
    found = _strings(entry, "collections", where, [])
    wrong = [pattern for pattern in found if not _PATTERN.fullmatch(pattern)]
    if wrong:
        raise ConfigError(
            f"{where}: collections holds {wrong[0]!r}; write names of collections; in them * ? and "
            "[...] stand for others as in a shell"
        )
    if len(found) > MAX_PATTERNS:
        raise ConfigError(
            f"{where}: collections holds {len(found):,} patterns; {MAX_PATTERNS} are enough"
        )
    return tuple(found)


def _filter(given: Any, where: str) -> Filter:
    """A table is the short form of `filter_from_mapping`, a string the JSON form of a message."""
    try:
        if isinstance(given, str):
            message = json_format.Parse(given, common_pb2.Filter())
            found = filter_from_wire(message)
        else:
            found = _short(given) if isinstance(given, Mapping) and given else None
    except InvalidInput as error:
        raise ConfigError(f"{where}: {error}") from error
    except json_format.ParseError as error:
        raise ConfigError(f"{where}: filter is no bertine.v1.Filter in JSON: {error}") from error
    if found is None:
        raise ConfigError(
            f'{where}: filter is {given!r}; write a table such as {{tenant = "a"}}, the JSON of a '
            "bertine.v1.Filter, or leave it out"
        )
    try:
        check(found)
    except InvalidInput as error:
        raise ConfigError(f"{where}: {error}") from error
    return found


def _short(given: Mapping[str, Any]) -> Filter | None:
    """By way of the message, which refuses what no attribute can be: lists in lists, dates."""
    return filter_from_wire(filter_to_wire(filter_from_mapping(given)))
