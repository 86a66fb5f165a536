import numpy as np
import pytest

from bertine.recommend.recency import boosts
from bertine.recommend.rules import Recency
from bertine.types import Attribute

NOW = 1_000.0


def test_it_halves_with_every_half_life() -> None:
    opens = np.array([NOW, NOW - 10, NOW - 20, -np.inf, NOW + 99])
    found = boosts(Recency(half_life=10.0, weight=0.4), opens, [{}] * 5, NOW)
    assert found == pytest.approx([0.4, 0.2, 0.1, 0.0, 0.4])


def test_an_attribute_takes_the_place_of_availability() -> None:
    values: list[Attribute] = [990, 980.0, "soon", True]
    attributes = [*({"released": value} for value in values), {}]
    rule = Recency(half_life=10.0, weight=1.0, attribute="released")
    assert boosts(rule, np.full(5, NOW), attributes, NOW) == pytest.approx([0.5, 0.25, 0, 0, 0])
