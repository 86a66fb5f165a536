"""What a second vector beside the text's changes, by its weight: the fusion of `index.parts`.

Items of an online shop, ranked for histories by the plain content profile: no behaviour of others,
every item ranked, ties at mid-rank. The weight is chosen on the validation rows; what it gains is
read on the test rows, with the interval of a bootstrap over users. One table and one JSON line:

    python -m benchmarks.fused_vectors --model build/model

The second vectors here are of words: a part of the same record encoded by itself, and the brand as
one of so many. No picture is in these data, so nothing is said about pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks import data, machine
from benchmarks.conclusion import conclude
from benchmarks.quality import files
from benchmarks.quality.bootstrap import LEVEL, resampled
from benchmarks.ranking import ndcg
from benchmarks.report import Report
from bertine import artifact
from bertine.encode.encoder import Encoder
from bertine.index.parts import Parts
from bertine.recommend.profile import ProfileOptions, decay
from bertine.types import HistoryEntry, Matrix, NamedVector, Vector

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
SPLITS = ("valid", "test")
_K = 10
_BLOCK = 256
_FOLDER = "amazon_office"
_ITEMS, _ROWS = "Office_Products.item.json.gz", "Office_Products.sequences.jsonl.gz"

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Histories and what was chosen next.

    Attributes:
        histories: numbers of items, oldest first.
        targets: int64 ``[n]``, number of the item that was chosen.
        users: int64 ``[n]``.
    """

    histories: Sequence[NDArray[np.int64]]
    targets: NDArray[np.int64]
    users: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Series:
    """One second vector, at every weight.

    Attributes:
        key: of the JSON line.
        label: of the table.
        texts: float32 ``[items, d]``, the text's part; zeros where it is missing.
        others: of each item, the second vector where there is one.
        dimensions: of the second vector.
    """

    key: str
    label: str
    texts: Matrix
    others: Sequence[Mapping[str, Vector]]
    dimensions: int

    def vectors(self, weight: float) -> Matrix:
        """The fused rows, float32 ``[items, d + dimensions]``; without the second part for 0."""
        if not weight:
            return self.texts
        named = NamedVector("second", self.dimensions, weight)
        return Parts(self.texts.shape[1], (named,)).beside(self.texts, self.others)


@click.command()
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Artifact folder.")
@click.option("--variant", default="int8", show_default=True, help="Which graph encodes.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the JSON here.")
def main(model: Path, variant: str, file: Path | None) -> None:
    """Measure what a second vector beside the text's changes."""
    conclude(lambda: measure(model, variant), file, bars=False)


def measure(model: Path, variant: str) -> Report:
    """All series at all weights.

    Raises:
        DataAbsentError: the data is not there.
    """
    source = data.folder() / _FOLDER
    items = files.items(source / _ITEMS)
    rows = {split: read_rows(source / _ROWS, split, list(items)) for split in SPLITS}
    report = Report("fused_vectors", _context(model, variant, len(items), rows))
    with closing(Encoder.open(artifact.load(model), variant=variant)) as encoder:
        found = series(list(items.values()), encoder)
    for one in found:
        _report(report, one, rows)
    return report


def _context(model: Path, variant: str, items: int, rows: Mapping[str, Rows]) -> dict[str, Any]:
    return {
        "machine": machine.describe(),
        "model": machine.describe_model(model, variant),
        "items": items,
        "rows": {split: len(some.targets) for split, some in rows.items()},
        "protocol": "plain content profile, half-life of one entry; all items ranked, the history "
        "not excluded; mid-rank for ties; the weight chosen on the valid rows",
    }


def read_rows(path: Path, split: str, ids: Sequence[str]) -> Rows:
    """The rows of one split.

    Raises:
        DataAbsentError: there is no such file.
    """
    numbers = {item_id: number for number, item_id in enumerate(ids)}
    lines = [line for line in files.json_lines(path) if line["split"] == split]
    users = {user: n for n, user in enumerate(dict.fromkeys(str(line["user"]) for line in lines))}
    return Rows(
        [np.array([numbers[str(item)] for item in line["history"]], np.int64) for line in lines],
        np.array([numbers[str(line["target"])] for line in lines], np.int64),
        np.array([users[str(line["user"])] for line in lines], np.int64),
    )


