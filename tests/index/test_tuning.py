"""Which index is taken, given what was measured."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.index.queries import CAPACITY
from bertine.index.tuning import (
    MARGIN,
    Recipe,
    Setting,
    Trial,
    Tuning,
    choose,
    enough,
    probes,
    recipes,
    usual,
    with_margin,
)

TRIAL = Trial(Recipe("PQ4x4fs"), "IVF8,PQ4x4fs", Setting(4, 2), 0.97, 0.96, 1e-3, 12.0)
TRIALS = st.lists(
    st.builds(
        lambda lower, seconds, size: replace(
            TRIAL, lower=lower, seconds=seconds, bytes_per_vector=size
        ),
        st.floats(0.5, 1.0),
        st.floats(1e-5, 1e-2),
        st.floats(8.0, 800.0),
    ),
    max_size=20,
)


@given(TRIALS, st.floats(0.5, 0.99))
def test_the_choice_reaches_the_target_and_nothing_that_does_is_much_faster(
    trials: list[Trial], target: float
) -> None:
    chosen = choose(trials, target)
    good = [trial for trial in trials if trial.lower >= target]
    assert (chosen is None) == (not good)
    if chosen is not None:
        assert chosen in good
        fastest = min(trial.seconds for trial in good)
        assert chosen.seconds <= fastest * 1.05
        rivals = [trial for trial in good if trial.seconds <= chosen.seconds]
        assert all(chosen.bytes_per_vector <= trial.bytes_per_vector for trial in rivals)


def test_of_equally_fast_ones_the_smaller_is_taken() -> None:
    small = replace(TRIAL, seconds=1.03e-3, bytes_per_vector=6.0)
    slow = replace(TRIAL, seconds=2e-3, bytes_per_vector=1.0)
    assert choose([TRIAL, small, slow], 0.95) == small


@given(st.integers(1, 20_000))
def test_probes_rise_in_small_steps_to_all_lists(lists: int) -> None:
    values = list(probes(lists))
    assert values[-1] == lists
    assert all(low < high <= max(low + 1, low * 1.5) for low, high in pairwise(values))


@given(st.sampled_from([64, 65, 66, 100, 384, 768]))
def test_every_recipe_is_different_and_the_usual_one_is_first(dimensions: int) -> None:
    tried = recipes(dimensions)
    assert tried[0] == usual(dimensions)
    assert len(set(tried)) == len(tried)


def test_lists_grow_with_the_square_root_of_the_items() -> None:
    assert Recipe("SQfp16").describe(30_000) == "IVF512,SQfp16"
    assert Recipe("SQfp16").list_count(1_000_000) == 4_096
    assert Recipe("SQfp16", 2.0).list_count(1_000_000) == 2_048


def test_items_that_stand_in_for_queries_get_a_margin() -> None:
    setting = Setting(16, 4)
    assert with_margin(setting, "queries", 1_024) == setting
    assert with_margin(setting, "items", 1_024) == Setting(16 * MARGIN, 4)
    assert with_margin(setting, "items", 20) == Setting(20, 4)


def test_as_many_queries_as_are_kept_can_show_any_target_that_may_be_asked_for() -> None:
    assert enough(CAPACITY, 0.99, len(recipes(384)))
    assert not enough(100, 0.975, 1)
    assert enough(300, 0.975, 1)


@pytest.mark.parametrize("source", ["queries", "items"])
def test_a_tuning_survives_a_manifest(source: str) -> None:
    tuning = Tuning(TRIAL, 0.95, source, 512)  # type: ignore[arg-type]
    assert Tuning.from_json(json.loads(json.dumps(tuning.to_json()))) == tuning
