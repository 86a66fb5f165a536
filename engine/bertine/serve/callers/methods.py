"""What every method needs of its caller, in one table.

The mandatory filter, method by method:

    Search, SimilarItems,    it holds beside the request's own filter for every item that is
    Recommend                returned, promoted or shown; an item that does not match is unknown
                             where a request names it, and so it is in a user's history
    GetItems, ListItems      items that do not match are missing
    UpsertItems, ImportItems every item must match, each value of a list by itself too, and so must
                             what is stored under its id, in the transaction that replaces it
    DeleteItems              items that do not match like that are missing, in the transaction that
                             deletes
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

from bertine.serve.callers.caller import Right


@dataclass(frozen=True, slots=True)
class Needs:
    """What a method needs.

    Attributes:
        right: of its caller; None is any caller that is known.
        collection: field of the request that names a collection by its name or an alias, which the
            method then sees by its name alone; "" is none.
        names: fields with names of collections or of aliases, which are left as they are.
        filtered: it shows and changes nothing that does not match its caller's filter; any other
            is refused to callers that are held to one.
        everywhere: it is about all collections, and refused to callers that are held to some.
        each: the servicer asks `Caller` itself, for each message of a stream or each collection of
            a list.
    """

    right: Right | None
    collection: str = ""
    names: tuple[str, ...] = ()
    filtered: bool = False
    everywhere: bool = False
    each: bool = False


METHODS: Mapping[str, Needs] = MappingProxyType(
    {
        # EmbeddingService
        "Embed": Needs("read", filtered=True),
        "EmbedStream": Needs("read", filtered=True),
        # CatalogService
        "CreateCollection": Needs("admin", names=("name",)),
        "GetCollection": Needs("read", "name", filtered=True),
        "ListCollections": Needs("read", filtered=True, each=True),
        "DeleteCollection": Needs("admin", names=("name",)),
        "UpsertItems": Needs("write", "collection", filtered=True),
        "DeleteItems": Needs("write", "collection", filtered=True),
        "GetItems": Needs("read", "collection", filtered=True),
        "ListItems": Needs("read", "collection", filtered=True),
        "SetAlias": Needs("admin", names=("alias", "collection")),
        "DeleteAlias": Needs("admin", names=("alias",)),
        "ListAliases": Needs("read", filtered=True, each=True),
        "ImportItems": Needs("write", filtered=True, each=True),
        # RecommendationService
        "Search": Needs("read", "collection", filtered=True),
        "SimilarItems": Needs("read", "collection", filtered=True),
        "Recommend": Needs("read", "collection", filtered=True),
        "RecordEvents": Needs("record", "collection", filtered=True),
        "DeleteUser": Needs("admin", everywhere=True),
        "Fit": Needs("admin", "collection"),
        "GetLearned": Needs("read", "collection"),
        # IndexService
        "TuneCollection": Needs("admin", "collection"),
        # ServerService
        "GetServerInfo": Needs(None, filtered=True),
    }
)
"""By the method's name, which no two services share."""
