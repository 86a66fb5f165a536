"""An item as a client gives it, made ready: the text that is encoded, and checked vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bertine.catalog.template import render
from bertine.errors import InvalidInput
from bertine.index.parts import Parts
from bertine.types import Item


def given(item: Item, parts: Parts, template: str, field: str) -> Item:
    """The item with the text that will be encoded, and vectors that are its own copies.

    Args:
        item: without a text it has the template's.
        parts: of its collection's vectors.
        template: of its collection, "" for none.
        field: where it stood in the request.

    Raises:
        InvalidInput: neither text nor vector, or a named vector that the collection cannot have.
    """
    if item.vectors:
        parts.check(item.vectors, f"{field}.vectors")
        copies = {name: np.ascontiguousarray(part) for name, part in item.vectors.items()}
        item = replace(item, vectors=copies)
    if item.vector is not None:
        return replace(item, vector=np.ascontiguousarray(item.vector))
    text = item.text or render(template, item.attributes)
    if text and not text.isspace():
        return replace(item, text=text)
    if item.vectors:  # the text's part is missing, as any other may be
        return replace(item, text="")
    way = "its template found none of its attributes" if template else "it has no template"
    raise InvalidInput(f"{field}.text", f"is empty, and {way}; give the item a text or a vector")
