"""What can be asked of an export, checked before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from bertine.errors import ConfigError

Fusion = Literal["auto", "on", "off"]
DEFAULT_VARIANTS = ("fp32", "int8")
VARIANTS = (*DEFAULT_VARIANTS, "fp16", "fp16-packed", "int8-qdq")
ALL = "all"
"""Every variant that the model can have."""

OPSETS = range(14, 21)
# From opset 18 on, ONNX Runtime's optimizer no longer fuses layer normalisation and residual.
DEFAULT_OPSET = 17


@dataclass(frozen=True, slots=True)
class Settings:
    """What an export does differently from the usual.

    Attributes:
        opset: ONNX opset of the graphs, 14 to 20; from 18 on fewer operators are fused.
        query_prompt: put before each query; the model's own where None.
        document_prompt: put before each document; the model's own where None.
        verification: file of texts to verify on, one per line; those shipped where None.
        sts: sentence pairs with gold scores in the STS Benchmark's form, to check the STS gate.
        fusion: of fp32 and int8; ``auto`` keeps whichever of the fused and unfused graph is faster
            here. The variants for a GPU each need one of them.

    Raises:
        ConfigError: a value is out of range.
    """

    opset: int = DEFAULT_OPSET
    query_prompt: str | None = None
    document_prompt: str | None = None
    verification: Path | None = None
    sts: Path | None = None
    fusion: Fusion = "auto"

    def __post_init__(self) -> None:
        if self.opset not in OPSETS:
            limits = f"{OPSETS.start} to {OPSETS.stop - 1}"
            raise ConfigError(f"opset {self.opset} is not supported; {limits} are")
        if self.fusion not in get_args(Fusion):
            raise ConfigError(f"fusion {self.fusion!r} is not one of {', '.join(get_args(Fusion))}")


def chosen_variants(names: Sequence[str]) -> tuple[str, ...]:
    """The variants to try, each once: those that were named, or all.

    Raises:
        ConfigError: none, or one that is not known.
    """
    if tuple(names) == (ALL,):
        return VARIANTS
    unknown = sorted(set(names) - set(VARIANTS))
    if unknown or not names:
        what = f"variant {unknown[0]!r} is not known" if unknown else "no variant was named"
        raise ConfigError(f"{what}; these are: {', '.join(VARIANTS)}, or {ALL} for what can be had")
    return tuple(dict.fromkeys(names))
