"""Vectors of several parts: a text's, and named ones of other encoders, fused into one row.

With unit parts t, v_1, v_2 ... and weights w_1, w_2 ... of which w_text = 1 - (w_1 + w_2 + ...) is
left, a row is

    [sqrt(w_text) t ; sqrt(w_1) v_1 ; sqrt(w_2) v_2 ; ...]

so that the inner product of two rows is the weighted sum of their parts' cosine similarities,
w_text <t, t'> + sum_p w_p <v_p, v'_p>, and one index of rows answers for all parts at once. A part
that is missing is zeros: it adds nothing, whatever it is held against. Such a row is shorter than
1, its square norm the sum of the weights of the parts that it has; no row is longer.

A collection of texts alone is the case without named parts: a row is the text's vector itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bertine.errors import InvalidInput
from bertine.types import Collection, Item, Matrix, NamedVector, Vector

TEXT = "text"
"""Name of the text's part in weights."""

MAX_NAMED = 8
MAX_DIMENSIONS = 4_096
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_UNIT_TOLERANCE = 1e-3


def check_named(vectors: Sequence[NamedVector], field: str = "vectors") -> None:
    """Check the named vectors of a new collection.

    Args:
        vectors: none is a collection of texts alone.
        field: the caller's name for them, for messages.

    Raises:
        InvalidInput: more than `MAX_NAMED`; a name that is malformed, "text" or given twice;
            dimensions or a weight out of range; weights that leave nothing for the text.
    """
    if len(vectors) > MAX_NAMED:
        raise InvalidInput(field, f"holds {len(vectors)}; a collection has at most {MAX_NAMED}")
    seen: set[str] = set()
    for position, vector in enumerate(vectors):
        _check_name(vector.name, seen, f"{field}[{position}].name")
        _check_numbers(vector, f"{field}[{position}]")
    total = math.fsum(vector.weight for vector in vectors)
    if not total < 1.0:
        raise InvalidInput(
            field, f"have weights of {total:g} together; leave some of 1 for the text's part"
        )


def _check_name(name: str, seen: set[str], field: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            field, f"is {name!r}; give 1 to 64 characters of a-z, A-Z, 0-9, '_', '-' and '.'"
        )
    if name == TEXT:
        raise InvalidInput(field, f"is {TEXT!r}, the name of the text's own part; choose another")
    if name in seen:
        raise InvalidInput(field, f"is {name!r} like that of another; name each part differently")
    seen.add(name)


def _check_numbers(vector: NamedVector, field: str) -> None:
    if not 1 <= vector.dimensions <= MAX_DIMENSIONS:
        raise InvalidInput(
            f"{field}.dimensions", f"is {vector.dimensions}; give 1 to {MAX_DIMENSIONS:,}"
        )
    if not 0.0 < vector.weight < 1.0:  # nor is NaN
        raise InvalidInput(f"{field}.weight", f"is {vector.weight:g}; give one above 0 and below 1")


def named_dimensions(named: Iterable[NamedVector]) -> int:
    """Components of all named parts together."""
    return sum(vector.dimensions for vector in named)


def split(whole: Vector, named: Sequence[NamedVector]) -> tuple[Vector | None, dict[str, Vector]]:
    """The parts of what `Parts.join` put side by side.

    Args:
        whole: float32 ``[d + n]``; what stands before the named parts is the text's, whatever its
            dimensions.
        named: of the collection.

    Returns:
        The text's vector, None if it is missing, and the named ones that are there; views.
    """
    if not named:
        return whole, {}
    start = len(whole) - named_dimensions(named)
    text, found = whole[:start], {}
    for one in named:
        part = whole[start : start + one.dimensions]
        start += one.dimensions
        if part.any():
            found[one.name] = part
    return (text if text.any() else None), found


