"""Views as files: arrays in one file, the rest as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from bertine.recommend.learn.channel import View
from bertine.recommend.learn.content import Content
from bertine.recommend.learn.context import ByContext
from bertine.recommend.learn.factors import Factors
from bertine.recommend.learn.neighbours import Linked
from bertine.recommend.learn.popularity import Popular
from bertine.recommend.learn.refined import Refined
from bertine.recommend.learn.repeats import Repeats

LAYOUT = 3
"""Of the files; another is not read."""

_KINDS: Mapping[str, Any] = {
    kind.__name__: kind for kind in (ByContext, Content, Factors, Linked, Popular, Refined, Repeats)
}
_ARRAYS = "arrays.npz"
_REST = "learned.json"


def write(folder: Path, views: Sequence[View], rest: Mapping[str, Any]) -> None:
    """Write views and what else is JSON into a folder."""
    arrays: dict[str, Any] = {}
    described = [_describe(f"{n}", view, arrays) for n, view in enumerate(views)]
    with (folder / _ARRAYS).open("wb") as file:
        np.savez(file, **arrays)
    content = {"layout": LAYOUT, "views": described, **rest}
    (folder / _REST).write_text(json.dumps(content), encoding="utf-8")


def read(folder: Path) -> tuple[tuple[View, ...], dict[str, Any]]:
    """What `write` wrote.

    Raises:
        OSError: a file is not there.
        ValueError: it has another layout.
    """
    content = json.loads((folder / _REST).read_text(encoding="utf-8"))
    if content.pop("layout", None) != LAYOUT:
        raise ValueError(f"{folder} was not written by this version; it must be learned anew")
    with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
        views = tuple(
            _restore(f"{n}", described, arrays) for n, described in enumerate(content.pop("views"))
        )
    return views, content


def _describe(prefix: str, view: View, arrays: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for field in fields(view):  # type: ignore[arg-type]  # views are dataclasses
        value = getattr(view, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{prefix}.{field.name}"] = value
        else:
            plain[field.name] = value
    return {"kind": type(view).__name__, "plain": plain}


def _restore(prefix: str, described: Mapping[str, Any], arrays: Any) -> View:
    kind = _KINDS[described["kind"]]
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in described["plain"].items()
    }
    for field in fields(kind):
        if field.name not in values:
            values[field.name] = arrays[f"{prefix}.{field.name}"]
    view: View = kind(**values)
    return view
