"""Fused vectors: one inner product is the weighted sum of the parts' similarities."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.errors import InvalidInput
from bertine.index.generation import build, sample_of_queries
from bertine.index.parts import MAX_NAMED, TEXT, Parts, check_named, split
from bertine.index.tuning import Recipe
from bertine.types import NamedVector, Vector

Given = tuple[Vector | None, dict[str, Vector]]
TOLERANCE = 2e-6


@st.composite
def all_parts(draw: st.DrawFn) -> Parts:
    count = draw(st.integers(0, 4))
    shares = draw(st.lists(st.floats(0.05, 1.0), min_size=count, max_size=count))
    total = sum(shares) + draw(st.floats(0.05, 1.0))
    named = tuple(
        NamedVector(f"part-{n}", draw(st.integers(1, 9)), share / total)
        for n, share in enumerate(shares)
    )
    return Parts(draw(st.integers(1, 9)), named)


def unit(seed: int, dimensions: int) -> Vector:
    vector = np.random.default_rng(seed).standard_normal(dimensions)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


@st.composite
def vectors_of(draw: st.DrawFn, parts: Parts) -> Given:
    seeds = st.none() | st.integers(0, 2**32)
    text = draw(seeds)
    drawn = {one: draw(seeds) for one in parts.named}
    named = {one.name: unit(s, one.dimensions) for one, s in drawn.items() if s is not None}
    return (None if text is None else unit(text, parts.text)), named


def similarity(name: str, left: Given, right: Given) -> float:
    """Cosine of one part, 0 if either lacks it."""
    a = left[0] if name == TEXT else left[1].get(name)
    b = right[0] if name == TEXT else right[1].get(name)
    return 0.0 if a is None or b is None else float(a.astype(np.float64) @ b)


def weights_of(parts: Parts) -> dict[str, float]:
    return {TEXT: parts.text_weight} | {one.name: one.weight for one in parts.named}


@given(st.data())
def test_the_inner_product_is_the_weighted_sum_of_similarities(data: st.DataObject) -> None:
    parts = data.draw(all_parts())
    left, right = data.draw(vectors_of(parts)), data.draw(vectors_of(parts))
    rows = parts.rows([left, right])
    expected = sum(
        weight * similarity(name, left, right) for name, weight in weights_of(parts).items()
    )
    assert float(rows[0] @ rows[1]) == pytest.approx(expected, abs=TOLERANCE)
    np.testing.assert_array_equal(rows[0], parts.row(*left))
    shares = parts.similarities(rows[0], rows[1])
    assert sum(shares.values()) == pytest.approx(expected, abs=TOLERANCE)
    for name, weight in weights_of(parts).items():
        part = weight * similarity(name, left, right)
        assert shares[name] == pytest.approx(part, abs=TOLERANCE)


@given(st.data())
def test_a_row_is_as_long_as_the_parts_that_it_has(data: st.DataObject) -> None:
    parts = data.draw(all_parts())
    text, named = data.draw(vectors_of(parts))
    row = parts.row(text, named)
    there = {TEXT} if text is not None else set()
    expected = sum(weights_of(parts)[name] for name in there | named.keys())
    assert float(row @ row) == pytest.approx(expected, abs=TOLERANCE)
    assert float(row @ row) <= 1.0 + TOLERANCE


@given(st.data())
def test_lowering_a_weight_is_monotone(data: st.DataObject) -> None:
    parts = data.draw(all_parts())
    left, right = data.draw(vectors_of(parts)), data.draw(vectors_of(parts))
    names = [TEXT, *(one.name for one in parts.named)]
    name = data.draw(st.sampled_from(names))
    steps = sorted(data.draw(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=5)))
    others = {other: 0.5 for other in names if other != name and data.draw(st.booleans())}
    query, row = parts.row(*left), parts.row(*right)
    scores = [
        float((parts.lowering(others | {name: step}) * query).astype(np.float64) @ row)
        for step in steps
    ]
    rises = similarity(name, left, right) >= 0.0
    ordered = scores if rises else scores[::-1]
    for low, high in pairwise(ordered):
        assert low <= high + TOLERANCE
    expected = sum(
        (others | {name: steps[0]}).get(one, 1.0) * weight * similarity(one, left, right)
        for one, weight in weights_of(parts).items()
    )
    assert scores[0] == pytest.approx(expected, abs=TOLERANCE)


@given(st.data())
def test_joined_parts_are_told_apart_again(data: st.DataObject) -> None:
    parts = data.draw(all_parts())
    text, named = data.draw(vectors_of(parts))
    if text is None and not parts.named:
        return  # what has no part at all is never stored
    found, others = split(parts.join(text, named), parts.named)
    assert (found is None) == (text is None)
    if text is not None:
        np.testing.assert_array_equal(found, text)
    assert others.keys() == named.keys()
    for name, vector in named.items():
        np.testing.assert_array_equal(others[name], vector)


@given(st.data())
def test_rows_beside_texts_are_rows(data: st.DataObject) -> None:
    parts = data.draw(all_parts())
    queries = data.draw(st.lists(vectors_of(parts), min_size=1, max_size=4))
    nothing = np.zeros(parts.text, np.float32)
    texts = np.stack([nothing if text is None else text for text, _ in queries])
    rows = parts.beside(texts, [named for _, named in queries])
    np.testing.assert_array_equal(rows, parts.rows(queries))
    alone = parts.beside(texts)
    np.testing.assert_array_equal(alone, parts.rows([(text, {}) for text, _ in queries]))


def test_texts_alone_are_left_as_they_are() -> None:
    parts, texts = Parts(3), np.eye(3, dtype=np.float32)
    assert parts.beside(texts) is texts
    assert parts.join(texts[0], {}) is not None
    assert (parts.dimensions, parts.text_weight) == (3, 1.0)


IMAGE = NamedVector("image", 2, 0.25)


@pytest.mark.parametrize(
    ("vectors", "field"),
    [
        ([NamedVector(f"v{n}", 1, 0.1) for n in range(MAX_NAMED + 1)], "vectors"),
        ([NamedVector("", 2, 0.2)], "vectors[0].name"),
        ([NamedVector("an image", 2, 0.2)], "vectors[0].name"),
        ([NamedVector("text", 2, 0.2)], "vectors[0].name"),
        ([IMAGE, IMAGE], "vectors[1].name"),
        ([NamedVector("image", 0, 0.2)], "vectors[0].dimensions"),
        ([NamedVector("image", 4_097, 0.2)], "vectors[0].dimensions"),
        ([NamedVector("image", 2, 0.0)], "vectors[0].weight"),
        ([NamedVector("image", 2, 1.0)], "vectors[0].weight"),
        ([NamedVector("image", 2, float("nan"))], "vectors[0].weight"),
        ([IMAGE, NamedVector("sound", 2, 0.75)], "vectors"),
    ],
)
def test_named_vectors_are_checked(vectors: list[NamedVector], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_named(vectors)
    assert caught.value.field == field


def test_good_named_vectors_pass() -> None:
    check_named([])
    check_named([NamedVector(f"v{n}", 4_096, 0.12) for n in range(MAX_NAMED)])


@pytest.mark.parametrize(
    ("name", "values", "field"),
    [
        ("sound", [1.0, 0.0], "vectors[sound]"),
        ("image", [1.0, 0.0, 0.0], "vectors[image].dimensions"),
        ("image", [np.nan, 0.0], "vectors[image]"),
        ("image", [0.0, 0.0], "vectors[image]"),
        ("image", [3.0, 4.0], "vectors[image]"),
    ],
)
def test_vectors_are_checked(name: str, values: list[float], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Parts(3, (IMAGE,)).check({name: np.array(values, np.float32)}, "vectors")
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("weights", "field"),
    [
        ({"sound": 0.5}, "vector_weights[sound]"),
        ({"image": 1.5}, "vector_weights[image]"),
        ({"text": -0.1}, "vector_weights[text]"),
        ({"text": float("nan")}, "vector_weights[text]"),
        ({"text": 0.0, "image": 0.0}, "vector_weights"),
    ],
)
def test_weights_of_a_request_are_checked(weights: dict[str, float], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Parts(3, (IMAGE,)).lowering(weights)
    assert caught.value.field == field


def test_a_trained_index_finds_rows_of_any_length() -> None:
    # A third of the rows lack the text, a third the image; queries are of the text alone, shorter
    # than 1 too.
    parts = Parts(16, (NamedVector("image", 16, 0.4),))
    rng = np.random.default_rng(7)
    centres = rng.standard_normal((20, 16))

    def near(number: int) -> Vector:
        vector = centres[number % 20] + 0.3 * rng.standard_normal(16)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    given_parts: list[Given] = [
        (None if n % 3 == 0 else near(n), {} if n % 3 == 1 else {"image": near(n)})
        for n in range(2_000)
    ]
    rows = parts.rows(given_parts)
    queries = parts.beside(np.stack([near(n) for n in range(300)]))
    sample = sample_of_queries(rows, queries, 1)
    ivf, trials = build(rows, sample, [Recipe("SQfp16", 1.0)], target=0.9, threads=1)
    assert ivf is not None, trials
    found = ivf.candidates(np.ascontiguousarray(queries), 10 * ivf.refine)
    hits = [
        len(set(a) & set(b)) / 10
        for a, b in zip(sample.truth.tolist(), found.tolist(), strict=True)
    ]
    assert np.mean(hits) >= 0.9
