"""How many tokens texts will have, guessed before they are tokenized."""

from __future__ import annotations

from collections.abc import Sequence

# What is known before the first text: English has about four characters a token.
_FIRST = (1_000.0, 250.0)
# Sizes that are remembered: a few hundred calls, so that other traffic is soon known.
_MEMORY = 100_000.0


class Lengths:
    """Tokens of texts by their sizes, as those had them that came before.

    Several threads may use it: what one of them learns may be lost, and is no loss.

    Args:
        longest: tokens that a text has at most; more are cut off.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._seen = _FIRST  # sizes and tokens, summed

    def guess(self, sizes: Sequence[int]) -> int:
        """Tokens of texts together; at least one each, and at most ``longest``.

        Args:
            sizes: of each, more than 0; characters, for example.
        """
        size, tokens = self._seen
        ratio = tokens / size
        if not sizes:
            return 0
        if max(sizes) * ratio > self._longest:
            sizes = [min(entry, int(self._longest / ratio)) for entry in sizes]
        return max(len(sizes), int(sum(sizes) * ratio))

    def learn(self, size: int, tokens: int) -> None:
        """Take note of what texts of this size together came to; a size of 0 says nothing."""
        if size <= 0:
            return
        seen_size, seen_tokens = self._seen
        keep = 0.5 if seen_size > _MEMORY else 1.0
        self._seen = keep * seen_size + size, keep * seen_tokens + tokens
