"""The readers, on made-up files of the real files' forms."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from benchmarks import data
from benchmarks.data import DataAbsentError, Gloss, Pair

ABSTRACTS = ".I 1\n.T\nof wings\nand air .\n.A\nx\n.B\ny\n.W\nwings  lift .\n.I 2\n.T\n.A\n.B\n.W\n"


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def test_glosses_have_ids_of_their_own(tmp_path: Path) -> None:
    put(tmp_path / "wordnet" / "glosses.tsv.gz", "n1\ta, b c\tfirst\na1\tx\tyes\na1\ty\tno\n")
    assert data.glosses(tmp_path, 1) == [Gloss("n1", ("a", "b c"), "first")]
    assert [gloss.id for gloss in data.glosses(tmp_path)] == ["n1", "a1", "a1-2"]


def test_a_quote_in_an_sts_sentence_is_a_character(tmp_path: Path) -> None:
    row = 'main\tfile\t2012\t7\t2.600\t"Go, he said\tHe said: "go"\n'
    put(tmp_path / "sts_benchmark" / "sts-dev.csv.gz", row)
    assert data.sts_pairs(tmp_path, "dev") == [Pair(2.6, '"Go, he said', 'He said: "go"')]


def test_cranfield_judges_by_ordinal_and_drops_minus_one(tmp_path: Path) -> None:
    put(tmp_path / "cranfield" / "cran.all.1400.gz", ABSTRACTS)
    put(tmp_path / "cranfield" / "cran.qry", ".I 001\n.W\nwhat\nlifts .\n.I 004\n.W\nwhy .\n")
    put(tmp_path / "cranfield" / "cranqrel", "1 2 4 \n2 1 1\n2 2 -1\n")
    read = data.cranfield(tmp_path)
    assert read.documents == {"1": "of wings and air . wings lift .", "2": ""}
    assert read.queries == ["what lifts .", "why ."]
    assert read.relevant == [frozenset({"2"}), frozenset({"1"})]


def test_queries_come_once_and_from_all_files(tmp_path: Path) -> None:
    folder = tmp_path / "queries"
    put(folder / "clinc150_data_full.json.gz", '{"val": [["hi", "x"]], "test": [["ho ", "y"]]}')
    put(folder / "banking77_train.csv.gz", 'text,category\n"card, lost?",a\nhi,b\n')
    put(folder / "msmarco_dev_small_6980.tsv.gz", "7\twhat is x\n")
    assert data.short_queries(tmp_path) == ["hi", "ho", "card, lost?", "what is x"]


def test_absent_data_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTINE_DATA", str(tmp_path / "none"))
    with pytest.raises(DataAbsentError, match="none is no folder; set BERTINE_DATA"):
        data.folder()
    with pytest.raises(DataAbsentError, match=r"glosses\.tsv\.gz is missing"):
        data.glosses(tmp_path)


def test_a_trace_is_seconds_since_its_first_arrival(tmp_path: Path) -> None:
    rows = "TIMESTAMP,ContextTokens\n2023-11-16 18:17:05.5000000,1\n2023-11-16 18:17:03.2500000,2\n"
    put(tmp_path / "traces" / "AzureLLMInferenceTrace_code.csv.gz", rows)
    assert data.arrivals(tmp_path, "code").tolist() == [0.0, 2.25]
