"""Options of `bertine import` for named vectors: which there are, and which columns hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import click

from bertine.errors import ConfigError, InvalidInput
from bertine.index.parts import check_named
from bertine.types import NamedVector


def _named_vectors(
    _context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[NamedVector, ...]:
    vectors = tuple(_named_vector(value, parameter) for value in values)
    try:
        check_named(vectors, "they")
    except InvalidInput as error:
        raise click.BadParameter(f"{error.field} {error.problem}", param=parameter) from error
    return vectors


def _named_vector(value: str, parameter: click.Parameter) -> NamedVector:
    try:
        name, dimensions, weight = value.split(":")
        return NamedVector(name, int(dimensions), float(weight))
    except ValueError as error:
        raise click.BadParameter(
            f"{value!r} is not NAME:DIMENSIONS:WEIGHT, for example image:512:0.3", param=parameter
        ) from error


def _vectors(
    _context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, _, column = value.partition("=")
        if not (name and column):
            raise click.BadParameter(f"{value!r} is not NAME=COLUMN", param=parameter)
        pairs[name] = column
    return pairs


named_vectors_option = click.option(
    "--named-vector",
    "named_vectors",
    multiple=True,
    callback=_named_vectors,
    metavar="NAME:DIMENSIONS:WEIGHT",
    help="A vector beside the text's, made by another encoder, and what it counts, of 1; for a "
    "collection that is not there yet; repeatable.",
)
vectors_option = click.option(
    "--vector",
    "vectors",
    multiple=True,
    callback=_vectors,
    metavar="NAME=COLUMN",
    help="Which column holds a named vector, as a list of numbers; repeatable.  "
    "[default: the column of that name]",
)


def columns_of(names: Iterable[str], mapped: Mapping[str, str]) -> dict[str, str]:
    """The column of each named vector of a collection, by the vector's name.

    Args:
        names: of the collection's named vectors.
        mapped: columns that were named on the command line.

    Raises:
        ConfigError: one for a vector that the collection does not have.
    """
    known = list(names)
    for name in mapped:
        if name not in known:
            have = f"has {', '.join(known)}" if known else "has none"
            raise ConfigError(f"--vector {name}: the collection {have}; see --named-vector")
    return {name: mapped.get(name, name) for name in known}
