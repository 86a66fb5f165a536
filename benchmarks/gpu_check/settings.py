"""What is checked, on what, and how much of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from bertine.encode.device import CPU, Device, parse

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Settings:
    """The command line, as the process of each part gets it.

    Attributes:
        model: artifact folder.
        device: ``cpu``, or ``cuda:N``.
        quick: little of everything: shows that the program works.
    """

    model: str
    device: str
    quick: bool

    @property
    def place(self) -> Device:
        """The device of the encoder and of the index."""
        return parse(self.device)[0]

    @property
    def on_gpu(self) -> bool:
        """Whether figures say anything of a GPU."""
        return self.place != CPU

    @property
    def effort(self) -> Effort:
        """How much is done."""
        return QUICK if self.quick else FULL

    @property
    def folder(self) -> Path:
        """Of the model."""
        return Path(self.model)

    def to_json(self) -> str:
        """For the command line of a part."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done.

    Attributes:
        texts: that are encoded for correctness.
        ragged: texts of a run of the encoder over uneven lengths.
        lengths: of the grid of timings, in tokens.
        batches: of the grid, in texts.
        grid_tokens: batches with more are left out.
        product: rows and columns of the matrices whose product is the ceiling.
        dimensions: of the vectors of the index that is timed.
        rows: of it.
        queries: of a large batch of searches.
        items: of the served collection.
        calls: of one client, with one short text each.
    """

    texts: int
    ragged: int
    lengths: tuple[int, ...]
    batches: tuple[int, ...]
    grid_tokens: int
    product: int
    dimensions: int
    rows: int
    queries: int
    items: int
    calls: int


FULL = Effort(
    texts=128,
    ragged=20_000,
    lengths=(16, 64, 128, 256, 384, 512),
    batches=(1, 8, 32, 128, 512),
    grid_tokens=131_072,
    product=8_192,
    dimensions=384,
    rows=1_000_000,
    queries=1_000,
    items=30_000,
    calls=1_000,
)
QUICK = Effort(
    texts=12,
    ragged=24,
    lengths=(16,),
    batches=(1, 4),
    grid_tokens=1_024,
    product=256,
    dimensions=64,
    rows=2_000,
    queries=40,
    items=60,
    calls=20,
)
