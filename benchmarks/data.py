"""Readers of the real data beside the project: the only code that knows the files' forms.

None of the data belongs to the project; where it is absent, `folder` says so.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VARIABLE = "BERTINE_DATA"
_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
_NOT_RELEVANT = -1


class DataAbsentError(Exception):
    """The real data, or a file of it, is not there; the message says what and where."""


class DataFaultError(Exception):
    """Somebody's data cannot be used; the message says where, what is wrong and what is right."""


@dataclass(frozen=True, slots=True)
class Gloss:
    """One WordNet entry: its id, the words it defines, and the definition."""

    id: str
    lemmas: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sentences and how alike people find them, 0 to 5."""

    score: float
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Cranfield:
    """The Cranfield collection.

    Attributes:
        documents: title and abstract by number; two of the 1,400 are empty.
        queries: in order; judgements name them by their ordinal, from 1.
        relevant: document numbers of grades 1 to 4 for each query, in the queries' order.
    """

    documents: dict[str, str]
    queries: list[str]
    relevant: list[frozenset[str]]


def folder() -> Path:
    """Where the data is: what BERTINE_DATA names, or ``shared/data`` beside the repository.

    Raises:
        DataAbsentError: there is no such folder.
    """
    path = Path(os.environ.get(VARIABLE, _BESIDE))
    if not path.is_dir():
        raise DataAbsentError(f"REAL DATA ABSENT: {path} is no folder; set {VARIABLE} to it")
    return path


def glosses(data: Path, limit: int | None = None) -> list[Gloss]:
    """The first `limit` of the 117,659 WordNet glosses, or all.

    The file gives adjectives and adverbs one letter, so that 21 numbers are there twice: the second
    entry's id ends with ``-2``.
    """
    rows = (line.split("\t") for line in _lines(data / "wordnet" / "glosses.tsv.gz"))
    seen: set[str] = set()
    entries = []
    for number, lemmas, text in islice(rows, limit):
        entry_id = f"{number}-2" if number in seen else number
        seen.add(number)
        entries.append(Gloss(entry_id, tuple(lemmas.split(", ")), text))
    return entries


def short_queries(data: Path) -> list[str]:
    """Real short queries: CLINC150, Banking77 and MS MARCO dev, each text once."""
    source = data / "queries"
    clinc = json.loads("\n".join(_lines(source / "clinc150_data_full.json.gz")))
    banking = csv.DictReader(_lines(source / "banking77_train.csv.gz"))
    marco = (line.split("\t")[1] for line in _lines(source / "msmarco_dev_small_6980.tsv.gz"))
    texts = [text for part in clinc.values() for text, _ in part]
    texts += [row["text"] for row in banking]
    texts += marco
    return list(dict.fromkeys(text.strip() for text in texts if text.strip()))


def sts_pairs(data: Path, split: str) -> list[Pair]:
    """STS Benchmark pairs of ``train`` or ``dev``. A quote there is a character like any other."""
    rows = (line.split("\t") for line in _lines(data / "sts_benchmark" / f"sts-{split}.csv.gz"))
    return [Pair(float(row[4]), row[5].strip(), row[6].strip()) for row in rows]


def arrivals(data: Path, name: str) -> NDArray[np.float64]:
    """When the requests of an Azure LLM inference trace arrived: ``code`` or ``conv``.

    Returns:
        Seconds since the first, ascending.
    """
    lines = _lines(data / "traces" / f"AzureLLMInferenceTrace_{name}.csv.gz")
    stamps = [line.partition(",")[0].replace(" ", "T") for line in lines[1:]]
    nanoseconds = np.sort(np.array(stamps, "datetime64[ns]").astype(np.int64))
    return np.asarray((nanoseconds - nanoseconds[0]) / 1e9)


def cranfield(data: Path) -> Cranfield:
    """The Cranfield abstracts, queries and judgements."""
    source = data / "cranfield"
    documents = {
        number: " ".join(f"{fields['T']} {fields['W']}".split())
        for number, fields in _records(source / "cran.all.1400.gz")
    }
    queries = [" ".join(fields["W"].split()) for _, fields in _records(source / "cran.qry")]
    return Cranfield(documents, queries, _judgements(source / "cranqrel", len(queries)))


def _judgements(path: Path, queries: int) -> list[frozenset[str]]:
    relevant: list[set[str]] = [set() for _ in range(queries)]
    for line in _lines(path):
        ordinal, document, grade = line.split()
        if int(grade) != _NOT_RELEVANT:
            relevant[int(ordinal) - 1].add(document)
    return [frozenset(documents) for documents in relevant]


def _records(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Records of SMART's form: ``.I number``, then fields that each begin with a dotted letter."""
    records = re.split(r"^\.I ", "\n".join(_lines(path)), flags=re.MULTILINE)
    for record in records[1:]:
        number, *fields = re.split(r"^\.([A-Z])$", record, flags=re.MULTILINE)
        yield number.strip(), dict(zip(fields[::2], fields[1::2], strict=True))


def read_text(path: Path) -> str:
    """The text of a file, compressed or not.

    Raises:
        DataAbsentError: there is no such file.
    """
    if not path.is_file():
        raise DataAbsentError(f"REAL DATA ABSENT: {path} is missing")
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()


def _lines(path: Path) -> list[str]:
    # Not splitlines: that would also cut at form feeds and at Unicode's own line separators.
    return [line.removesuffix("\r") for line in read_text(path).split("\n") if line]
