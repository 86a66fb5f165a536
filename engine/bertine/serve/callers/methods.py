"""What every method needs of its caller, in one table.

The mandatory filter, method by method:

    Search, SimilarItems,    it holds beside the request's own filter for every item that is
    Recommend                returned, promoted or shown; an item that does not match is unknown
                             where a request names it, and so it is in a user's history
    GetItems, ListItems      items that do not match are missing
    UpsertItems, ImportItems every item must match, and so must what is stored under its id, in the
                             transaction that replaces it
    DeleteItems              items that do not match are missing, in the transaction that deletes
    RecordEvents             events of items that do not match, or do not exist, are passed over
    GetCollection,           no counts and no index, which are of everybody's items
    ListCollections
    GetLearned               refused, since what is learned is of everybody's events

Methods of the right "admin" are about whole collections: no caller has that right and a filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bertine.serve.callers.caller import Right


@dataclass(frozen=True, slots=True)
class Needs:
    """What a method needs.

    Attributes:
        right: of its caller; None is any caller that is known.
        collection: field of the request that names a collection by its name or an alias, which the
            method then sees by its name alone; "" is none.
        names: fields with names of collections or of aliases, which are left as they are.
        about: what is refused to callers that are held to less: ``items`` of everybody in a
            collection, or ``everything`` in all of them; "" is neither.
        each: the servicer asks `Caller` itself, for each message of a stream or each collection of
            a list.
    """

    right: Right | None
    collection: str = ""
    names: tuple[str, ...] = ()
    about: Literal["", "items", "everything"] = ""
    each: bool = False


METHODS: Mapping[str, Needs] = MappingProxyType(
    {
        # EmbeddingService
        "Embed": Needs("read"),
        "EmbedStream": Needs("read"),
        # CatalogService
        "CreateCollection": Needs("admin", names=("name",)),
        "GetCollection": Needs("read", "name"),
        "ListCollections": Needs("read", each=True),
        "DeleteCollection": Needs("admin", names=("name",)),
        "UpsertItems": Needs("write", "collection"),
        "DeleteItems": Needs("write", "collection"),
        "GetItems": Needs("read", "collection"),
        "ListItems": Needs("read", "collection"),
        "SetAlias": Needs("admin", names=("alias", "collection")),
        "DeleteAlias": Needs("admin", names=("alias",)),
        "ListAliases": Needs("read", each=True),
        "ImportItems": Needs("write", each=True),
        # RecommendationService
        "Search": Needs("read", "collection"),
        "SimilarItems": Needs("read", "collection"),
        "Recommend": Needs("read", "collection"),
        "RecordEvents": Needs("record", "collection"),
        "DeleteUser": Needs("admin", about="everything"),
        "Fit": Needs("admin", "collection"),
        "GetLearned": Needs("read", "collection", about="items"),
        # IndexService
        "TuneCollection": Needs("admin", "collection"),
        # ServerService
        "GetServerInfo": Needs(None),
    }
)
"""By the method's name, which no two services share."""
