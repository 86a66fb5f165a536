import json
from collections.abc import Iterator
from typing import Any

import pytest

from bertine.client import Client, Item

NAME = "queried"
ITEMS: list[Item | dict[str, Any]] = [
    {"id": "dune", "title": "Dune", "year": 1965, "text": "A desert planet and its spice"},
    {"id": "hyperion", "title": "Hyperion", "year": 1989, "text": "Pilgrims on a far planet"},
    {"id": "emma", "name": "Emma", "year": 1815, "text": "A matchmaker in an English village"},
    {"id": "odd", "title": "[red]\x1b[31mOdd\ntitle", "text": "Planets in a far galaxy"},
    {"id": "plain", "text": "Spice merchants sail to the Indies " + "and back again " * 10},
]


@pytest.fixture(scope="module", autouse=True)
def queried(server: Any) -> Iterator[None]:
    with server.client() as client:
        client.create_collection(NAME)
        client.upsert(NAME, ITEMS)
        yield
        client.delete_collection(NAME)


def test_search_shows_a_table(cli: Any) -> None:
    ran = cli("search", NAME, "a", "desert", "planet", "--top-k", 2)
    header, first, *others = ran.out.splitlines()
    assert (ran.code, header.split()) == (0, ["rank", "score", "id", "title"])
    assert first.split()[0] == "1"
    assert first.split()[2:] == ["dune", "Dune"]
    assert len(others) == 1


def test_titles_are_the_name_or_the_texts_beginning_and_harmless(cli: Any) -> None:
    out = cli("search", NAME, "planet").out
    assert [line.split()[2:] for line in out.splitlines() if "emma" in line] == [["emma", "Emma"]]
    assert "Spice merchants sail to the Indies and back again" in out
    assert "…" in out
    assert "[red] [31mOdd title" in out
    assert "\x1b" not in out


def test_json_is_an_object_a_line(cli: Any) -> None:
    lines = cli("search", NAME, "desert planet", "--json").out.splitlines()
    hits = [json.loads(line) for line in lines]
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4, 5]
    assert hits[0]["id"] == "dune"
    assert hits[0]["attributes"] == {"title": "Dune", "year": 1965}
    assert hits[0]["score"] > hits[1]["score"]


def test_filters_and_the_least_score(cli: Any) -> None:
    ran = cli("search", NAME, "planet", "--filter", "year>=1815", "--filter", "year<1989", "--json")
    assert {json.loads(line)["id"] for line in ran.out.splitlines()} == {"dune", "emma"}
    ran = cli("search", NAME, "planet", "--filter", "year>3000", "--min-score", 0.1)
    assert ran.code == 0
    assert ran.out == "nothing found in collection 'queried'; loosen --filter or --min-score\n"


def test_similar_leaves_the_item_out(cli: Any) -> None:
    ran = cli("similar", NAME, "dune", "--json")
    assert len(ran.out.splitlines()) == 4
    assert '"id": "dune"' not in ran.out
    assert "NOT_FOUND" in cli("similar", NAME, "nobody").err


def test_recommend_says_why_by_title(cli: Any) -> None:
    ran = cli("recommend", NAME, "dune", "hyperion", "--text", "sailing ships")
    assert ran.code == 0
    assert ran.out.splitlines()[0].split() == ["rank", "score", "id", "title", "because"]
    [merchants] = [line for line in ran.out.splitlines() if "Spice merchants" in line]
    assert "% “sailing ships”" in merchants
    assert "% Dune" in ran.out
    assert " dune" not in ran.out


def test_recommend_options(cli: Any) -> None:
    ran = cli("recommend", NAME, "dune", "--include-seen", "--no-explain", "--half-life", 5)
    assert "because" not in ran.out
    assert "1.000  dune" in ran.out
    hit = json.loads(cli("recommend", NAME, "dune", "--json", "--top-k", 1).out)
    assert hit["because"] == [
        {"item_id": "dune", "score": pytest.approx(hit["score"], abs=1e-5), "share": 1.0}
    ]


def test_recommend_by_rules(cli: Any) -> None:
    options = ("--diversity", 0.3, "--cap", "none=1", "--exploration", 0.5, "--seed", 3, "--json")
    ran = cli("recommend", NAME, "dune", "--channel", "content=2", "--interests", 1, *options)
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert {row["source"] for row in rows} <= {"personal", "exploration"}
    scores = [pytest.approx(row["score"], abs=1e-5) for row in rows]  # float32, to six digits
    assert [row["channels"] for row in rows] == [{"content": score} for score in scores]
    assert cli("recommend", NAME, "dune", "--cap", "none").code == 2


def test_recommend_for_a_users_events(cli: Any, client: Client) -> None:
    client.record_events(NAME, [{"user": "ada", "item_id": "hyperion"}])
    try:
        ran = cli("recommend", NAME, "--user", "ada")
        assert "100 % Hyperion" in ran.out
    finally:
        client.delete_user("ada")


def test_items_that_are_not_there_are_named(cli: Any) -> None:
    ran = cli("recommend", NAME, "dune", "nobody")
    assert (ran.code, ran.err) == (0, "bertine: collection 'queried' has no item 'nobody'\n")
    ran = cli("recommend", NAME, "nobody")
    assert (ran.code, ran.out) == (0, "nothing found in collection 'queried'\n")


def test_recommend_for_nothing_is_a_usage_error(run: Any) -> None:
    ran = run("recommend", NAME)
    assert ran.code == 2
    assert "Give at least one ITEM_ID, --user or --text" in ran.err


def test_a_malformed_filter_is_a_usage_error(run: Any) -> None:
    ran = run("search", NAME, "x", "--filter", "year")
    assert ran.code == 2
    assert "'year' is no condition; write for example year>=1900" in ran.err


@pytest.mark.parametrize(
    "command", [("search", NAME, "x"), ("similar", NAME, "x"), ("recommend", NAME, "x")]
)
def test_no_server_is_told_with_what_to_do(run: Any, command: tuple[str, ...]) -> None:
    ran = run(*command, "--target", "127.0.0.1:1")
    assert ran.code == 1
    assert ran.err == (
        "bertine: no server answers at 127.0.0.1:1 (without TLS, see --ca); start one with: "
        "bertine serve --model MODEL --data DATA --listen 127.0.0.1:1\n"
    )


def test_an_unknown_collection_is_one_line(cli: Any) -> None:
    ran = cli("search", "nowhere", "x")
    assert ran.code == 1
    assert ran.err.startswith("bertine: NOT_FOUND: collection 'nowhere' does not exist")
    assert len(ran.err.splitlines()) == 1


def test_a_target_that_is_no_address_is_refused(run: Any) -> None:
    ran = run("search", NAME, "x", "--target", "localhost")
    assert (ran.code, "write HOST:PORT" in ran.err) == (1, True)
