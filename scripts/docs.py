"""Write docs/settings.md and docs/reasons.md from the code; a test compares them with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deskpost.settings")

import django

django.setup()

from django.utils import translation  # noqa: E402

from deskpost import config, outcomes  # noqa: E402

DOCS = Path(__file__).parents[1] / "docs"


def settings_page() -> str:
    """Return the text of docs/settings.md."""
    rows = [
        f"| `{s.name}` | {_code(s.default)} | {s.help} | `{s.example}` |" for s in config.SETTINGS
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            "All settings are environment variables. A wrong value, or a name that is not in this",
            "list, stops the start with a sentence that says what to do.",
            "",
            "| variable | default | what it does | example |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _code(value: str) -> str:
    return f"`{value}`" if value else "(empty)"


def reasons_page() -> str:
    """Return the text of docs/reasons.md."""
    notifications = (
        _row(outcomes.NotificationStatus.FAILED, code, account)
        for code, account in outcomes.REASONS.items()
    )
    withheld = (
        _row(outcomes.NotificationStatus.WITHHELD, code, account)
        for code, account in outcomes.WITHHELD.items()
    )
    incoming = (_row(account.status, code, account) for code, account in outcomes.OUTCOMES.items())
    return "\n".join(
        [
            "# Outcomes and reasons",
            "",
            "What the Email logs say, what it means, and what to do.",
            *_table("Why a notification failed or was withheld", [*notifications, *withheld]),
            *_table("What became of an incoming message", incoming),
            "",
        ]
    )


def _table(title: str, rows: Iterable[str]) -> list[str]:
    head = ["| status | words | 日本語 | what it means | what to do |", "|---|---|---|---|---|"]
    return ["", f"## {title}", "", *head, *rows]


def _row(status: str, code: str, account: outcomes.Account) -> str:
    with translation.override("en"):
        english = f"{account.words} | {{ja}} | {account.meaning} | {account.remedy}"
    with translation.override("ja"):
        japanese = str(account.words)
    return f"| {status.title()} | {english.replace('{ja}', japanese)} |"


PAGES = {"settings.md": settings_page, "reasons.md": reasons_page}


def main() -> None:
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), "utf-8")
        sys.stdout.write(f"docs/{name}\n")


if __name__ == "__main__":
    main()
