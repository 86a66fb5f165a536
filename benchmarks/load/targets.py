"""Every protocol by name, behind one contract."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.load.bertine_grpc import (
    BertineEmbed,
    BertineRecommend,
    BertineRecommendTexts,
    BertineSearch,
)
from benchmarks.load.contract import Answer, Outcome, Protocol, Target, TargetSpec
from benchmarks.load.kserve_grpc import KServe
from benchmarks.load.openai_http import OpenAI

__all__ = ["PROTOCOLS", "Answer", "Outcome", "Target", "TargetSpec", "open_target"]

PROTOCOLS: dict[Protocol, Callable[[TargetSpec], Target]] = {
    "bertine": BertineEmbed,
    "bertine-search": BertineSearch,
    "bertine-recommend": BertineRecommend,
    "bertine-recommend-texts": BertineRecommendTexts,
    "openai": OpenAI,
    "kserve": KServe,
}


def open_target(spec: TargetSpec) -> Target:
    """Connect, inside the event loop that will use it."""
    return PROTOCOLS[spec.protocol](spec)
