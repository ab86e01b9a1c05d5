"""The corpus: its messages, and what each source says of them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One message. `kind` is rfc822, mbox, body-text, html-fragment or table-json."""

    source: str
    file: str
    kind: str
    path: Path
    entry: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name in tables and in DELIBERATE: source/file."""
        return f"{self.source}/{self.path.name}"

    @property
    def expect(self) -> dict[str, Any]:
        """What upstream expects, by fact; empty where it says nothing."""
        found: dict[str, Any] = self.entry.get("expect") or {}
        return found

    @property
    def cases(self) -> list[dict[str, Any]]:
        """What each of upstream's tests expects, with that test's settings."""
        found: list[dict[str, Any]] = self.entry.get("expect_cases") or []
        return found

    @property
    def category(self) -> str:
        return str(self.entry.get("category", ""))

    def raw(self) -> bytes:
        return self.path.read_bytes()

    def text(self) -> str:
        """A body-text or html-fragment as text."""
        return self.raw().decode("utf-8", "replace")


def folder() -> Path:
    """Return the corpus's folder, or end with what to do."""
    named = os.environ.get("DESKPOST_CORPUS", "")
    if not named:
        sys.exit("Set DESKPOST_CORPUS to the folder of the mail corpus; it is no part of Deskpost.")
    path = Path(named)
    if not any(path.glob("*/index.json")):
        sys.exit(f"DESKPOST_CORPUS names {named}, which has no */index.json: it is no mail corpus.")
    return path


def load(root: Path) -> Iterator[Item]:
    """Yield every message of every source, in a constant order."""
    for index in sorted(root.glob("*/index.json")):
        for entry in json.loads(index.read_text("utf-8"))["files"]:
            yield Item(
                source=index.parent.name,
                file=entry["file"],
                kind=entry["kind"],
                path=index.parent / entry["file"],
                entry=entry,
            )
