import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.index.gpu_memory import FLAT_BYTES, code_bytes, demand, preflight, recipe
from bertine.index.tuning import Recipe

MIB, GIB = 1 << 20, 1 << 30
ROWS, DIMENSIONS = st.integers(1, 10**9), st.integers(1, 4_096)
BYTES = st.integers(0, 200 * GIB)


@given(ROWS, DIMENSIONS, BYTES, st.integers(0, 2 * GIB), BYTES)
def test_what_is_chosen_fits_with_its_second_copy_and_nothing_more_exact_does(
    rows: int, dimensions: int, free: int, temporary: int, resident: int
) -> None:
    found = preflight(rows, dimensions, free, temporary, resident)
    order = ["flat", "ivf", "pq"]
    if 2 * rows * dimensions > FLAT_BYTES:
        assert found.kind != "flat"
        order.remove("flat")
    fits = [
        kind
        for kind in order
        if demand(kind, rows, dimensions, temporary).total <= free + resident  # type: ignore[arg-type]
    ]
    assert found.kind == (fits[0] if fits else None)


@given(ROWS, DIMENSIONS, st.integers(0, 2 * GIB), st.sampled_from(["flat", "ivf", "pq"]))
def test_more_rows_never_need_less_and_no_kind_less_than_its_codes(
    rows: int, dimensions: int, temporary: int, kind: str
) -> None:
    one = demand(kind, rows, dimensions, temporary)  # type: ignore[arg-type]
    twice = demand(kind, 2 * rows, dimensions, temporary)  # type: ignore[arg-type]
    code = code_bytes(dimensions) if kind == "pq" else 2 * dimensions
    assert twice.total >= one.total >= 2 * rows * code + 2 * temporary


@given(DIMENSIONS)
def test_a_code_divides_the_vector_and_has_at_most_a_byte_for_four_components(d: int) -> None:
    assert d % code_bytes(d) == 0
    assert code_bytes(d) == 1 or 4 * code_bytes(d) <= d


def test_usual_models() -> None:
    assert [code_bytes(d) for d in (384, 768, 1_024)] == [96, 96, 64]
    assert recipe("flat", 384) is None
    assert recipe("ivf", 384) == Recipe("SQfp16")
    assert recipe("pq", 384) == Recipe("PQ96np")


def test_an_h100_holds_a_million_flat_ten_million_in_lists_and_codes_of_two_hundred_million() -> (
    None
):
    free, temporary = 78 * GIB, 1_536 * MIB
    kinds = [
        preflight(rows, 384, free, temporary).kind for rows in (10**6, 10**7, 2 * 10**8, 10**9)
    ]
    assert kinds == ["flat", "ivf", "pq", None]


def test_a_refusal_says_what_is_needed_and_what_is_there() -> None:
    found = preflight(10**6, 384, 500 * MIB, 256 * MIB)
    assert found.kind is None
    assert found.figures == (
        "1,000,000 rows as pq need 746 MiB: twice 117 for the index and its rebuild, 0 to make it, "
        "512 for searches; 500 MiB are there"
    )


@pytest.mark.parametrize("kind", ["ivf", "pq"])
def test_what_is_replaced_makes_room(kind: str) -> None:
    needed = demand(kind, 10**7, 384, 0)  # type: ignore[arg-type]
    assert preflight(10**7, 384, needed.index, 0).kind != kind
    assert preflight(10**7, 384, needed.index, 0, resident=needed.index).kind == kind
