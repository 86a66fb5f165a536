import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from bertine.client import requests
from bertine.client.options import RecommendOptions
from bertine.errors import InvalidInput
from bertine.index.filters import Exists
from bertine.recommend.rules import NO_RULES, Cap, Promotion, Recency, Rules
from bertine.v1 import recommendation_pb2 as pb
from bertine.wire.events import profile_from_wire, situation_from_wire
from bertine.wire.rules import channel_weights_from_wire, rules_from_wire
from bertine.wire.values import duration_from_wire, duration_to_wire

SHARE = st.floats(0, 1, width=32)
SECONDS = st.integers(1, 10**9).map(float)
RULES = st.builds(
    Rules,
    caps=st.lists(st.builds(Cap, st.sampled_from(["a", "b"]), st.integers(1, 9)), max_size=8).map(
        tuple
    ),
    promotion=st.sampled_from([None, Promotion(Exists("a"), 3)]),
    recency=st.one_of(st.none(), st.builds(Recency, SECONDS, SHARE, st.sampled_from(["", "a"]))),
    diversity=SHARE,
    backfill=st.booleans(),
    exploration=st.floats(0.25, 0.5, width=32),
    seed=st.integers(0, 2**64 - 1),
    exploration_age=SECONDS,
)


def rules_to_wire(rules: Rules) -> pb.Rules:
    """As the client sends them; several caps on one attribute are for other clients."""
    options: RecommendOptions = {
        "diversity": rules.diversity,
        "backfill": rules.backfill,
        "exploration": rules.exploration,
        "seed": rules.seed,
        "exploration_age": rules.exploration_age,
    }
    if rules.promotion is not None:
        options["promote"] = rules.promotion.filter, rules.promotion.at_least
    if rules.recency is not None:
        options["recency"] = rules.recency
    message = requests.recommend("books", [], "", options).rules
    message.caps.extend(
        pb.AttributeCap(attribute=cap.attribute, at_most=cap.at_most) for cap in rules.caps
    )
    return message


@given(RULES)
def test_rules(rules: Rules) -> None:
    assert rules_from_wire(rules_to_wire(rules)) == rules


def test_no_rules() -> None:
    assert rules_from_wire(pb.Rules()) is NO_RULES
    assert rules_from_wire(rules_to_wire(NO_RULES)) == NO_RULES


@given(SECONDS)
def test_durations(seconds: float) -> None:
    assert duration_from_wire(duration_to_wire(seconds), "field") == seconds


@pytest.mark.parametrize("message", [Duration(), Duration(seconds=-1), Duration(nanos=-1)])
def test_durations_that_are_none(message: Duration) -> None:
    with pytest.raises(InvalidInput, match="above 0"):
        duration_from_wire(message, "field")


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf"), 1e7])
def test_weights_of_channels(weight: float) -> None:
    assert channel_weights_from_wire({"content": 0.5}) == {"content": 0.5}
    with pytest.raises(InvalidInput, match="content"):
        channel_weights_from_wire({"content": weight})


def test_profiles_and_situations() -> None:
    options = profile_from_wire(
        pb.Profile(interests=3, negatives=pb.NEGATIVES_MIRROR, joined_texts=2)
    )
    assert (options.interests, options.negatives, options.joined_texts) == (3, "mirror", 2)
    plain = profile_from_wire(pb.Profile())
    assert (plain.interests, plain.negatives, plain.joined_texts) == (None, "subtract", 0)
    here = situation_from_wire(pb.Context(place="pt-SP", utc_offset_minutes=-180), 5.0)
    assert (here.time, here.place, here.device, here.utc_offset_minutes) == (5.0, "pt-SP", "", -180)
