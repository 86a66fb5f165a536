"""Call a Bertine server from Python: texts and numpy arrays in, numpy arrays and hits out.

    from bertine.client import Client

    with Client("127.0.0.1:50051") as client:
        vectors = client.embed(["a whale", "a ship"])            # float32 [2, d]
        client.create_collection("books", text_template="{title}. {blurb}")
        client.upsert("books", [{"id": "moby-dick", "title": "Moby-Dick", "blurb": "..."}])
        for hit in client.search("books", "obsession at sea", top_k=3, include_items=True):
            print(hit.score, hit.item.attributes["title"])

`AsyncClient` has the same methods as coroutines. Every failed call raises `CallError`.
"""

from bertine.client.aio import AsyncClient
from bertine.client.channel import Tls
from bertine.client.errors import CallError
from bertine.client.results import ChannelShare, Found, Reason, Recommended, UpsertCounts
from bertine.client.sync import Client
from bertine.recommend.rules import Recency
from bertine.types import HistoryEntry, Item, NamedVector

__all__ = [
    "AsyncClient",
    "CallError",
    "ChannelShare",
    "Client",
    "Found",
    "HistoryEntry",
    "Item",
    "NamedVector",
    "Reason",
    "Recency",
    "Recommended",
    "Tls",
    "UpsertCounts",
]
