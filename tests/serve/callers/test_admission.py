"""Who is admitted to what."""

import contextvars
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.errors import InvalidInput, NotFound, PermissionDenied, Unauthenticated
from bertine.index.filters import OneOf
from bertine.serve.callers.admission import Admission, admitted, told_to
from bertine.serve.callers.caller import EVERYBODY, RIGHTS, Caller, Callers
from bertine.serve.callers.keys import MAX_BYTES, digest_of, header_of, key_of, new_key
from bertine.serve.callers.methods import METHODS
from bertine.types import Attribute
from bertine.v1 import catalog_pb2, recommendation_pb2

KEY = "k" * 43
ALIASES = {"alias-a": "a-1", "alias-b": "b-1"}
MESSAGES = {
    name: getattr(module, f"{name}Request")
    for module in (catalog_pb2, recommendation_pb2)
    for name in METHODS
    if hasattr(module, f"{name}Request") and name != "ImportItems"
}
names = st.sampled_from(["a-1", "a-2", "b-1", "alias-a", "alias-b"])
callers = st.builds(
    Caller,
    st.just("shop"),
    st.frozensets(st.sampled_from(RIGHTS)),
    st.none() | st.sampled_from([("a-*",), ("b-1", "alias-*"), ("*",)]),
    st.none() | st.just(OneOf("tenant", ("a",))),
)


def admission(caller: Caller) -> Admission:
    made = Admission(Callers({digest_of(KEY): caller}))
    made.name_of = lambda name: None if "none" in name else ALIASES.get(name, name)
    return made


def bearer(key: str = KEY) -> tuple[tuple[str, str], ...]:
    return (("user-agent", "a test"), ("authorization", f"Bearer {key}"))


def admit(
    to: Admission, method: str, request: Any, metadata: Callable[[], Iterable[Any]] = bearer
) -> Caller:
    """As a gate does it."""
    caller = to.who(metadata)
    to.admit(caller, method, request)
    return caller


@given(callers, st.sampled_from(sorted(MESSAGES)), st.data())
def test_a_call_is_admitted_if_nothing_of_it_is_missing(
    caller: Caller, method: str, data: st.DataObject
) -> None:
    needs = METHODS[method]
    fields = [field for field in (needs.collection, *needs.names) if field]
    given_names = {field: data.draw(names) for field in fields}
    request = MESSAGES[method](**given_names)
    used = {ALIASES.get(name, name) for name in given_names.values()}
    used |= {given_names[field] for field in needs.names}
    allowed = (
        (needs.right is None or needs.right in caller.may)
        and (needs.filtered or not caller.filter)
        and not (needs.everywhere and caller.collections)
        and all(
            caller.collections is None or any(fnmatchcase(name, p) for p in caller.collections)
            for name in used
        )
    )
    if not allowed:
        with pytest.raises(PermissionDenied, match="'shop' may not"):
            admit(admission(caller), method, request)
        return
    assert contextvars.Context().run(admit, admission(caller), method, request) is caller
    if needs.collection and caller.collections is not None:
        name = given_names[needs.collection]
        assert getattr(request, needs.collection) == ALIASES.get(name, name)


def test_who_was_admitted_is_known_in_the_call_and_nowhere_else() -> None:
    caller = Caller("shop", frozenset({"read"}))

    def call() -> Caller:
        admit(admission(caller), "Embed", None)
        return admitted()

    assert contextvars.Context().run(call) is caller
    with pytest.raises(LookupError):
        contextvars.Context().run(admitted)


def test_without_callers_everybody_may_everything() -> None:
    open_to_all = Admission()
    for method in METHODS:
        assert admit(open_to_all, method, None, tuple) is EVERYBODY


@given(st.text())
def test_another_key_is_none(key: str) -> None:
    caller = Caller("shop", frozenset(RIGHTS))
    if key != KEY:
        with pytest.raises(Unauthenticated):
            admit(admission(caller), "Embed", None, lambda: bearer(key))


