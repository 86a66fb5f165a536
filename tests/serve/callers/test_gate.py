"""The gate asks who calls before the servicer sees the request, and says it to the metrics."""

from __future__ import annotations

from typing import Any, cast

from google.rpc import error_details_pb2, status_pb2
from prometheus_client import generate_latest

from bertine.errors import NotFound, PermissionDenied
from bertine.serve.callers.admission import admitted
from bertine.serve.callers.caller import Caller, Callers
from bertine.serve.callers.keys import digest_of
from bertine.serve.calls import Context, Gate, gated
from bertine.serve.front.answering import FrontContext
from bertine.serve.metrics import Metrics
from bertine.v1 import catalog_pb2

CALLERS = {"k": Caller("shop", frozenset({"read"}), ("a-*",))}


class Servicer:
    """Answers with the names of its caller and of the collection."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.gate = Gate[Any](self.metrics.call)
        self.gate.open(self)
        callers = Callers({digest_of(key): caller for key, caller in CALLERS.items()})
        self.gate.admission.callers = callers
        self.gate.admission.name_of = lambda name: {"now": "a-1"}.get(name, name)

    @gated
    async def GetItems(  # noqa: N802 - as the wire contract names it
        self, request: catalog_pb2.GetItemsRequest, _context: Context
    ) -> tuple[str, str]:
        if request.collection == "a-none":
            raise NotFound("collection", request.collection, "there are: a-1, b-1")
        return admitted().name, request.collection


async def call(servicer: Servicer, collection: str, header: str) -> tuple[str, str] | None:
    request = catalog_pb2.GetItemsRequest(collection=collection)
    return await servicer.GetItems(request, cast("Context", FrontContext(None, header)))


async def refusal(servicer: Servicer, collection: str, header: str) -> status_pb2.Status:
    context = FrontContext(None, header)
    request = catalog_pb2.GetItemsRequest(collection=collection)
    assert await servicer.GetItems(request, cast("Context", context)) is None
    return status_pb2.Status.FromString(context.status)


async def test_a_servicer_knows_its_caller_and_the_collection_itself() -> None:
    assert await call(Servicer(), "now", "Bearer k") == ("shop", "a-1")


async def test_what_is_refused_has_its_code_and_field() -> None:
    servicer = Servicer()
    assert (await refusal(servicer, "a-1", "")).code == 16  # UNAUTHENTICATED
    assert (await refusal(servicer, "a-1", "Bearer other")).code == 16
    denied = await refusal(servicer, "b-1", "Bearer k")
    assert denied.code == 7  # PERMISSION_DENIED
    bad = error_details_pb2.BadRequest()
    assert denied.details[0].Unpack(bad)
    assert bad.field_violations[0].field == "collection"
    assert not PermissionDenied("no field").field
    unknown = await refusal(servicer, "a-none", "Bearer k")
    assert "b-1" not in unknown.message


async def test_calls_are_counted_by_who_made_them() -> None:
    servicer = Servicer()
    await call(servicer, "a-1", "Bearer k")
    await refusal(servicer, "a-none", "Bearer k")
    await refusal(servicer, "b-1", "Bearer k")
    await refusal(servicer, "a-1", "Bearer nobody")
    text = generate_latest(servicer.metrics.registry).decode()
    assert 'bertine_caller_calls_total{caller="shop",code="OK"} 1.0' in text
    assert 'bertine_caller_calls_total{caller="shop",code="NOT_FOUND"} 1.0' in text
    assert 'bertine_caller_calls_total{caller="shop",code="PERMISSION_DENIED"} 1.0' in text
    assert "nobody" not in text
    assert 'bertine_call_seconds_count{code="UNAUTHENTICATED",method="GetItems"} 1.0' in text
