"""What is asked for and what is answered, by all calls that return hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bertine.index.filters import AllOf, Filter
from bertine.recommend.history import Usable
from bertine.recommend.learn.taste import Situation
from bertine.recommend.noise import Noise
from bertine.recommend.profile import ProfileOptions
from bertine.recommend.rules import NO_RULES, Rules
from bertine.types import HistoryEntry, Hits, Item, StageTimes, Vector

Source: TypeAlias = Literal["personal", "promoted", "exploration", "backfill"]
"""Where a hit of `Recommender.recommend` comes from: its score, or one of the rules."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query: at most one of the first three is set, and anything at all.

    Attributes:
        text: the model's query prompt is put before it.
        token_ids: of the model's tokenizer, special tokens included.
        vector: unit, in the place of the text's.
        vectors: the query's named parts; one that is missing adds nothing to a score.
    """

    text: str = ""
    token_ids: Sequence[int] = ()
    vector: Vector | None = None
    vectors: Mapping[str, Vector] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What hits are wanted, by all calls alike.

    Attributes:
        top_k: hits for each query.
        min_score: least similarity; the threshold theta.
        filter: what a hit's attributes must satisfy.
        include_items: give the hits' items too.
        only: ids of which there is nothing else; None is anything.
        exclude: ids that are never returned.
        exact: score every item that may be returned.
        nprobe: inverted lists of a trained index to visit; 0 is as many as it was tuned to.
        deadline: reading of `time.monotonic` after which the answer is useless.
        vector_weights: parts of the collection's vectors that count less, see
            `bertine.index.parts.Parts.lowering`.
        mandatory: filter that the caller is held to: what does not match is no item to it, in
            histories neither. None is anything.
    """

    top_k: int = 10
    min_score: float = -1.0
    filter: Filter | None = None
    include_items: bool = False
    only: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()
    exact: bool = False
    deadline: float | None = None
    nprobe: int = 0
    vector_weights: Mapping[str, float] = field(default_factory=dict)
    mandatory: Filter | None = None

    @property
    def both(self) -> Filter | None:
        """What every hit satisfies: the filter and the mandatory one."""
        if self.filter is None or self.mandatory is None:
            return self.filter or self.mandatory
        return AllOf((self.mandatory, self.filter))


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, and what was asked for beside them.

    Attributes:
        results: one for each query.
        items: of the hits, by id, if asked for.
        times: where the time went.
    """

    results: Sequence[Hits]
    items: Mapping[str, Item]
    times: StageTimes


@dataclass(frozen=True, slots=True)
class Wish:
    """What a recommendation is made of and for.

    Attributes:
        history: oldest first.
        wanted: what hits.
        options: how the history is weighted.
        noise: the history is read through a blurred profile alone; None is not.
        user: keyed hash; the latest recorded events of that user go before `history`.
        session: keyed hash; recorded events of the same session are the latest ones.
        situation: when and where the user is.
        exclude_seen: leave out the items of the history.
        explain: say for each hit what its score is made of.
        rules: what the list must look like.
        channel_weights: instead of the fitted ones; empty is those. A channel that is not named has
            weight 0.
    """

    history: Sequence[HistoryEntry]
    wanted: Wanted = Wanted()
    options: ProfileOptions = field(default_factory=ProfileOptions)
    noise: Noise | None = None
    user: bytes | None = None
    session: bytes | None = None
    situation: Situation = field(default_factory=Situation)
    exclude_seen: bool = True
    explain: bool = False
    rules: Rules = NO_RULES
    channel_weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one entry of the history added to one hit's score.

    Attributes:
        entry: position in the history that made the profile, -1 if it is none of them.
        score: of the content channel w_h <v_h, v_i> / |sum_h w_h v_h|.
        share: of the hit's score.
        other: then what it is, for example ``popularity``.
    """

    entry: int
    score: float
    share: float
    other: str = ""


@dataclass(frozen=True, slots=True)
class ChannelShare:
    """What a channel added to a hit's score.

    Attributes:
        channel: its name.
        score: weight times value.
        share: of the hit's score; 0 if that is 0.
    """

    channel: str
    score: float
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of a hit's score, twice: the contributions sum to it, and so do the channels.

    Attributes:
        contributions: largest first; they name entries of the history.
        channels: largest first.
    """

    contributions: Sequence[Contribution] = ()
    channels: Sequence[ChannelShare] = ()


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Hits for a history.

    Attributes:
        answer: with one result.
        history: what of the history made the profile.
        explanations: of each hit, if asked for.
        sources: of each hit.
        propensities: of each hit, 0 for those that exploration did not put there.
        channels: that made the scores.
        id: of this list, to be given back in events; 32 hexadecimal digits.
    """

    answer: Answer
    history: Usable
    explanations: Sequence[Explanation] = ()
    sources: Sequence[Source] = ()
    propensities: Sequence[float] = ()
    channels: Sequence[str] = ()
    id: str = ""
