from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.cache import Cache, CacheUse, Key
from bertine.types import Vector


def key(text: str) -> Key:
    return ("", True, text)


def vector(value: float) -> Vector:
    return np.full(8, value, dtype=np.float32)


def entry_bytes() -> int:
    cache = Cache(10_000)
    cache.put(key("a"), vector(0), 3, truncated=False)
    return cache.use().bytes


def test_what_was_put_is_found_with_all_that_is_known() -> None:
    cache = Cache(10_000)
    assert cache.get(key("a")) is None
    cache.put(key("a"), vector(1), 3, truncated=True)
    found = cache.get(key("a"))
    assert found is not None
    assert (found.vector == 1).all()
    assert (found.tokens, found.truncated) == (3, True)
    assert cache.use() == CacheUse(hits=1, misses=1, entries=1, bytes=entry_bytes())


def test_prompt_truncation_and_kind_tell_entries_apart() -> None:
    cache = Cache(100_000)
    keys: list[Key] = [("", True, "a"), ("q: ", True, "a"), ("", False, "a"), ("", True, b"a")]
    for number, each in enumerate(keys):
        cache.put(each, vector(number), 3, truncated=False)
    for number, each in enumerate(keys):
        found = cache.get(each)
        assert found is not None
        assert found.vector[0] == number


def test_it_keeps_a_copy_that_nobody_can_change() -> None:
    cache, mine = Cache(10_000), vector(1)
    cache.put(key("a"), mine, 3, truncated=False)
    mine[:] = 9
    found = cache.get(key("a"))
    assert found is not None
    assert (found.vector == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        found.vector[0] = 9


def test_what_does_not_fit_is_not_kept() -> None:
    cache = Cache(entry_bytes() - 1)
    cache.put(key("a"), vector(1), 3, truncated=False)
    assert cache.use() == CacheUse()


@given(
    st.integers(0, 5), st.lists(st.tuples(st.booleans(), st.sampled_from("abcdefgh")), max_size=60)
)
def test_it_is_a_bounded_lru(room: int, steps: list[tuple[bool, str]]) -> None:
    size = entry_bytes()
    cache = Cache(room * size)
    model: OrderedDict[str, None] = OrderedDict()
    for put, text in steps:
        if put:
            cache.put(key(text), vector(ord(text)), 3, truncated=False)
            model[text] = None
            model.move_to_end(text)
            if len(model) > room:
                model.popitem(last=False)
        else:
            assert (cache.get(key(text)) is not None) == (text in model)
            if text in model:
                model.move_to_end(text)
        use = cache.use()
        assert (use.entries, use.bytes) == (len(model), len(model) * size)


def test_threads_do_not_break_its_accounts() -> None:
    cache = Cache(20 * entry_bytes())

    def client(seed: int) -> None:
        for step in range(500):
            text = chr(97 + (seed * 7 + step * 3) % 26)
            if (found := cache.get(key(text))) is None:
                cache.put(key(text), vector(ord(text)), 3, truncated=False)
            else:
                assert found.vector[0] == ord(text)

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    use = cache.use()
    assert use.entries == 20
    assert use.bytes == 20 * entry_bytes()
    assert use.hits + use.misses == 2000
