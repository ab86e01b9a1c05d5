"""Lists of senders: addresses, `domain` and `*.domain`, a line each."""

from __future__ import annotations

import re

from deskpost.mail.domains import ascii_domain, normalise

_BETWEEN = re.compile(r"[\s,;]+")


def entries(text: str) -> list[str]:
    """Return the entries of a list, each once, in their order."""
    return list(dict.fromkeys(entry for entry in _BETWEEN.split(text) if entry))


def matching(text: str, sender: str) -> str | None:
    """Return the first entry of the list that matches the address, as it is written there.

    `domain` (or `@domain`) matches its own addresses, `*.domain` those of everything below it.
    """
    key = normalise(sender)
    domain = key.rpartition("@")[2]
    if not domain:
        return None
    for entry in entries(text):
        wanted = normalise(entry.removeprefix("@"))
        if wanted in {key, domain} and wanted:
            return entry
        if wanted.startswith("*.") and domain.endswith(wanted[1:]):
            return entry
    return None


def is_entry(entry: str) -> bool:
    """Whether it could match anything: an address, a domain, or `*.` and a domain."""
    local, at, domain = entry.rpartition("@")
    if at and local and ("@" in local or "*" in local):
        return False
    name = domain.removeprefix("*.") if not local else domain
    written = ascii_domain(name)
    return bool(written and "." in written and "*" not in name and not written.endswith("."))
