"""Gates, rank correlation, sentence pairs and the shipped texts."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bertine.artifact import Parity
from bertine.errors import ArtifactError
from bertine_export import texts, verify
from bertine_export.verify import GATES

PAIR = "news\tfile\t2014\t1\t3.8\tA cat sleeps.\tA kitten has a nap.\tanother column\n"


def problem(cosine: float, reference: float | None, spearman: float | None) -> str | None:
    parity = Parity(cosine, cosine, 400, sts_spearman=spearman, sts_reference=reference)
    return verify.failure(parity, GATES["int8"])


@pytest.mark.parametrize(
    ("cosine", "reference", "spearman"),
    [(0.99, None, None), (0.995, 82.0, 81.6), (0.995, 81.0, 82.0)],
)
def test_a_faithful_variant_passes(
    cosine: float, reference: float | None, spearman: float | None
) -> None:
    assert problem(cosine, reference, spearman) is None


@pytest.mark.parametrize(
    ("cosine", "reference", "spearman", "reason"),
    [
        (0.989, None, None, "0.98900, the gate is 0.99"),
        (float("nan"), None, None, "the gate is 0.99"),
        (0.995, 82.0, 81.4, "loses 0.60 points"),
        (0.995, 82.0, float("nan"), "loses nan points"),
    ],
)
def test_an_unfaithful_variant_fails_with_a_reason(
    cosine: float, reference: float | None, spearman: float | None, reason: str
) -> None:
    assert reason in (problem(cosine, reference, spearman) or "")


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=50))
def test_spearman_equals_scipys_also_with_ties(rows: list[tuple[int, int]]) -> None:
    left, right = np.array(rows, dtype=np.float64).T
    if len(set(left)) > 1 and len(set(right)) > 1:
        expected = 100 * stats.spearmanr(left, right).statistic
        assert verify.spearman(left, right) == pytest.approx(expected)


def test_cosines_do_not_depend_on_length() -> None:
    left = np.array([[3, 4], [1, 0]], dtype=np.float32)
    right = np.array([[6, 8], [0, 2]], dtype=np.float32)
    assert verify.cosines(left, right).tolist() == pytest.approx([1, 0])


@pytest.mark.parametrize("compressed", [False, True])
def test_pairs_are_read_plain_and_compressed(compressed: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    path = tmp_path / ("pairs.tsv.gz" if compressed else "pairs.tsv")
    content = (PAIR * 2).encode()
    path.write_bytes(gzip.compress(content) if compressed else content)
    pairs = verify.read_pairs(path)
    assert pairs.left == ["A cat sleeps."] * 2
    assert pairs.right == ["A kitten has a nap."] * 2
    assert pairs.scores.tolist() == [3.8, 3.8]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pairs.tsv", b"only,three,columns\n"),
        ("pairs.tsv", PAIR.replace("3.8", "high").encode()),
        ("pairs.tsv.gz", b"not compressed"),
        ("pairs.tsv", b"\xff\xfe"),
    ],
)
def test_other_files_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=name):
        verify.read_pairs(tmp_path / name)


def test_the_shipped_texts_are_many_and_all_different() -> None:
    shipped = texts.load()
    assert len(shipped) >= 400
    assert len(set(shipped)) == len(shipped)
    lengths = [len(text.split()) for text in shipped]
    assert min(lengths) == 1
    assert max(lengths) > 80


def test_own_texts_replace_them(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("one\n\n two \n", encoding="utf-8")
    assert texts.load(tmp_path / "texts.txt") == ["one", "two"]


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_a_file_without_texts_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"texts\.txt"):
        texts.load(tmp_path / "texts.txt")