def test_a_refusal_says_what_to_send() -> None:
    for header in ("", "Bearer", "Bearer ", "Basic dTpw", KEY):
        with pytest.raises(Unauthenticated, match="authorization: Bearer KEY") as refused:
            key_of(header)
        assert KEY not in str(refused.value)
    for values in (["a", "b"], [b"\xff"], ["a" * (MAX_BYTES + 1)], ["Bearer \u00e4"]):
        with pytest.raises(Unauthenticated):
            header_of([("authorization", value) for value in values])
    assert header_of(None) == header_of([("other", "a")]) == ""
    assert key_of("bearer  a ") == "a"


def test_a_missing_right_is_named() -> None:
    reader = Caller("shop", frozenset({"read"}), ("a-*",))
    with pytest.raises(PermissionDenied, match=r"UpsertItems: it needs the right 'write'"):
        admit(admission(reader), "UpsertItems", catalog_pb2.UpsertItemsRequest())
    request = catalog_pb2.GetItemsRequest(collection="b-1")
    with pytest.raises(PermissionDenied, match=r"collection 'b-1'; it may use a-\*") as refused:
        admit(admission(reader), "GetItems", request)
    assert refused.value.field == "collection"


def refusal(to: Admission, caller: Caller, name: str) -> str:
    with pytest.raises(PermissionDenied) as refused:
        to.own(caller, name, "collection")
    return str(refused.value)


def test_what_an_alias_stands_for_is_not_told() -> None:
    held = Caller("shop", frozenset({"read"}), ("a-*", "alias-*"))
    to = admission(held)
    told = refusal(to, held, "alias-b")
    assert "'alias-b', an alias of one that is not among its own; it may use a-*, alias-*" in told
    assert "b-1" not in told


def test_whether_there_is_a_collection_of_others_is_not_told() -> None:
    held = Caller("shop", frozenset({"read"}), ("a-*",))
    to = admission(held)
    known, alias, unknown = (refusal(to, held, name) for name in ("b-1", "alias-b", "b-none"))
    assert known == alias.replace("alias-b", "b-1") == unknown.replace("b-none", "b-1")
    assert to.own(held, "alias-a", "collection") == "a-1"
    with pytest.raises(NotFound, match="'a-none' does not exist"):
        admit(to, "GetItems", MESSAGES["GetItems"](collection="a-none"))
    creator = Caller("shop", frozenset({"admin"}), ("a-*",))
    admit(admission(creator), "CreateCollection", MESSAGES["CreateCollection"](name="a-none"))


def test_a_refusal_fits_into_a_status() -> None:
    held = Caller("shop", frozenset({"read"}), tuple(f"{number}-*" for number in range(256)))
    told = refusal(admission(held), held, "b" * 1_000_000)
    assert "9-*, …" in told
    assert len(told) < 300


def test_a_list_that_holds_others_too_is_seen_and_not_owned() -> None:
    caller = Caller("shop", frozenset({"write"}), filter=OneOf("tenant", ("a", "b")))
    test, owns = caller.test, caller.owns
    assert test is not None
    assert owns is not None
    cases: list[tuple[Attribute, bool, bool]] = [
        ("a", True, True),
        (("a",), True, True),
        (("a", "b"), True, True),
        (("a", "c"), True, False),
        (("c",), False, False),
        ((), False, False),
    ]
    for value, seen, owned in cases:
        attributes: dict[str, Attribute] = {"tenant": value, "tags": ("a", "c")}
        assert (test(attributes), owns(attributes)) == (seen, owned)
    assert EVERYBODY.owns is None


def test_names_of_others_are_told_to_those_who_may_use_all() -> None:
    error = NotFound("collection", "a-9", "there are: a-1, b-1")
    held = Caller("shop", frozenset({"read"}), ("a-*",))
    assert "b-1" not in told_to(held, error).message
    assert told_to(Caller("shop", frozenset({"read"})), error) is error
    assert told_to(None, error) is error
    other = InvalidInput("a", "is wrong")
    assert told_to(held, other) is other


def test_keys_are_random_and_survive_the_way_to_a_front() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {43}
    caller = Caller("shop", frozenset({"read", "write"}), ("a",))
    there = Callers.of_rights(Callers({digest_of(KEY): caller}).rights())
    assert there.find(digest_of(KEY)) == Caller("shop", caller.may)
    assert len(there) == 1