def series(items: Sequence[Mapping[str, Any]], encoder: Encoder) -> list[Series]:
    """What is compared: titles beside descriptions or brands, and all words in one text."""
    titles = encoded([files.compose(item, ("title",)) for item in items], encoder)
    whole = encoded([files.compose(item, files.TEXT_FIELDS) for item in items], encoder)
    told = encoded([files.compose(item, ("description",)) for item in items], encoder)
    descriptions = [{"second": row} if row.any() else {} for row in told]
    brands = [files.compose(item, ("brand",)) for item in items]
    known = sorted(set(brands) - {""})
    one_hot = dict(zip(known, np.eye(len(known), dtype=np.float32), strict=True))
    brand = [{"second": one_hot[name]} if name else {} for name in brands]
    titles_brand = Series("title_brand", "titles + brand", titles, brand, len(known))
    return [
        Series("title_description", "titles + descriptions", titles, descriptions, titles.shape[1]),
        titles_brand,
        replace(titles_brand, key="whole_brand", label="all in one text + brand", texts=whole),
    ]


def encoded(texts: Sequence[str], encoder: Encoder) -> Matrix:
    """Vectors of texts, float32 ``[n, d]``; zeros for an empty one."""
    vectors = np.zeros((len(texts), encoder.dimensions), np.float32)
    there = [number for number, text in enumerate(texts) if text]
    found = encoder.embed_sync([texts[number] for number in there], input_type="document")
    vectors[there] = found.vectors
    return vectors


def gains(vectors: Matrix, rows: Rows) -> Values:
    """NDCG@10 of each row: float64 ``[rows]``."""
    profiles = np.stack([profile(vectors[history]) for history in rows.histories])
    ranks = [
        mid_ranks(
            profiles[start : start + _BLOCK] @ vectors.T, rows.targets[start : start + _BLOCK]
        )
        for start in range(0, len(profiles), _BLOCK)
    ]
    return np.array([ndcg(rank, _K) for rank in np.concatenate(ranks)[:, None]])


def profile(vectors: Matrix) -> Vector:
    """The weighted sum of a history's vectors, oldest first, as the server weighs them."""
    entries = [HistoryEntry()] * len(vectors)
    return np.asarray(decay(entries, ProfileOptions()) @ vectors, np.float32)


def mid_ranks(scores: Matrix, targets: NDArray[np.int64]) -> Values:
    """Rank of one item of each row of scores, see `ranking.mid_ranks`: float64 ``[rows]``."""
    wanted = np.take_along_axis(scores, targets[:, None], axis=1)
    higher = (scores > wanted).sum(axis=1)
    equal = (scores == wanted).sum(axis=1) - 1
    return np.asarray(1.0 + higher + equal / 2.0)


def _report(report: Report, one: Series, rows: Mapping[str, Rows]) -> None:
    values = {
        split: [gains(one.vectors(weight), some) for weight in WEIGHTS]
        for split, some in rows.items()
    }
    for place, weight in enumerate(WEIGHTS):
        for split in SPLITS:
            name = f"{one.key}_{weight:g}_{split}"
            label = f"{one.label}, weight {weight:g}, {split} rows: NDCG@{_K}"
            report.add(name, label, float(values[split][place].mean()))
    chosen = int(np.argmax([some.mean() for some in values["valid"]]))
    report.add(f"{one.key}_chosen", f"{one.label}: weight chosen on valid rows", WEIGHTS[chosen])
    pair = np.stack([values["test"][chosen], values["test"][0]], axis=1)
    low, high = interval(pair, rows["test"].users)
    report.add(
        f"{one.key}_gain", "  its NDCG on test rows less that of weight 0", _difference(pair)
    )
    report.add(f"{one.key}_gain_low", f"  lower end of the {LEVEL:.0%} interval", low)
    report.add(f"{one.key}_gain_high", "  upper end", high)


def _difference(pair: Values) -> float:
    return float(pair[:, 0].mean() - pair[:, 1].mean())


def interval(pair: Values, users: NDArray[np.int64]) -> tuple[float, float]:
    """Bounds of the difference of two means on the same rows, users drawn again.

    Args:
        pair: float64 ``[rows, 2]``.
        users: int64 ``[rows]``.
    """
    means = resampled(pair, users, seed=0)
    low, high = np.quantile(means[:, 0] - means[:, 1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


if __name__ == "__main__":
    main()
