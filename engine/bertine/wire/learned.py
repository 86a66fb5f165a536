"""What was learned, and how to learn, as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bertine.errors import InvalidInput
from bertine.recommend.refreshing import FitOptions
from bertine.v1 import recommendation_pb2 as pb
from bertine.wire.values import time_to_wire

if TYPE_CHECKING:
    # A client reads this module, and what is learned needs numba.
    from bertine.recommend.learn.learned import Learned

MOST_VALIDATION = 0.5


def fit_options_from_wire(message: pb.FitRequest) -> FitOptions:
    """Read and check how to fit.

    Raises:
        InvalidInput: the share is out of range.
    """
    if not message.HasField("validation_share"):
        return FitOptions(keep_weights=message.keep_weights)
    share = message.validation_share
    if not 0.0 <= share <= MOST_VALIDATION:
        raise InvalidInput("validation_share", f"is {share}; give 0 to {MOST_VALIDATION}")
    return FitOptions(share, message.keep_weights)


def learned_to_wire(learned: Learned, time: float) -> pb.LearnedStatus:
    """What was learned as a message.

    Args:
        learned: channels and weights.
        time: when, seconds since the epoch.
    """
    status = learned.status
    new = learned.weights_of(new_only=True).tolist()
    channels = zip(learned.channels, learned.weights.tolist(), new, strict=True)
    return pb.LearnedStatus(
        time=time_to_wire(time),
        events=status.events,
        users=status.users,
        items=status.items,
        channels=[
            pb.Channel(name=name, weight=weight, new_weight=new_weight)
            for name, weight, new_weight in channels
        ],
        validation_ndcg=status.validation_ndcg,
        content_ndcg=status.content_ndcg,
        validation_rows=status.validation_rows,
        message=status.message,
    )
