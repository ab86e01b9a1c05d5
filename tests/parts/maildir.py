"""Maildirs, written and read behind their server's back."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from imapclient import imap_utf7

from tests.parts.process import Account

_numbers = itertools.count(1)
READING_TRIES = 20


def folder_of(inbox: Path, name: str) -> Path:
    """Return where the folder `name` lies, whose parts are parted by "/"."""
    if name.upper() == "INBOX":
        return inbox
    encoded: str = imap_utf7.encode(name).decode()
    return inbox / ("." + encoded.replace("/", "."))


def names(inbox: Path) -> list[str]:
    """Return the names of all folders, INBOX first and the others sorted."""
    found = [path.name[1:] for path in inbox.glob(".*") if (path / "cur").is_dir()]
    return ["INBOX", *sorted(imap_utf7.decode(n.replace(".", "/").encode()) for n in found)]


def fill(inbox: Path, messages: Iterator[bytes], account: Account) -> None:
    """Put messages there, in their order, each whole at once."""
    folders = [inbox, *(inbox / name for name in ("tmp", "new", "cur"))]
    for path in folders:
        if not path.is_dir():
            path.mkdir(parents=True)
            account.own(path)
    begun = time.time_ns() // 1000
    for place, message in enumerate(messages):
        # The server sorts by seconds and microseconds; a size in the name saves it a reading.
        seconds, micro = divmod(begun + place, 1_000_000)
        unique = f"M{micro:06}P{os.getpid()}Q{next(_numbers)}"
        name = f"{seconds}.{unique}.test,S={len(message)}"
        path = inbox / "tmp" / name
        path.write_bytes(message)
        account.own(path)
        path.rename(inbox / "new" / name)


def messages(folder: Path) -> list[bytes]:
    """Return what lies in a folder, in the order of arrival."""
    for _ in range(READING_TRIES):
        # The server renames a file when it marks a message.
        with suppress(FileNotFoundError):
            files = [path for part in ("new", "cur") for path in (folder / part).glob("*")]
            return [path.read_bytes() for path in sorted(files, key=_arrival)]
        time.sleep(0.05)
    raise TimeoutError(f"{folder} does not come to rest")


def forget_numbers(folder: Path) -> None:
    """Have the server number the messages anew; it must not run meanwhile."""
    for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.cache", "dovecot.index.log"):
        (folder / name).unlink(missing_ok=True)


def letter(number: int) -> bytes:
    """Return a small message that differs from the others."""
    lines = (
        "From: Ann <ann@x.test>",
        "To: support@desk.test",
        f"Subject: Letter {number}",
        f"Message-ID: <letter-{number}@x.test>",
        "Date: Mon, 5 Oct 2026 09:00:00 +0000",
        "",
        f"This is letter {number}.",
        "",
    )
    return "\r\n".join(lines).encode()


Make = Callable[[int], bytes]


def _arrival(path: Path) -> tuple[int, int, str]:
    seconds, _, rest = path.name.partition(".")
    micro = rest[1:7] if rest.startswith("M") else "0"
    digits = "".join(c for c in micro if c.isdigit())
    return int(seconds), int(digits or 0), rest
