"""Raw messages and attachments on the disk: whole, or not there."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deskpost.storage import DurableFiles, Writing


@pytest.fixture
def files(tmp_path: Path) -> DurableFiles:
    return DurableFiles(location=tmp_path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_batch_is_there_once_it_has_finished(files: DurableFiles, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        writing = Writing(files, pool)
        for n in range(20):
            writing.add(f"20261127/{n}.eml", b"x" * n)
        writing.finish()
    assert len(names(tmp_path)) == 20
    assert files.open("20261127/7.eml").read() == b"x" * 7


def test_what_a_death_left_half_is_replaced(files: DurableFiles, tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "a.eml").write_bytes(b"half of")
    files.write_data("day/a.eml", b"half of it is not enough")
    assert files.open("day/a.eml").read() == b"half of it is not enough"
    assert names(tmp_path) == ["a.eml"]


@pytest.mark.parametrize("is_there", [False, True])
def test_what_cannot_be_written_leaves_nothing_behind(
    files: DurableFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    (tmp_path / "day").mkdir()
    if is_there:
        (tmp_path / "day" / "a.eml").write_bytes(b"as it was")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_data("day/a.eml", b"new")
    assert names(tmp_path) == (["a.eml"] if is_there else [])
    if is_there:
        assert (tmp_path / "day" / "a.eml").read_bytes() == b"as it was"
