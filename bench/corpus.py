"""The mail of the benches: generated, seeded, the same for everyone who is measured.

60 % text with HTML of 5 to 40 KB, 20 % with attachments of 50 to 500 KB, 15 % replies to earlier
messages, 5 % automatic. One sender writes at most eight times: no loop threshold is met.
"""

from __future__ import annotations

import email.policy
import random
from email.message import EmailMessage
from pathlib import Path

WORDS = (
    *("printer", "label", "dock", "account", "password", "monday", "shipment", "screen"),
    *("invoice", "network", "slow", "badge", "calendar", "meeting", "laptop", "update"),
    *("error", "message", "window", "server", "folder", "shared", "access", "request"),
)
ADDRESS = "it@desk.test"


def write(folder: Path, count: int, seed: int = 1) -> int:
    """Write `count` messages as numbered .eml files; returns their bytes in all."""
    folder.mkdir(parents=True, exist_ok=True)
    chance, total = random.Random(seed), 0
    earlier: list[tuple[str, str, str]] = []  # sender, subject, Message-ID
    for number in range(count):
        message = _message(chance, number, earlier)
        data = message.as_bytes(policy=email.policy.SMTP)
        (folder / f"{number:06}.eml").write_bytes(data)
        total += len(data)
    return total


def _message(
    chance: random.Random, number: int, earlier: list[tuple[str, str, str]]
) -> EmailMessage:
    kind = chance.choices(("html", "files", "reply", "automatic"), (60, 20, 15, 5))[0]
    sender = f"person{number // 8}@customer{number // 8 % 50}.test"
    message = EmailMessage()
    message["Date"] = "Mon, 23 Nov 2026 09:00:00 +0000"
    message["Message-ID"] = f"<{number}.{chance.getrandbits(64):x}@customer.test>"
    message["To"] = ADDRESS
    answered = earlier[-1] if earlier and kind == "reply" else None
    if answered:
        sender, subject, answered_id = answered
        message["In-Reply-To"] = message["References"] = answered_id
        message["Subject"] = f"Re: {subject}"
    else:
        message["Subject"] = _words(chance, 6).capitalize()
    message["From"] = f"Person {number // 8} <{sender}>"
    if kind == "automatic":
        message["Auto-Submitted"] = "auto-replied"
    _fill(chance, message, kind, bool(answered))
    if kind in {"html", "files"}:
        earlier.append((sender, str(message["Subject"]), str(message["Message-ID"])))
    return message


def _fill(chance: random.Random, message: EmailMessage, kind: str, is_answer: bool) -> None:
    size = chance.randrange(5_000, 40_000) if kind in {"html", "files"} else 1_500
    text = "\n\n".join(_words(chance, 40) for _ in range(size // 500))
    if is_answer:
        text += "\n\nOn Mon, 23 Nov 2026 Agent wrote:\n> " + _words(chance, 30)
    message.set_content(text)
    if kind in {"html", "files"}:
        paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
        message.add_alternative(f"<html><body>{paragraphs}</body></html>", subtype="html")
    if kind == "files":
        data = chance.randbytes(chance.randrange(50_000, 500_000))
        message.add_attachment(data, maintype="image", subtype="png", filename="screen.png")


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, k=count))