@dataclass(frozen=True)
class Parts:
    """How a collection's vectors are put together.

    Attributes:
        text: dimensions of the text's part.
        named: the others, in the order in which they follow it.
    """

    text: int
    named: tuple[NamedVector, ...] = ()

    @property
    def dimensions(self) -> int:
        """Of a row."""
        return self.text + named_dimensions(self.named)

    @property
    def text_weight(self) -> float:
        """What the weights of the others leave of 1."""
        return 1.0 - math.fsum(one.weight for one in self.named)

    @cached_property
    def scale(self) -> Vector:
        """Square root of its part's weight for each component: float32 ``[dimensions]``."""
        roots = [self.text_weight, *(one.weight for one in self.named)]
        sizes = [self.text, *(one.dimensions for one in self.named)]
        scale: Vector = np.sqrt(np.repeat(roots, sizes)).astype(np.float32)
        return scale

    def check(self, vectors: Mapping[str, Vector], field: str) -> None:
        """Check named vectors of an item or a query.

        Args:
            vectors: by name.
            field: where they stood in the request.

        Raises:
            InvalidInput: an unknown name, wrong dimensions, or one that is not unit.
        """
        known = {one.name: one.dimensions for one in self.named}
        for name, vector in vectors.items():
            at = f"{field}[{name}]"
            if name not in known:
                raise InvalidInput(at, self._unknown())
            if vector.shape != (known[name],):
                raise InvalidInput(
                    f"{at}.dimensions", f"is {vector.shape[-1]}, must be {known[name]}"
                )
            if not abs(float(vector @ vector) - 1.0) <= _UNIT_TOLERANCE:
                raise InvalidInput(at, "is not of length 1, or not finite; normalise it")

    def _unknown(self) -> str:
        if not self.named:
            return "is unknown: the collection has no named vectors, they are given when it is made"
        names = ", ".join(one.name for one in self.named)
        return f"is unknown; the collection's named vectors are: {names}"

    def join(self, text: Vector | None, vectors: Mapping[str, Vector]) -> Vector:
        """Parts side by side, not yet scaled; zeros where one is missing.

        Args:
            text: float32 ``[text]``, unit; None if it is missing.
            vectors: by name; see `check`.

        Returns:
            float32 ``[dimensions]``; `text` itself where there are no named parts.
        """
        if text is not None and not self.named:
            return text
        whole = np.zeros(self.dimensions, np.float32)
        if text is not None:
            whole[: self.text] = text
        start = self.text
        for one in self.named:
            if one.name in vectors:
                whole[start : start + one.dimensions] = vectors[one.name]
            start += one.dimensions
        return whole

    def row(self, text: Vector | None, vectors: Mapping[str, Vector]) -> Vector:
        """Parts as the index holds them; see `join`. float32 ``[dimensions]``, norm at most 1."""
        whole = self.join(text, vectors)
        return whole * self.scale if self.named else whole

    def rows(self, parts: Iterable[tuple[Vector | None, Mapping[str, Vector]]]) -> Matrix:
        """`row` of each: float32 ``[n, dimensions]``.

        Raises:
            ValueError: there are none.
        """
        whole = np.stack([self.join(text, vectors) for text, vectors in parts])
        if self.named:
            whole *= self.scale
        return whole

    def beside(self, texts: Matrix, others: Sequence[Mapping[str, Vector]] = ()) -> Matrix:
        """Rows of texts' vectors and, beside them, named ones.

        Args:
            texts: float32 ``[n, text]``, each row unit or, if it is missing, zeros.
            others: by name, one mapping for each row; see `check`. Default: none.

        Returns:
            float32 ``[n, dimensions]``; `texts` itself where there are no named parts.
        """
        if not self.named:
            return texts
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        rows[:, : self.text] = texts
        start = self.text
        for one in self.named:
            for row, vectors in zip(rows, others, strict=False):
                if one.name in vectors:
                    row[start : start + one.dimensions] = vectors[one.name]
            start += one.dimensions
        rows *= self.scale
        return rows

    def lowering(self, weights: Mapping[str, float], field: str = "vector_weights") -> Vector:
        """What to multiply queries with, so that parts count less.

        A query's part times 0 <= a_p <= 1 makes the score sum_p a_p w_p <v_p, v'_p>: the sum with
        that part lowered. The other parts are not raised in return, so scores become smaller, and
        a threshold must be lowered with them.

        Args:
            weights: a_p by name, "text" for the text's; 1 for those that are not named.
            field: where they stood in the request.

        Returns:
            float32 ``[dimensions]``.

        Raises:
            InvalidInput: an unknown name, a weight out of range, or nothing that counts.
        """
        self._check_weights(weights, field)
        factors = [weights.get(TEXT, 1.0), *(weights.get(one.name, 1.0) for one in self.named)]
        if not any(factors):
            raise InvalidInput(field, "are all 0, so that nothing counts; leave one above 0")
        sizes = [self.text, *(one.dimensions for one in self.named)]
        return np.repeat(np.asarray(factors, np.float32), sizes)

    def _check_weights(self, weights: Mapping[str, float], field: str) -> None:
        names = {TEXT, *(one.name for one in self.named)}
        for name, weight in weights.items():
            if name not in names:
                raise InvalidInput(f"{field}[{name}]", self._unknown())
            if not 0.0 <= weight <= 1.0:  # nor is NaN
                raise InvalidInput(
                    f"{field}[{name}]", f"is {weight:g}; give 0 to 1, 1 is the collection's own"
                )

    def similarities(self, query: Vector, row: Vector) -> dict[str, float]:
        """What each part adds to the inner product of two rows, by name; they sum to it."""
        shares: dict[str, float] = {}
        start = 0
        for name, size in ((TEXT, self.text), *((one.name, one.dimensions) for one in self.named)):
            stop = start + size
            shares[name] = float(query[start:stop].astype(np.float64) @ row[start:stop])
            start = stop
        return shares


def parts_of(collection: Collection) -> Parts:
    """How the vectors of a collection are put together."""
    return Parts(collection.dimensions, collection.vectors)


def rows_of(items: Iterable[Item], parts: Parts) -> Matrix:
    """Rows of stored items, read with their vectors: float32 ``[len(items), dimensions]``."""
    return parts.rows((item.vector, item.vectors) for item in items)
