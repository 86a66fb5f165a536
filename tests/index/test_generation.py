"""A trained index reaches the recall it was tuned for, on queries that it has not seen."""

import numpy as np
import pytest

from bertine.index import generation
from bertine.index.queries import CAPACITY
from bertine.index.training import Order, Trained, train
from bertine.index.tuning import MARGIN, Recipe, recipes, usual
from bertine.types import Matrix

DIMENSIONS, ROWS = 32, 4_000


def unit(rows: Matrix) -> Matrix:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def vectors() -> Matrix:
    random = np.random.default_rng(0)
    centres = random.normal(size=(60, DIMENSIONS))
    near = 0.6 * random.normal(size=(ROWS, DIMENSIONS))
    return unit((centres[random.integers(60, size=ROWS)] + near).astype(np.float32))


def strangers(seed: int, count: int) -> Matrix:
    """Queries that lie between the items, not among them, as users' do."""
    return unit(np.random.default_rng(seed).normal(size=(count, DIMENSIONS)).astype(np.float32))


def recall(ivf: generation.Ivf, vectors: Matrix, queries: Matrix) -> float:
    truth = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    found = ivf.candidates(queries, 10 * ivf.refine)
    return float(np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)]))


@pytest.fixture(scope="module")
def tuned(vectors: Matrix) -> Trained:
    return train(vectors, Order([usual(DIMENSIONS)], 0.95, strangers(1, 800)), threads=1)


def test_queries_decide_how_hard_it_looks(tuned: Trained, vectors: Matrix) -> None:
    assert tuned.ivf is not None
    assert (tuned.source, tuned.queries) == ("queries", 800)
    assert tuned.ivf.nprobe == tuned.ivf.tuning.trial.setting.nprobe
    assert recall(tuned.ivf, vectors, strangers(2, 1_000)) >= 0.95


def test_too_few_queries_are_replaced_by_items_with_a_margin(vectors: Matrix) -> None:
    done = train(vectors, Order([usual(DIMENSIONS)], 0.95, strangers(1, 50)), threads=1)
    assert done.ivf is not None
    assert (done.source, done.queries) == ("items", CAPACITY)
    measured, lists = done.ivf.tuning.trial.setting.nprobe, int(done.ivf.faiss_index.nlist)
    assert done.ivf.nprobe == min(MARGIN * measured, lists)


def test_an_item_is_not_among_its_own_answers_even_if_it_is_there_twice() -> None:
    vectors = unit(np.repeat(strangers(3, 40), 2, axis=0))
    sample = generation.sample_of_items(vectors, 80, threads=1, seed=1)
    rows = [int(np.flatnonzero((vectors == query).all(axis=1))[0]) for query in sample.queries]
    assert sample.truth.shape == (80, 10)
    for row, truth in zip(rows, sample.truth.tolist(), strict=True):
        pair = {row, row + 1}
        assert len(pair & set(truth)) == 1


def test_of_several_kinds_the_fastest_that_finds_enough_is_kept(vectors: Matrix) -> None:
    done = train(vectors, Order(recipes(DIMENSIONS), 0.9, strangers(1, 300)), threads=1)
    kinds = {trial.kind for trial in done.trials}
    assert {"exact", "IVF256,PQ16x4fs", "IVF128,PQ16x4fs", "IVF256,SQfp16"} <= kinds
    good = [trial for trial in done.trials if trial.lower >= 0.9]
    chosen = done.exact if done.ivf is None else done.ivf.tuning.trial
    assert chosen is not None
    assert chosen.seconds <= 1.05 * min(trial.seconds for trial in good)
    if done.ivf is not None:
        assert done.ivf.kind == chosen.kind
        assert recall(done.ivf, vectors, strangers(2, 1_000)) >= 0.9


def test_codes_that_cannot_reach_the_target_are_not_used(vectors: Matrix) -> None:
    coarse = Recipe("PQ2x4fs")
    done = train(vectors, Order([coarse], 0.99, strangers(1, CAPACITY)), threads=1)
    assert done.ivf is None
    assert all(trial.lower < 0.99 for trial in done.trials)


def test_what_the_caller_raises_before_a_kind_ends_the_work(vectors: Matrix) -> None:
    def give_up() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        train(vectors, Order([usual(DIMENSIONS)], 0.95, vectors[:0]), threads=1, on_trial=give_up)


def test_every_row_is_in_one_list_and_only_allowed_rows_are_found(
    tuned: Trained, vectors: Matrix
) -> None:
    assert tuned.ivf is not None
    lists = tuned.ivf.lists()
    nlist = int(tuned.ivf.faiss_index.nlist)
    sizes = [tuned.ivf.faiss_index.invlists.list_size(number) for number in range(nlist)]
    assert np.bincount(lists, minlength=nlist).tolist() == sizes
    allowed = np.zeros(len(vectors), np.bool_)
    allowed[::7] = True
    bits = np.packbits(allowed, bitorder="little")
    found = tuned.ivf.visiting(nlist).candidates(strangers(2, 20), 30, allowed=bits)
    assert allowed[found[found >= 0]].all()
    assert (found >= 0).all()


def test_share_and_the_number_of_lists_that_are_visited(tuned: Trained) -> None:
    assert tuned.ivf is not None
    nlist = int(tuned.ivf.faiss_index.nlist)
    assert tuned.ivf.visiting(nlist // 2).share(1) == 0.5
    assert tuned.ivf.visiting(nlist).share(4) == 1.0
