"""The main job on a small real catalog: import, search, recommend with reasons, measure.

    python examples/books/demo.py build/model

Starts a server of its own on a free port, uses it through the public client and command line, and
stops it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bertine.client import Client, Found, HistoryEntry
from bertine.testing import ServerProcess

HERE = Path(__file__).resolve().parent
BOOKS = HERE / "books.jsonl"
HISTORIES = HERE / "histories.jsonl"
COLLECTION = "books"
TEMPLATE = "{genre}: {subjects}. {blurb}"
READERS = ("reader-02", "reader-05", "reader-11")
# What an abandoned book says about the next one, and how slowly a taste in books fades.
EVENT_WEIGHTS = {"liked": 1.5, "finished": 1.0, "abandoned": -0.3}
HALF_LIFE = 4.0

SEARCHES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("obsession with a whale", {}),
    ("why people misjudge probabilities and money", {}),
    ("murder on a snowbound train", {}),
    ("a robot that learns to be human", {"year": {"gte": 1950}, "genre": "science fiction"}),
)

console = Console(width=100)


def main() -> None:
    """Run the demonstration; exit code 0 when everything was answered."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="folder that `bertine export` wrote")
    model = parser.parse_args().model
    with tempfile.TemporaryDirectory(prefix="bertine-demo-") as data:
        started = time.perf_counter()
        # Without the cache: the latencies at the end repeat one text, and should be the encoder's.
        server_process = ServerProcess(model, Path(data) / "data", "--cache-mb", "0")
        with server_process as server, server.client() as client:
            title(f"A server is up on {server.target} after {time.perf_counter() - started:.1f} s")
            import_books(server.target)
            for query, conditions in SEARCHES:
                show_search(client, query, conditions)
            titles = {
                item.id: str(item.attributes["title"]) for item in client.list_items(COLLECTION)
            }
            for history in read_lines(HISTORIES):
                if history["reader"] in READERS:
                    show_recommendation(client, history, titles)
            show_user(client, titles)
            show_latencies(client)
            code = server.stop()
    title(f"The server drained and stopped with exit code {code}")
    sys.exit(code)


def title(text: str) -> None:
    """A line that starts a step."""
    console.print(f"\n[bold]{text}[/bold]")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def import_books(target: str) -> None:
    """What a user would type."""
    options = ["--collection", COLLECTION, "--template", TEMPLATE, "--target", target]
    title(f"bertine import books.jsonl --collection {COLLECTION} --template '{TEMPLATE}'")
    command = [sys.executable, "-m", "bertine", "import", str(BOOKS), *options]
    subprocess.run(command, check=True)  # noqa: S603 - our own program


def show_search(client: Client, query: str, conditions: dict[str, Any]) -> None:
    """A search and its hits."""
    where = f"  where {conditions}" if conditions else ""
    title(f"Search: {query!r}{where}")
    hits = client.search(COLLECTION, query, top_k=3, filter=conditions or None, include_items=True)
    console.print(table(("score", "book", "about"), map(search_row, hits)))


def search_row(hit: Found) -> tuple[str, str, str]:
    """One hit of a search."""
    return f"{hit.score:.3f}", book_line(hit), attribute(hit, "blurb")


def book_line(hit: Found) -> str:
    """Title, author and year."""
    return f"{attribute(hit, 'title')}, {attribute(hit, 'author')} ({attribute(hit, 'year')})"


def attribute(hit: Found, name: str) -> str:
    """An attribute of a hit's item, as text."""
    return "" if hit.item is None else str(hit.item.attributes.get(name, ""))


def show_recommendation(client: Client, history: dict[str, Any], titles: dict[str, str]) -> None:
    """A reader's history and what follows from it, with reasons."""
    title(f"{history['reader']}: {history['taste']}")
    entries = [history_entry(event) for event in history["events"]]
    for entry in entries:
        console.print(f"  {entry.event_type:>9}  {titles[entry.item_id]}")
    hits = client.recommend(
        COLLECTION,
        history=entries,
        top_k=4,
        explain=True,
        include_items=True,
        position_half_life=HALF_LIFE,
        event_weights=EVENT_WEIGHTS,
    )
    rows = ((f"{hit.score:.3f}", book_line(hit), because(hit, titles)) for hit in hits)
    console.print(table(("score", "recommended", "because of"), rows))


def history_entry(event: dict[str, Any]) -> HistoryEntry:
    """An event of the file as an entry of a history."""
    moment = datetime.fromisoformat(event["time"]).timestamp()
    return HistoryEntry(item_id=event["id"], event_type=event["type"], time=moment)


def because(hit: Found, titles: dict[str, str]) -> str:
    """The three books that carried a hit, with their exact shares of its score."""
    return "\n".join(f"{part.share:4.0%} {titles[part.item_id]}" for part in hit.reasons[:3])


def show_user(client: Client, titles: dict[str, str]) -> None:
    """Events recorded for a user, used by the user's id alone, and forgotten."""
    title("A user's recorded events: two books, then a recommendation by user id, then forgotten")
    events = [{"user": "ada", "item_id": id_} for id_ in ("dune", "arabian-sands")]
    recorded = client.record_events(COLLECTION, events)
    hits = client.recommend(COLLECTION, user="ada", top_k=3, explain=True, include_items=True)
    rows = ((f"{hit.score:.3f}", book_line(hit), because(hit, titles)) for hit in hits)
    console.print(table(("score", "recommended", "because of"), rows))
    deleted = client.delete_user("ada")
    console.print(
        f"  recorded {recorded} events, deleted {deleted}; users are stored as keyed hashes"
    )


def show_latencies(client: Client, calls: int = 200) -> None:
    """Milliseconds of single calls, seen by one client on this machine."""
    title(f"Latency of {calls} calls each, one client, milliseconds")
    text = "an old man and the sea"
    history = ["dune", "foundation", "the-martian"]
    kinds: tuple[tuple[str, Callable[[], object]], ...] = (
        ("Embed, one short text", lambda: client.embed([text])),
        ("Search, one short text", lambda: client.search(COLLECTION, text)),
        ("SimilarItems", lambda: client.similar(COLLECTION, "dune")),
        ("Recommend, 3 known items", lambda: client.recommend(COLLECTION, history=history)),
    )
    rows = ((name, *percentiles(call, calls)) for name, call in kinds)
    console.print(table(("call", "p50", "p90", "p99"), rows))


def percentiles(call: Callable[[], object], calls: int) -> list[str]:
    """p50, p90 and p99 in milliseconds, after a warm-up."""
    seconds = []
    for number in range(calls + 20):
        started = time.perf_counter()
        call()
        if number >= 20:  # noqa: PLR2004 - the warm-up
            seconds.append(time.perf_counter() - started)
    return [f"{value * 1e3:.2f}" for value in np.percentile(seconds, (50, 90, 99))]


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """A table for reading."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


if __name__ == "__main__":
    main()
