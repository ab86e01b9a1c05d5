"""The site's keys: made at the first start in the data folder, mode 0600, and never printed."""

import os
import secrets
from pathlib import Path


def load(folder: Path, name: str) -> bytes:
    """Return the key of that name (32 bytes), making it if there is none.

    Two processes that start together agree: the file is linked into place, and the first wins.
    """
    file = folder / name
    if not file.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(file)
    return bytes.fromhex(file.read_text("ascii").strip())


def _make(file: Path) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_hex(32) + "\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, file)
        except FileExistsError:
            return
    finally:
        draft.unlink()
