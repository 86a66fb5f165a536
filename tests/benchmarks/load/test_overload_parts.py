"""Memory over time, calls that are given up, streams that are hardly read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load import abandon
from benchmarks.load.abandon import give_up_all
from benchmarks.load.monitor import Memory
from benchmarks.load.prometheus import Snapshot, parse
from benchmarks.load.slow_readers import SlowReaders
from bertine.v1 import embedding_pb2, embedding_pb2_grpc


def sampled(mebibytes: Callable[[float], float], seconds: int = 100) -> Memory:
    memory = Memory()
    for second in range(seconds):
        memory.add(second, mebibytes(second))
    return memory


@given(st.floats(-5, 5))
def test_the_slope_is_of_the_second_half(rise: float) -> None:
    memory = sampled(lambda second: 100 + 50 * min(second, 50) + rise * max(0.0, second - 50))
    assert memory.slope == pytest.approx(rise * 60, abs=1e-6)


def test_growth_compares_the_end_with_the_middle() -> None:
    assert sampled(lambda second: 100 + min(second, 30)).growth == 0
    assert sampled(lambda second: 100 + second).growth == pytest.approx(0.33, abs=0.05)
    assert sampled(lambda _: 100, seconds=2).growth == 0
    assert Memory().slope == 0


def metrics(in_flight: int, waiting: int, batches: int) -> Snapshot:
    return parse(
        f"bertine_calls_in_flight {in_flight}\n"
        f'bertine_waiting_tokens{{lane="bulk"}} {waiting}\n'
        f"bertine_batch_rows_count {batches}\n"
    )


class FakeCrowd:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def call(self, name: str, *_: Any) -> int:
        self.told.append(name)
        return 3


def test_calls_are_given_up_once_the_server_has_them() -> None:
    looks: Iterator[Snapshot] = iter(
        [
            *(metrics(1, 50, 0), metrics(3, 90, 1)),
            *(metrics(2, 40, 2), metrics(0, 0, 3)),
            *[metrics(0, 0, 4)] * abandon._STILL_LOOKS,
        ]
    )
    crowd = FakeCrowd()
    found = give_up_all(crowd, [["a"]] * 4, 3, lambda: next(looks))  # type: ignore[arg-type]
    assert crowd.told[:4] == ["send", "pump", "pump", "give_up"]
    assert (found.calls, found.waiting_tokens) == (3, 90)
    assert (found.batches, found.batches_after) == (2, 1)


def test_a_server_that_never_gets_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abandon, "_TIMEOUT", 0.01)
    with pytest.raises(TimeoutError, match="the metrics still say otherwise"):
        give_up_all(FakeCrowd(), [["a"]], 3, lambda: metrics(1, 50, 0))  # type: ignore[arg-type]


class Streams(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Answers two requests of a stream, then refuses."""

    async def EmbedStream(self, requests: AsyncIterator[Any], context: Any) -> None:  # noqa: N802 - gRPC's name
        for _ in range(2):
            request = await anext(requests)
            await context.write(embedding_pb2.EmbedResponse(model=request.texts[0]))
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "told to")


async def test_slow_readers_come_back_when_they_are_refused() -> None:
    server = grpc.aio.server()
    embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(Streams(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    counts = await SlowReaders(f"127.0.0.1:{port}", [["a"]])._run(2, seconds=0.3, pause=0.001)
    await server.stop(None)
    assert counts["ended"] > 2
    assert counts["answers"] > 0
