"""What is to be reached on one H100, after what was published: bars for models of that class.

Pure: of architecture, variant and device. Where the figures are from: docs/gpu.md.
"""

from __future__ import annotations

from benchmarks.gpu_check.arithmetic import BASE, LARGE, Architecture
from benchmarks.gpu_check.settings import Settings
from benchmarks.report import Bar, at_least, at_most
from bertine.artifact import Variant

LONG_TOKENS = 1.6e6
"""Tokens a second of BERT-base at 512 tokens in fp16."""

SHORT_TOKENS = 1.2e6
"""The same of texts of 50 tokens in the mean."""

MLPERF_SAMPLES = 9_081
"""Samples a second of MLPerf Inference's bert-99, offline, one H100: BERT-large on SQuAD."""

SHORT = 50
"""Mean tokens of short texts."""

SQUAD = 177
"""Mean tokens of SQuAD's samples: 54 % of 384 are padding (https://openreview.net/forum?id=3nzKUh9a4M)."""

_LONG = 512
_FP16_SHARE = 0.8
_SEARCH_MS = 1.5


def even(
    kind: Architecture | None, variant: Variant, settings: Settings, length: int
) -> Bar | None:
    """For tokens a second of batches without padding."""
    is_it = kind == BASE and variant.precision == "fp16" and length == _LONG
    return at_least(LONG_TOKENS) if settings.on_gpu and is_it else None


def ragged(
    kind: Architecture | None, variant: Variant, settings: Settings, mean: int
) -> tuple[Bar | None, Bar | None]:
    """For tokens and for texts a second of uneven lengths."""
    if not settings.on_gpu:
        return None, None
    fp16, int8 = variant.precision == "fp16", variant.precision == "int8"
    if kind == BASE and fp16 and mean == SHORT:
        return at_least(SHORT_TOKENS), None
    if kind == LARGE and (fp16 or int8) and mean == SQUAD:
        return None, at_least(MLPERF_SAMPLES * (_FP16_SHARE if fp16 else 1.0))
    return None, None


def search(settings: Settings) -> Bar | None:
    """For the median of one client's searches, in milliseconds."""
    return at_most(_SEARCH_MS) if settings.on_gpu else None
