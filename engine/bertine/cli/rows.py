"""Files of items as rows: JSON Lines, CSV, TSV and Parquet, read a little at a time."""

from __future__ import annotations

import csv
import gzip
import json
import math
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, NoReturn, TypeAlias, cast

from bertine.errors import BertineError, ConfigError
from bertine.wire.values import INT64_MAX

FileFormat: TypeAlias = Literal["jsonl", "csv", "tsv", "parquet"]
FORMATS: dict[str, FileFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
"""By the end of a file's name, what is before an optional .gz."""

_PARQUET_ROWS = 1_024


class BadRow(BertineError):
    """A row that cannot be read or stored.

    Args:
        place: for example ``line 7``.
        problem: what is wrong, with which value, and what would be right.
    """

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")


class Row(NamedTuple):
    """One row.

    Attributes:
        place: where it stands, for messages.
        values: by column; None is no value.
        position: how much of the file is read with it, in the unit of `Rows.total`.
    """

    place: str
    values: dict[str, Any]
    position: int


@dataclass(frozen=True, slots=True)
class Rows:
    """An open file.

    Attributes:
        total: size of the file in bytes, or in rows for Parquet.
        rows: in the file's order; raises `BadRow`.
    """

    total: int
    rows: Iterator[Row]


def format_of(path: Path) -> FileFormat:
    """The format that a file's name tells.

    Raises:
        ConfigError: none.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    file_format = FORMATS.get(suffixes[-1]) if suffixes else None
    if file_format is None:
        raise ConfigError(
            f"the name of {path} tells no format; give --format jsonl, csv or parquet"
        )
    return file_format


@contextmanager
def open_rows(path: Path, file_format: FileFormat, verbatim: Collection[str]) -> Iterator[Rows]:
    """Open a file.

    Args:
        path: of the file; a name that ends in .gz is decompressed.
        file_format: see `format_of`.
        verbatim: columns of a CSV whose values stay strings.

    Raises:
        ConfigError: it cannot be opened, or its format needs a library that is not installed.
    """
    if file_format == "parquet":
        yield _open_parquet(path)
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise ConfigError(f"{path} cannot be opened: {error.strerror}") from error
    with file:
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if path.suffix == ".gz" else file
        lines = _lines(stream)
        rows = (
            _json_lines(lines, file.tell)
            if file_format == "jsonl"
            else _csv(lines, file.tell, verbatim, "\t" if file_format == "tsv" else ",")
        )
        yield Rows(path.stat().st_size, rows)


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    number = 0
    try:
        for raw in stream:
            number += 1
            # Spreadsheets put a byte order mark at the beginning.
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise BadRow(f"line {number}", f"is not UTF-8: {error.reason}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise BadRow(f"after line {number}", f"the file cannot be read: {error}") from error


def _json_lines(lines: Iterable[str], position: Callable[[], int]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            place = f"line {number}"
            yield Row(place, _json_object(line, place), position())


def _json_object(line: str, place: str) -> dict[str, Any]:
    def refuse(constant: str) -> NoReturn:
        raise BadRow(
            place, f"holds {constant}, which is not JSON; leave the value out or give null"
        )

    try:
        value = json.loads(line, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise BadRow(place, f"is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadRow(place, f"is {line.strip()[:40]}; give a JSON object on each line")
    return value


def _csv(
    lines: Iterable[str], position: Callable[[], int], verbatim: Collection[str], delimiter: str
) -> Iterator[Row]:
    reader = csv.reader(lines, strict=True, delimiter=delimiter)
    header: list[str] | None = None
    while True:
        place = f"line {reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadRow(place, f"is not CSV: {error}") from error
        if header is None:
            header = _header(cells, place)
        elif cells:
            yield Row(place, _record(header, cells, place, verbatim), position())


def _header(cells: list[str], place: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    for number, name in enumerate(names, start=1):
        if not name:
            raise BadRow(place, f"column {number} has no name; the first line names the columns")
        if names.index(name) < number - 1:
            raise BadRow(place, f"column {name!r} is named twice; rename one of them")
    return names


def _record(
    header: Sequence[str], cells: Sequence[str], place: str, verbatim: Collection[str]
) -> dict[str, Any]:
    if len(cells) != len(header):
        raise BadRow(
            place,
            f"has {len(cells)} values for {len(header)} columns; put values that hold a comma or "
            "a line break into double quotes",
        )
    return {
        name: (cell or None) if name in verbatim else typed(cell)
        for name, cell in zip(header, cells, strict=True)
    }


def typed(cell: str) -> str | int | float | bool | None:
    """The value of a CSV cell: a number or a truth value if that is written just so, else text.

    So nothing is lost: ``7`` is an integer, but ``007`` and ``1.50`` stay text.
    """
    if not cell:
        return None
    if cell in {"true", "false"}:
        return cell == "true"
    if cell[-1] not in "0123456789":
        return cell
    try:
        if str(int(cell)) == cell and abs(int(cell)) <= INT64_MAX:
            return int(cell)
    except ValueError:
        return _decimal(cell)
    return cell


def _decimal(cell: str) -> str | float:
    try:
        value = float(cell)
    except ValueError:
        return cell
    return value if repr(value) == cell and math.isfinite(value) else cell


def _open_parquet(path: Path) -> Rows:
    try:
        import pyarrow as pa  # noqa: PLC0415 - optional
        from pyarrow import parquet  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ConfigError(
            f"{path} needs pyarrow; install it with: pip install 'bertine[parquet]'"
        ) from error
    try:
        file = parquet.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"{path} cannot be read as Parquet: {error}") from error
    return Rows(file.metadata.num_rows, _parquet(file, pa.ArrowException))


def _parquet(file: Any, arrow_error: type[Exception]) -> Iterator[Row]:
    number = 0
    with file:
        try:
            for batch in file.iter_batches(_PARQUET_ROWS):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(f"row {number}", values, number)
        except (OSError, arrow_error) as error:
            raise BadRow(f"after row {number}", f"the file cannot be read: {error}") from error
