"""A trained part survives a restart, or is thrown away: it is never half believed."""

import json
from pathlib import Path

import numpy as np
import pytest

from bertine.errors import StorageError
from bertine.index import snapshot
from bertine.index.checksums import digests
from bertine.index.filters import AllOf, Exists, OneOf, Range
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.index.saved import remove_unknown
from bertine.index.snapshot import Home, OtherSnapshot
from bertine.types import Item, Matrix

POLICY = Policy(ivf_min_items=1_000)
DIMENSIONS = 16
COUNT = 1_500
ONE = np.eye(1, DIMENSIONS, dtype=np.float32)


def vectors(count: int = COUNT) -> Matrix:
    rows = np.random.default_rng(0).normal(size=(count, DIMENSIONS)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def items(version: int = 1) -> list[Item]:
    return [
        Item(
            f"item-{number}",
            attributes={"n": number, "tags": ("a", "b"), "half": 0.5, "even": number % 2 == 0},
            available_until=1e9 if number == 7 else None,
            version=version,
        )
        for number in range(COUNT)
    ]


@pytest.fixture
def saved(tmp_path: Path) -> Home:
    home = Home(tmp_path / "index" / "1", "f" * 64)
    index = LiveIndex(DIMENSIONS, POLICY, home)
    index.upsert(items(), vectors(), 1)
    index.rebuild()
    assert index.unsaved
    index.save()
    return home


def batched(versions: dict[str, int], size: int = 400) -> list[list[str]]:
    ids = list(versions)
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def restored(home: Home, versions: dict[str, int]) -> tuple[LiveIndex, list[str]]:
    index = LiveIndex(DIMENSIONS, POLICY, home)
    pages = [(part, np.array([versions[one] for one in part])) for part in batched(versions)]
    return index, index.restore(lambda: pages, max(versions.values()))


def test_a_restart_finds_everything_without_training(saved: Home) -> None:
    index, missing = restored(saved, {item.id: 1 for item in items()})
    assert missing == []
    assert index.status().kind.startswith("IVF")
    assert (len(index), index.status().dead) == (COUNT, 0)
    [found] = index.search(vectors()[7:8], Request(3, now=0.0))
    assert found.hits[0].id == "item-7"
    [later] = index.search(vectors()[7:8], Request(3, now=2e9))
    assert later.hits[0].id != "item-7"
    assert index.attributes("item-7") == items()[7].attributes


def test_what_changed_since_is_asked_for_and_what_was_deleted_is_gone(saved: Home) -> None:
    versions = {item.id: 1 for item in items()}
    del versions["item-3"]
    versions |= {"item-5": 9, "new": 8}
    index, missing = restored(saved, versions)
    assert set(missing) == {"item-5", "new"}
    index.upsert([Item("item-5", version=9), Item("new", version=8)], vectors()[:2], 9)
    [found] = index.search(vectors()[3:4], Request(COUNT + 9))
    names = [hit.id for hit in found.hits]
    assert len(names) == len(set(names)) == COUNT
    assert "item-3" not in names
    assert index.status().dead == 2


@pytest.mark.parametrize(
    "file",
    [
        *("vectors.f32", "ids.bin", "attributes.bin", "columns.bin", "times.npy"),
        *("main.faiss", "manifest.json"),
    ],
)
def test_a_flipped_byte_anywhere_makes_it_worthless(saved: Home, file: str) -> None:
    path = next(saved.folder.glob(f"*/{file}"))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0x11
    path.write_bytes(raw)
    with pytest.raises(StorageError, match="cannot be read"):
        snapshot.load(saved.folder, saved.fingerprint)
    index, missing = restored(saved, {item.id: 1 for item in items()})
    assert len(missing) == COUNT
    assert index.status().kind == "exact"


def test_another_model_or_no_snapshot(saved: Home, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="another model"):
        snapshot.load(saved.folder, "0" * 64)
    with pytest.raises(StorageError, match="no snapshot"):
        snapshot.load(tmp_path / "nothing", saved.fingerprint)


def test_a_new_generation_replaces_the_old_one_and_a_failed_one_does_not(
    saved: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, _ = restored(saved, {item.id: 1 for item in items()})
    index.rebuild()
    index.save()
    assert len([entry for entry in saved.folder.iterdir() if entry.is_dir()]) == 1
    before = (saved.folder / "CURRENT").read_text()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    index.rebuild()
    index.save()
    assert (saved.folder / "CURRENT").read_text() == before
    assert snapshot.load(saved.folder, saved.fingerprint).segment.count == COUNT


def test_snapshots_of_deleted_collections_are_removed(saved: Home) -> None:
    root = saved.folder.parent
    remove_unknown(root, {1})
    assert saved.folder.is_dir()
    remove_unknown(root, {2})
    assert not saved.folder.exists()


def test_a_tuning_and_the_columns_in_use_survive_a_restart(saved: Home) -> None:
    first, _ = restored(saved, {item.id: 1 for item in items()})
    first.target_recall = 0.8
    first.quality.queries.add(vectors()[:300])
    first.rebuild()
    odd = Request(COUNT, filter=OneOf("even", (False,)))
    expected = first.search(vectors()[:1], odd)
    first.save()
    second, _ = restored(saved, {item.id: 1 for item in items()})
    assert second._state.main.columns.names() == ["even"]
    assert second.search(vectors()[:1], odd)[0].ids == expected[0].ids
    assert (second.target_recall, second.status().tuned_on) == (0.8, 300)
    before, after = first.status(), second.status()
    assert (before.kind, before.nprobe, before.refine, before.tuned_on) == (
        *(after.kind, after.nprobe, after.refine, after.tuned_on),
    )


def test_a_saved_index_and_a_restarted_one_read_no_row_for_a_filter(saved: Home) -> None:
    index, _ = restored(saved, {item.id: 1 for item in items()})
    node = AllOf((OneOf("tags", ("b",)), Range("n", (("gte", 9), ("lt", 12))), Exists("half")))
    index.upsert([Item("new", attributes={"n": 9, "tags": ("b",), "half": 1}, version=2)], ONE, 2)
    for _ in range(2):
        main = index._state.main
        assert main.columns.matching(node, [], COUNT).nonzero()[0].tolist() == [9, 10, 11]
        [found] = index.search(ONE, Request(9, filter=node))
        assert set(found.ids) == {"item-9", "item-10", "item-11", "new"}
        index.rebuild()
        index.save()
    assert set(index._state.main.columns.names()) == {"tags", "n", "half"}


def test_an_index_that_was_saved_lies_in_its_files_and_changes_go_on(saved: Home) -> None:
    index, _ = restored(saved, {item.id: 1 for item in items()})
    for round_ in range(3):
        index.delete([f"item-{round_}"], 10 + round_)
        index.upsert([Item(f"new-{round_}", version=20 + round_)], vectors()[:1], 20 + round_)
        index.rebuild()
        index.save()
        assert not index._state.main.vectors.flags.writeable
    [found] = index.search(vectors()[:1], Request(COUNT + 9))
    expected = {f"item-{n}" for n in range(3, COUNT)} | {f"new-{n}" for n in range(3)}
    assert set(found.ids) == expected
    assert index.attributes("item-7") == items()[7].attributes


@pytest.mark.parametrize("first", [True, False])
def test_a_failed_save_leaves_nothing_behind(
    first: bool,  # noqa: FBT001 - a parameter
    saved: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = Home(tmp_path / "new" / "1", "f" * 64) if first else saved
    before = sorted(entry.name for entry in home.folder.glob("*"))
    kept = saved.load(threads=1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bertine.index.saved._make_current", full)
    with pytest.raises(StorageError, match="No space left"):
        home.save(kept.segment, kept.ivf)
    assert sorted(entry.name for entry in home.folder.glob("*")) == before


def test_a_snapshot_in_an_older_layout_is_told_from_a_damaged_one(saved: Home) -> None:
    name = (saved.folder / "CURRENT").read_text().split()[0]
    manifest = saved.folder / name / "manifest.json"
    manifest.write_text(json.dumps({"layout": 2, "fingerprint": saved.fingerprint, "kind": "IVF"}))
    [digest] = digests([manifest], 1).values()
    (saved.folder / "CURRENT").write_text(f"{name} {digest}")
    with pytest.raises(OtherSnapshot, match="another version"):
        saved.load(threads=1)
