"""Vectors of real texts, encoded once and kept: ``build/index/FINGERPRINT``.

Part by part, each written under another name and then renamed, so that an encoding that was
interrupted goes on where it stopped. A part's name holds the digest of its texts: other texts are
encoded anew, never mistaken for these.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks import data, encoders, texts
from bertine import artifact
from bertine.types import Matrix

PART = 1_024
HELD_OUT = 1_000
"""Glosses that are asked for and not in the corpus: 116,659 of 117,659 remain."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What is encoded.

    Attributes:
        corpus: glosses, in an order that is the same every time.
        glosses: queries like the corpus, none of whose texts is in it.
        short: real short queries, which lie farther from the corpus.
    """

    corpus: list[str]
    glosses: list[str]
    short: list[str]


@dataclass(frozen=True, slots=True)
class Cache:
    """Where the vectors of a model are kept.

    Attributes:
        folder: of all models.
        model: artifact folder.
        variant: which graph of it encodes.
    """

    folder: Path
    model: Path
    variant: str

    def encode(self, wanted: Sequence[str], on_done: Callable[[int], None]) -> Matrix:
        """The vectors of texts, from the cache as far as they are there.

        Args:
            wanted: at least one text.
            on_done: told how many more texts are there now.

        Returns:
            float32 ``[len(wanted), d]``, unit rows, in the order of the texts.

        Raises:
            ArtifactError: the model folder is damaged or not one.
        """
        parts = [list(wanted[start:stop]) for start, stop in bounds(len(wanted))]
        files = [self._file(part) for part in parts]
        missing = [
            (part, file) for part, file in zip(parts, files, strict=True) if not file.exists()
        ]
        on_done(len(wanted) - sum(len(part) for part, _ in missing))
        for count in self._write(missing):
            on_done(count)
        return np.concatenate([np.load(file) for file in files])

    def _write(self, missing: Sequence[tuple[list[str], Path]]) -> Iterator[int]:
        """Encode and keep parts; how many texts each had."""
        if not missing:
            return
        encoder = encoders.real(artifact.load(self.model), self.variant)
        try:
            for part, file in missing:
                save(file, encoder.embed_sync(part).vectors)
                yield len(part)
        finally:
            encoder.close()

    def _file(self, part: Sequence[str]) -> Path:
        fingerprint = artifact.load(self.model).manifest.fingerprint(self.variant)
        return self.folder / fingerprint[:16] / f"{digest(part)}.npy"


def read_texts(source: Path, size: int, queries: int) -> Texts:
    """The first `size` glosses of the fixed order, and `queries` of each kind of query.

    Raises:
        DataAbsentError: the glosses or the queries are not there.
        ValueError: more is wanted than there is.
    """
    everything = [gloss.text for gloss in data.glosses(source)]
    held, corpus = hold_out(everything, HELD_OUT)
    if size > len(corpus) or queries > HELD_OUT:
        raise ValueError(f"there are {len(corpus):,} glosses and {HELD_OUT:,} held-out ones")
    return Texts(corpus[:size], held[:queries], texts.shuffled_queries(source)[:queries])


def hold_out(everything: Sequence[str], count: int) -> tuple[list[str], list[str]]:
    """Split texts into `count` that occur once and all others, both in a fixed random order."""
    order = list(everything)
    random.Random(0).shuffle(order)  # noqa: S311 - a fixed order, not a secret
    times = Counter(order)
    single = [position for position, text in enumerate(order) if times[text] == 1][:count]
    chosen = set(single)
    rest = [text for position, text in enumerate(order) if position not in chosen]
    return [order[position] for position in single], rest


def bounds(count: int) -> list[tuple[int, int]]:
    """Starts and ends of the parts of so many texts; the last part is shorter."""
    return list(pairwise([*range(0, count, PART), count]))


def digest(part: Sequence[str]) -> str:
    """What names a part: of its texts and their order."""
    hashed = hashlib.sha256()
    for text in part:
        raw = text.encode()
        hashed.update(len(raw).to_bytes(8, "little") + raw)
    return hashed.hexdigest()[:24]


def save(file: Path, vectors: Matrix) -> None:
    """Write vectors so that the file is there whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    with draft.open("wb") as stream:
        np.save(stream, vectors)
    draft.replace(file)
