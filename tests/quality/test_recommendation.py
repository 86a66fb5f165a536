"""Recommendations for real users, on rows that nothing was learned from.

Floors are below what `python -m benchmarks.quality` measures on all rows: only a loss of quality
breaks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.index.vectors import Cache
from benchmarks.quality.cases import Case, Row, sample
from benchmarks.quality.evaluation import evaluate
from benchmarks.quality.events import Window
from benchmarks.quality.hybrid import hybrid, profile_only
from benchmarks.quality.methods import popularity
from benchmarks.quality.sets import amazon_office
from bertine.types import Matrix

pytestmark = [pytest.mark.data, pytest.mark.timeout(600)]

ROWS = 500
TEXT_FLOOR, HYBRID_FLOOR = 0.05, 0.1


@pytest.fixture(scope="module")
def case(data_folder: Path) -> Case:
    return amazon_office(data_folder, Window())


@pytest.fixture(scope="module")
def rows(case: Case) -> Sequence[Row]:
    return sample(case.rows, ROWS, seed=1)


@pytest.fixture(scope="module")
def vectors(case: Case, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    cache = Cache(tmp_path_factory.mktemp("vectors"), model, "int8")
    return cache.encode(case.catalog.texts, lambda _: None)


def test_the_text_alone_finds_what_users_chose(
    case: Case, rows: Sequence[Row], vectors: Matrix
) -> None:
    reached = evaluate(profile_only(vectors), case, rows).mean("ndcg10")
    assert reached >= TEXT_FLOOR
    assert reached > evaluate(popularity(case), case, rows).mean("ndcg10")


def test_behaviour_makes_it_better(case: Case, rows: Sequence[Row], vectors: Matrix) -> None:
    ours = hybrid(case, vectors)
    reached = evaluate(ours, case, rows).mean("ndcg10")
    assert reached >= HYBRID_FLOOR
    assert reached > 1.3 * evaluate(profile_only(vectors), case, rows).mean("ndcg10")
