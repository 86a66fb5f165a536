"""Which device computes, and which of a model's variants suits it: pure decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bertine.artifact import Manifest, Variant
from bertine.errors import ArtifactError, ConfigError

Kind: TypeAlias = Literal["cpu", "cuda", "tensorrt"]

AUTO = "auto"
PROVIDERS: dict[Kind, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
"""ONNX Runtime's names (onnxruntime docs, "Execution Providers")."""

# On a CPU int8 is 1.6 times as fast as fp32 and costs 0.3 points of Spearman. A GPU has no kernel
# for the int8 graphs of a CPU (onnxruntime docs, OperatorKernels.md: DynamicQuantizeLinear).
_PREFERENCE = {"cpu": ("int8", "fp32"), "cuda": ("fp16",), "tensorrt": ("int8",)}
_FORM = "write auto, cpu, cuda, cuda:N, tensorrt or tensorrt:N; several with commas are replicas"


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session runs.

    Attributes:
        kind: what computes.
        index: which GPU; 0 on a CPU.
    """

    kind: Kind
    index: int = 0

    def __str__(self) -> str:
        return "cpu" if self.kind == "cpu" else f"{self.kind}:{self.index}"


CPU = Device("cpu")


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to choose from.

    Attributes:
        providers: that this build of ONNX Runtime has, by its own names.
        gpus: names of the GPUs that the driver sees.
        problem: why there are none, and what to do; "" if there are some.
    """

    providers: Sequence[str]
    gpus: Sequence[str] = ()
    problem: str = "this machine has no GPU that the driver sees"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen.

    Attributes:
        devices: one, or one for each replica.
        variant: name of the model's variant.
        reason: why, for the log.
    """

    devices: tuple[Device, ...]
    variant: str
    reason: str


def choose(setting: str, variant: str, machine: Machine, manifest: Manifest) -> Choice:
    """The devices and the variant that two settings mean on a machine.

    Args:
        setting: ``auto``, or what `parse` takes. ``auto`` is a GPU if everything for it is there;
            never TensorRT, which builds for minutes before it serves.
        variant: a name, or ``auto`` for what suits the device best.
        machine: see `Machine`.
        manifest: of the model.

    Raises:
        ConfigError: a device that is not known, not there, or cannot run the variant.
        ArtifactError: no variant is meant for the device.
        NotFound: no such variant.
    """
    if setting == AUTO:
        return _automatic(variant, machine, manifest)
    devices = parse(setting)
    if problem := missing(devices, machine):
        raise ConfigError(f"device {setting}: {problem}")
    name = best_variant(manifest, devices[0].kind) if variant == AUTO else variant
    if problem := unfit(manifest.variant(name), devices[0].kind):
        raise ConfigError(f"device {setting}: {problem}")
    return Choice(devices, name, "as asked for")


def parse(setting: str) -> tuple[Device, ...]:
    """Devices of a setting: ``cpu``, ``cuda``, ``cuda:1``, ``cuda:0,cuda:1`` ...

    Raises:
        ConfigError: not of that form, or replicas of different kinds.
    """
    devices = tuple(_device(part.strip(), setting) for part in setting.split(","))
    if len({device.kind for device in devices}) > 1:
        raise ConfigError(
            f"device {setting!r} mixes kinds; replicas make the same vectors only on one"
        )
    if len(devices) > 1 and devices[0].kind == "cpu":
        raise ConfigError(
            f"device {setting!r}: a CPU has no replicas; it divides batches by itself"
        )
    return devices


def _device(part: str, setting: str) -> Device:
    kind, colon, index = part.partition(":")
    if kind == "cpu" and not colon:
        return CPU
    if kind in {"cuda", "tensorrt"} and (not colon or (index.isascii() and index.isdigit())):
        return Device("cuda" if kind == "cuda" else "tensorrt", int(index or 0))
    raise ConfigError(f"device {setting!r} is not known; {_FORM}")


def missing(devices: Sequence[Device], machine: Machine) -> str:
    """What keeps a machine from offering devices, and what to do; "" if nothing does."""
    provider = PROVIDERS[devices[0].kind]
    if provider not in machine.providers:
        return (
            f"this ONNX Runtime has no {provider}, it has {', '.join(machine.providers)}; install "
            "the build for GPUs: pip uninstall -y onnxruntime faiss-cpu && "
            "pip install 'bertine[gpu]'"
        )
    if devices[0].kind == "cpu":
        return ""
    if not machine.gpus:
        return machine.problem
    highest = max(device.index for device in devices)
    if highest >= len(machine.gpus):
        seen = ", ".join(f"{number} is {name}" for number, name in enumerate(machine.gpus))
        return f"there is no GPU {highest}; {seen}"
    return ""


def unfit(variant: Variant, kind: Kind) -> str:
    """Why a variant cannot run on a kind of device, and what can; "" if it can.

    ONNX Runtime would run operators that a GPU lacks on the CPU, and copy at each of them.
    """
    name = variant.name
    if variant.packed:
        return f"variant {name!r} is used beside its plain form; name that one"
    if variant.provider == kind or variant.precision == "fp32":
        return ""
    if kind == "cpu":
        return ""  # slower than need be, but right: every operator has a kernel there
    return f"variant {name!r} is made for {variant.provider}; name another, or auto"


def best_variant(manifest: Manifest, kind: Kind) -> str:
    """The fastest variant that is meant for a kind of device.

    Raises:
        ArtifactError: there is none.
    """
    for precision in _PREFERENCE[kind]:
        for variant in manifest.variants:
            if (variant.precision, variant.provider, variant.packed) == (precision, kind, False):
                return variant.name
    have = ", ".join(variant.name for variant in manifest.variants)
    raise ArtifactError(
        f"no variant of {manifest.name} is meant for device {kind!r}, it has: {have}; "
        f"{_export(kind)}"
    )


def _export(kind: Kind) -> str:
    variants = {"cpu": "fp32,int8", "cuda": "fp16,fp16-packed", "tensorrt": "int8-qdq"}[kind]
    return f"make one with bertine export --variants {variants}, or name a variant that runs there"


def packed_form(manifest: Manifest, name: str) -> str | None:
    """The variant that makes the same vectors from batches without padding, if there is one."""
    plain = manifest.variant(name)
    for variant in manifest.variants:
        if variant.packed and (variant.precision, variant.provider) == (
            plain.precision,
            plain.provider,
        ):
            return variant.name
    return None


def _automatic(variant: str, machine: Machine, manifest: Manifest) -> Choice:
    gpu = Device("cuda")
    if problem := missing((gpu,), machine):
        return _on_cpu(variant, manifest, problem)
    try:
        name = best_variant(manifest, "cuda") if variant == AUTO else variant
    except ArtifactError as error:
        return _on_cpu(variant, manifest, error.message)
    if problem := unfit(manifest.variant(name), "cuda"):
        return _on_cpu(variant, manifest, problem)
    return Choice((gpu,), name, f"{machine.gpus[0]} is there, and the model has {name} for it")


def _on_cpu(variant: str, manifest: Manifest, reason: str) -> Choice:
    name = best_variant(manifest, "cpu") if variant == AUTO else variant
    if problem := unfit(manifest.variant(name), "cpu"):
        raise ConfigError(f"device auto takes the CPU, as {reason}; but {problem}")
    return Choice((CPU,), name, reason)
