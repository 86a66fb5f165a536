"""The encoder's input: token ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """One tokenized text, special tokens included.

    Attributes:
        ids: int32 ``[length]``.
        truncated: whether the text was cut at the model's maximum length.
    """

    ids: NDArray[np.int32]
    truncated: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def length(self) -> int:
        """Number of tokens."""
        return len(self.ids)
