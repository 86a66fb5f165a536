from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.recommend.learn import words
from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.learned import Learned
from bertine.recommend.learn.learning import LearningOptions, learn
from bertine.recommend.learn.taste import Candidates, Taste
from bertine.recommend.learn.words import near_words
from bertine.types import Matrix

VOCABULARY = ("pen", "ink", "blue", "a4", "Paper", "naïve", "7", "glue")
CATALOGS = st.lists(st.lists(st.sampled_from(VOCABULARY), max_size=6), min_size=2, max_size=30)
FILLING = [f"word{n}" for n in range(40)]


def links(texts: list[str]) -> dict[tuple[int, int], float]:
    found = near_words(texts)
    if found is None:
        return {}
    rows, places = np.nonzero(found.numbers >= 0)
    pairs = zip(rows.tolist(), found.numbers[rows, places].tolist(), strict=True)
    return dict(zip(pairs, found.values[rows, places].tolist(), strict=True))


def slow_links(texts: list[list[str]]) -> dict[tuple[int, int], float]:
    """What the docstring says, word by word."""
    items = {word: sum(word in text for text in texts) for text in texts for word in text}
    counting = {word for word, n in items.items() if 2 <= n <= max(0.1 * len(texts), 2)}
    vectors = [
        {
            word: (1 + math.log(text.count(word)))
            * math.log((len(texts) + 1) / (items[word] + 0.5))
            for word in counting.intersection(text)
        }
        for text in texts
    ]
    lengths = [math.sqrt(sum(x * x for x in vector.values())) for vector in vectors]
    return {
        (a, b): sum(x * vectors[b].get(word, 0.0) for word, x in vectors[a].items())
        / (lengths[a] * lengths[b])
        for a in range(len(texts))
        for b in range(len(texts))
        if vectors[a].keys() & vectors[b].keys()
    }


@given(CATALOGS)
def test_links_are_cosines_of_weighed_words(catalog: list[list[str]]) -> None:
    expected = slow_links([[word.casefold() for word in text] for text in catalog])
    found = links([", ".join(text) for text in catalog])
    assert found.keys() == expected.keys()
    for pair, value in expected.items():
        assert found[pair] == pytest.approx(value, abs=1e-5)


def test_the_nearest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "width", lambda _items: 2)
    texts = ["red pen 0815", "red pen 0815", "red pen", *(f"red {word}" for word in FILLING)]
    found = near_words(texts)
    assert found is not None
    assert set(found.numbers[0].tolist()) == {0, 1}


def test_what_every_text_has_says_nothing() -> None:
    assert near_words([f"the {word}" for word in FILLING]) is None
    assert near_words([]) is None
    assert near_words(["", ""]) is None


def test_only_the_first_words_of_a_text_count() -> None:
    late = " ".join(f"x{n}" for n in range(words.LONGEST)) + " same"
    assert (0, 1) not in links([late, "same", "same", *FILLING])


def test_a_catalog_that_is_too_large_has_no_such_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MOST_ITEMS", 2)
    assert near_words(["one pen", "one pen"]) is not None
    assert near_words(["one pen", "one pen", "one"]) is None


def test_words_propose_and_their_shares_add_up(interactions: Interactions, vectors: Matrix) -> None:
    texts = [f"series {number // 3} part" for number in range(len(vectors))]
    kept = {words.NAME: (1.0, 1.0)}
    learned = learn(interactions, vectors, LearningOptions(weights=kept), texts)
    taste = Taste(np.array([30, 9]), np.ones(2), vectors[[30, 9]], np.array([1.0, 2.0]))
    assert {30, 31, 32, 9, 10, 11} <= set(learned.propose(taste, 10).tolist())
    offered = Candidates(np.array([31, 10, 50]), vectors[[31, 10, 50]])
    column = learned.channels.index(words.NAME)
    values = learned.score(taste, offered)[:, column]
    assert values[1] > values[0] > values[2] == 0.0
    parts = learned.parts(taste, offered)[:, column]
    np.testing.assert_allclose(parts.sum(axis=1), values, rtol=1e-6)
    np.testing.assert_array_equal(parts[0] > 0, [True, False, False])


def test_without_texts_there_is_no_such_channel(learned: Learned) -> None:
    assert words.NAME not in learned.channels
