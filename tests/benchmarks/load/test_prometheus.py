"""Reading a server's metrics."""

from benchmarks.load.prometheus import parse

BEFORE = """\
# TYPE bertine_batch_rows histogram
bertine_batch_rows_bucket{le="1.0"} 2.0
bertine_batch_rows_bucket{le="2.0"} 2.0
bertine_batch_rows_bucket{le="+Inf"} 3.0
bertine_batch_rows_count 3.0
bertine_batch_rows_sum 9.0
# TYPE bertine_calls counter
bertine_calls_total{code="OK"} 4.0
"""
AFTER = """\
# TYPE bertine_batch_rows histogram
bertine_batch_rows_bucket{le="1.0"} 5.0
bertine_batch_rows_bucket{le="2.0"} 5.0
bertine_batch_rows_bucket{le="+Inf"} 10.0
bertine_batch_rows_count 10.0
bertine_batch_rows_sum 49.0
# TYPE bertine_calls counter
bertine_calls_total{code="OK"} 5.0
bertine_calls_total{code="CANCELLED"} 2.0
"""


def test_growth_between_two_looks() -> None:
    grown = parse(AFTER).since(parse(BEFORE))
    assert grown.total("bertine_calls_total") == 3
    assert grown.total("bertine_batch_rows_sum") == 40
    assert grown.total("unheard_of") == 0


def test_a_histogram_is_counted_by_bucket() -> None:
    grown = parse(AFTER).since(parse(BEFORE))
    assert grown.histogram("bertine_batch_rows") == {"1": 3, "inf": 4}
