from collections.abc import Iterator

from bertine.cli.progress import PlainProgress


def test_plain_progress_is_a_line_every_few_seconds() -> None:
    clock: Iterator[float] = iter([0.0, 1.0, 6.0, 7.0, 12.0])
    lines: list[str] = []
    report = PlainProgress(200, "items", clock.__next__, lines.append)
    for position in (10, 50, 60, 200):
        report(position, position * 10)
    assert lines == [" 25%  500 items  83/s", "100%  2,000 items  167/s"]
