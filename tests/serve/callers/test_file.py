"""The file of callers: what is right is taken as it is meant, and what is wrong is told."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.errors import ConfigError
from bertine.index.filters import AllOf, AnyOf, Filter, OneOf
from bertine.serve.callers.caller import RIGHTS, Caller, Right
from bertine.serve.callers.file import MAX_BYTES, MAX_CALLERS, MAX_PATTERNS, parse
from bertine.serve.callers.keys import digest_of
from bertine.serve.callers.watch import CallersFile

KEYS = ("one", "two", "three")
HASHES = [digest_of(key).hex() for key in KEYS]


def entry(**settings: Any) -> str:
    """An entry of the file; JSON's strings, lists and numbers are TOML's."""
    given: dict[str, Any] = {"name": "shop", "key_sha256": HASHES[:1]}
    lines = [f"{key} = {json.dumps(value)}" for key, value in (given | settings).items()]
    return "\n".join(["[[caller]]", *lines, ""])


def test_what_is_left_out_is_all_collections_and_reading() -> None:
    assert parse(entry()).find(digest_of("one")) == Caller("shop", frozenset({"read"}))


def test_an_entry_is_taken_as_it_is_written() -> None:
    text = entry(
        key_sha256=[HASHES[0], HASHES[1].upper()], may=["write", "read"], collections=["a", "b-*"]
    )
    callers = parse(text + 'filter = {tenant = "a", year = {gte = 1900}}\n')
    found = callers.find(digest_of("one"))
    assert found is not None
    assert found is callers.find(digest_of("two"))
    assert callers.find(digest_of("three")) is None
    assert found.may == {"read", "write"}
    assert found.collections == ("a", "b-*")
    test = found.test
    assert test is not None
    assert test({"tenant": "a", "year": 1900})
    assert not test({"tenant": "a"})
    assert not test({"tenant": "b", "year": 2000})


def test_a_filter_may_be_the_message_in_json() -> None:
    condition = {"any": {"filters": [{"equals": {"attribute": "t", "value": {"intValue": "1"}}}]}}
    found = parse(entry(filter=json.dumps(condition))).find(digest_of("one"))
    assert found is not None
    assert found.filter == AnyOf((OneOf("t", (1,)),))


WRONG = {
    "is no TOML: .*line 1": "[[caller]",
    "'serve' at the top": '[serve]\nmodel = "m"\n',
    r"holds no \[\[caller\]\]": "",
    "caller 1: name is None": '[[caller]]\nkey_sha256 = "x"\n',
    "caller 1: name is 'a b'": entry(name="a b"),
    r"caller 2: the name 'shop' is taken": entry() + entry(key_sha256=HASHES[1]),
    r"caller 2 \(other\): key_sha256 .* belongs to 'shop'": entry() + entry(name="other"),
    r"caller 1 \(shop\): key_sha256 is \[\]": entry(key_sha256=[]),
    r"caller 1 \(shop\): key_sha256 holds 3 characters that are no SHA-256": entry(
        key_sha256="one"
    ),
    "9 keys; 8 are enough": entry(key_sha256=[f"{n:064x}" for n in range(9)]),
    r"no setting 'mai'; there are name, key_sha256": entry(mai=["read"]),
    "may holds 'wirte'; it can hold read, write": entry(may=["read", "wirte"]),
    r"may is \[\]; write a list": entry(may=[]),
    "collections holds 'a b'": entry(collections=["a b"]),
    r"collections is \[\]": entry(collections=[]),
    "right admin, .* and a filter": entry(may=["admin"]) + 'filter = {t = "a"}\n',
    r"filter is \{\}": entry() + "filter = {}\n",
    "filter is 3": entry(filter=3),
    "filter.t: is datetime.date": entry() + "filter = {t = 2020-01-01}\n",
    "filter is no bertine.v1.Filter in JSON": entry(filter="tenant = a"),
    r"filter.all.filters\[0\]: is empty": entry(filter='{"all": {"filters": [{}]}}'),
    "patterns; 256 are enough": entry(collections=["a"] * (MAX_PATTERNS + 1)),
    "is no str, int, float, bool or list of str": entry() + "filter = {t = [2020-01-01]}\n",
    "is a list": entry() + 'filter = {t = [["a"]]}\n',
    "is no TOML: Exceeds the limit": f"a = {'1' * 5_000}\n",
    "filter.values: has 0 values": entry() + "filter = {t = []}\n",
    "caller 1 is no table": "caller = [1]\n",
    f"write 1 to {MAX_CALLERS:,}": "[[caller]]\n" * (MAX_CALLERS + 1),
}


@pytest.mark.parametrize(("problem", "text"), WRONG.items())
def test_what_is_wrong_is_told_with_its_place(problem: str, text: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        parse(text)


def test_a_key_that_stands_where_its_hash_should_is_not_repeated() -> None:
    for wrong in ("a-real-key", ["a-real-key", 1], [["a-real-key"]], [HASHES[0], "a-real-key"]):
        with pytest.raises(ConfigError, match="key_sha256") as refused:
            parse(entry(key_sha256=wrong))
        assert "a-real-key" not in str(refused.value)


rights = st.lists(st.sampled_from(RIGHTS[:3]), min_size=1)
collections = st.none() | st.lists(st.sampled_from(["a", "b-*", "[c-d]?"]), min_size=1)
tenants = st.none() | st.text("ab", min_size=1)


@given(rights, collections, tenants)
def test_what_is_written_is_what_is_read(
    may: list[Right], patterns: list[str] | None, tenant: str | None
) -> None:
    text = entry(may=may) if patterns is None else entry(may=may, collections=patterns)
    text += "" if tenant is None else f'filter = {{tenant = "{tenant}"}}\n'
    names = None if patterns is None else tuple(patterns)
    condition: Filter | None = None if tenant is None else AllOf((OneOf("tenant", (tenant,)),))
    expected = Caller("shop", frozenset(may), names, condition)
    assert parse(text).find(digest_of("one")) == expected


def look(file: CallersFile) -> list[bool]:
    """Whether something new was found, at three looks."""
    return [file.changed() is not None for _ in range(3)]


def test_a_file_is_read_again_when_it_has_changed_and_settled(tmp_path: Path) -> None:
    path = tmp_path / "callers.toml"
    path.write_text(entry())
    file = CallersFile(path)
    assert file.read().find(digest_of("two")) is None
    assert look(file) == [False, False, False]
    path.write_text(entry(key_sha256=HASHES[:2]))
    assert file.changed() is None
    found = file.changed()
    assert found is not None
    assert found.find(digest_of("two")) is not None
    assert file.changed() is None


def test_a_link_that_points_elsewhere_is_a_change(tmp_path: Path) -> None:
    for number, key in enumerate(HASHES[:2]):
        (tmp_path / str(number)).write_text(entry(key_sha256=key))
        os.utime(tmp_path / str(number), (0, 0))
    path = tmp_path / "callers.toml"
    path.symlink_to("0")
    file = CallersFile(path)
    file.read()
    path.unlink()
    path.symlink_to("1")
    assert look(file) == [False, True, False]


def test_a_change_is_known_by_more_than_the_time_that_a_copy_keeps(tmp_path: Path) -> None:
    path = tmp_path / "callers.toml"
    path.write_text(entry())
    file = CallersFile(path)
    file.read()
    times = path.stat()
    path.write_text(entry(key_sha256=HASHES[1]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert look(file) == [False, True, False]


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5_000, entry() + "filter" + ".not" * 2_000 + " = 1\n"]
)
def test_a_file_that_nests_too_deeply_is_as_broken(tmp_path: Path, text: str) -> None:
    path = tmp_path / "callers.toml"
    path.write_text(entry())
    file = CallersFile(path)
    file.read()
    path.write_text(text)
    assert look(file) == [False, False, False]


def test_a_broken_file_is_told_once_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "callers.toml"
    path.write_text(entry())
    file = CallersFile(path)
    file.read()
    with caplog.at_level(logging.INFO):
        path.write_text("[[caller]")
        assert look(file) == [False, False, False]
        path.unlink()
        assert look(file) == [False, False, False]
        path.write_text(entry())
        assert look(file) == [False, True, False]
    told = [record.message for record in caplog.records]
    assert [message.split(":")[0] for message in told] == [
        "the callers known before stay",
        "the callers known before stay",
        "the callers were read again",
    ]


def test_a_file_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "callers.toml"
    with pytest.raises(ConfigError, match=r"callers.toml cannot be read: No such file"):
        CallersFile(path).read()
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than 1,048,576 bytes"):
        CallersFile(path).read()
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        CallersFile(path).read()
