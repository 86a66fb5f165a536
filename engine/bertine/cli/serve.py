"""`bertine serve`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from bertine.cli.durations import duration
from bertine.cli.serve_access import access_options
from bertine.cli.settings_file import config_option
from bertine.config import Limits, ServeConfig
from bertine.model import MakeEncoder, open_encoder
from bertine.serve import logs
from bertine.serve.server import Server, run

_DEFAULTS = ServeConfig(Path(), Path())
_LIMIT_NAMES = tuple(Limits.__dataclass_fields__)


def _limit_options(command: Any) -> Any:
    """One option for each of `Limits`."""
    texts = {
        "max_inputs": "Texts, items, ids or events in one call.",
        "max_text_bytes": "Bytes of one text.",
        "max_queries": "Queries in one Search.",
        "max_top_k": "Hits for one query.",
        "max_history": "Entries of one Recommend.",
        "max_message_bytes": "Bytes of one request.",
        "max_waiting_tokens": "Tokens waiting for the encoder; beyond them calls are refused.",
    }
    for name in reversed(_LIMIT_NAMES):
        flag = "--" + name.replace("_", "-")
        default = getattr(_DEFAULTS.limits, name)
        option = click.option(
            flag,
            type=click.IntRange(min=1),
            default=default,
            help=texts[name],
            show_envvar=True,
        )
        command = option(command)
    return command


@click.command()
@config_option
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    required=True,
    show_envvar=True,
    help="Folder that `bertine export` wrote.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    show_envvar=True,
    help="Folder of the catalog; made if it is not there.",
)
@click.option(
    "--listen",
    default=_DEFAULTS.listen,
    show_envvar=True,
    metavar="HOST:PORT",
    help="Where gRPC is answered; port 0 takes a free one.",
)
@click.option(
    "--transport",
    type=click.Choice(["grpc", "native"]),
    default=_DEFAULTS.transport,
    show_envvar=True,
    help="Which library carries gRPC; native costs less and needs bertine[native].",
)
@click.option(
    "--fronts",
    type=click.IntRange(min=0),
    default=_DEFAULTS.fronts,
    show_envvar=True,
    help="Processes that accept calls and tokenize for this one; 0 does it here.",
)
@click.option(
    "--metrics-listen",
    default=_DEFAULTS.metrics_listen,
    show_envvar=True,
    metavar="HOST:PORT",
    help="Where Prometheus metrics are answered, at /metrics; empty for nowhere.",
)
@access_options
@click.option(
    "--variant",
    default=_DEFAULTS.variant,
    show_envvar=True,
    help="Which graph of the model: auto, fp32, int8, fp16 ...",
)
@click.option(
    "--device",
    default=_DEFAULTS.device,
    show_envvar=True,
    help="What computes: auto, cpu, cuda, cuda:N, tensorrt or tensorrt:N; cuda:0,cuda:1 are "
    "replicas.",
)
@click.option(
    "--gpu-memory-mb",
    type=click.IntRange(min=0),
    default=_DEFAULTS.gpu_memory_mb,
    show_envvar=True,
    help="Mebibytes of a GPU for each of the encoder's sessions; 0 takes what there is.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=0),
    default=_DEFAULTS.threads,
    show_envvar=True,
    help="Threads of the encoder; 0 is one for each core.",
)
@click.option(
    "--spin/--no-spin",
    default=_DEFAULTS.spin,
    show_envvar=True,
    help="Let the encoder's threads spin while they run; switch off where other programs are busy.",
)
@click.option(
    "--cache-mb",
    type=click.IntRange(min=0),
    default=_DEFAULTS.cache_mb,
    show_envvar=True,
    help="Mebibytes for the vectors of texts that come again; 0 keeps none.",
)
@click.option(
    "--coalesce/--no-coalesce",
    default=_DEFAULTS.coalesce,
    show_envvar=True,
    help="Encode a text once that comes again while it is under way.",
)
@click.option(
    "--unresponsive-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=_DEFAULTS.unresponsive_seconds,
    show_envvar=True,
    help="How long a batch may run before health says NOT_SERVING.",
)
@click.option(
    "--hung-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=_DEFAULTS.hung_seconds,
    show_envvar=True,
    help="How long a batch may run before the process ends, to be started again, and how long a "
    "front may not answer.",
)
@click.option(
    "--reembed/--no-reembed",
    default=_DEFAULTS.reembed,
    show_envvar=True,
    help="Encode a collection again whose vectors another model made.",
)
@click.option(
    "--index-device",
    default=_DEFAULTS.index_device,
    show_envvar=True,
    help="What searches: cpu, cuda or cuda:N. What does not fit its memory stays on the CPU.",
)
@click.option(
    "--ivf-min-items",
    type=click.IntRange(min=1_000),
    default=_DEFAULTS.ivf_min_items,
    show_envvar=True,
    help="Smaller collections are searched exactly.",
)
@click.option(
    "--target-recall",
    type=click.FloatRange(min=0.5, max=0.99),
    default=_DEFAULTS.target_recall,
    show_envvar=True,
    help="Part of the ten best items that a trained index must find; `bertine tune` sets it for "
    "one collection.",
)
@click.option(
    "--repeated-share",
    type=click.FloatRange(min=0, max=1),
    default=_DEFAULTS.repeated_share,
    show_envvar=True,
    help="Of the searches, how many are repeated exactly in the background to measure recall; "
    "0 measures nothing.",
)
@click.option(
    "--event-ttl",
    type=duration,
    metavar="DURATION",
    show_envvar=True,
    help="Erase recorded events that are older, for example 365d.  [default: keep them]",
)
@click.option(
    "--learn-min-events",
    type=click.IntRange(min=1),
    default=_DEFAULTS.learn_min_events,
    show_envvar=True,
    help="Fewer events of a collection are not learned from.",
)
@click.option(
    "--learn-min-users",
    type=click.IntRange(min=1),
    default=_DEFAULTS.learn_min_users,
    show_envvar=True,
    help="What is popular in a place or on a device counts only with so many distinct users.",
)
@click.option(
    "--learn-pause-seconds",
    type=click.FloatRange(min=0),
    default=_DEFAULTS.learn_pause_seconds,
    show_envvar=True,
    help="Between two refreshes of what was learned, unless a user was deleted.",
)
@click.option(
    "--drain-seconds",
    type=click.FloatRange(min=0),
    default=_DEFAULTS.drain_seconds,
    show_envvar=True,
    help="How long calls under way may go on after SIGTERM.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_envvar=True,
    help="debug logs every call.",
)
@click.option(
    "--log-format",
    type=click.Choice(["console", "json"]),
    default="console",
    show_envvar=True,
    help="json writes one object a line.",
)
@_limit_options
@click.pass_obj
def serve(
    make_encoder: MakeEncoder | None,
    /,
    config: Path | None,  # noqa: ARG001 - read by its callback
    log_level: str,
    log_format: Any,
    **settings: Any,
) -> None:
    """Serve a model and a catalog over gRPC until SIGTERM.

    \b
    bertine serve --model model --data data --listen 127.0.0.1:50051

    Health (grpc.health.v1) says SERVING once everything is loaded and warm; reflection is on, so
    grpcurl needs no proto files. An option can also be an environment variable, or a key of the
    [serve] table of --config; the command line wins over the environment, that over the file.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    logs.configure(log_level, log_format)
    limits = Limits(**{name: settings.pop(name) for name in _LIMIT_NAMES})
    ready = ServeConfig(**settings, limits=limits)
    asyncio.run(run(ready, _announce, make_encoder or open_encoder))


def _announce(server: Server) -> None:
    host = server.config.listen.rpartition(":")[0]
    click.echo(f"bertine is serving on {host}:{server.port}")
