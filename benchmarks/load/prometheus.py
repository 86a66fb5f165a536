"""What a server's Prometheus metrics say, and what changed between two looks at them."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from prometheus_client.parser import text_string_to_metric_families

_Key: TypeAlias = tuple[str, frozenset[tuple[str, str]]]
_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All samples at one moment, or how they grew.

    Attributes:
        values: by name and labels.
    """

    values: Mapping[_Key, float]

    def since(self, earlier: Snapshot) -> Snapshot:
        """How much each sample grew."""
        return Snapshot(
            {key: value - earlier.values.get(key, 0.0) for key, value in self.values.items()}
        )

    def total(self, name: str) -> float:
        """Sum over all labels of the samples of that name; 0 if there are none."""
        return sum(value for key, value in self.values.items() if key[0] == name)

    def histogram(self, name: str) -> dict[str, int]:
        """Observations in each bucket, by its upper bound, empty buckets left out."""
        cumulative: dict[float, float] = {}
        for (sample, labels), value in self.values.items():
            if sample == f"{name}_bucket":
                bound = float(dict(labels)["le"])
                cumulative[bound] = cumulative.get(bound, 0.0) + value
        counts, below = {}, 0.0
        for bound in sorted(cumulative):
            counts[f"{bound:g}"] = round(cumulative[bound] - below)
            below = cumulative[bound]
        return {bound: count for bound, count in counts.items() if count}


def parse(text: str) -> Snapshot:
    """Samples of Prometheus' text format."""
    return Snapshot(
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )


def read(address: str) -> Snapshot:
    """The metrics at ``http://HOST:PORT/metrics``.

    Raises:
        OSError: nobody answers there.
    """
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=_TIMEOUT) as response:
        return parse(response.read().decode())
