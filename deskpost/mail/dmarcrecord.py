"""What a domain publishes as its DMARC policy, and which domains belong together (RFC 7489)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from publicsuffixlist import PublicSuffixList

from deskpost.mail.tags import read_tags

MAX_RECORD: Final = 4_096  # octets of one record that are read

_POLICIES: Final = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A policy record: `policy` is that of the domain itself, `subdomains` that of those below.

    `percent` is what pct= says; `testing` whether the domain asks for the next weaker policy
    (pct=0, or t=y of the successor of RFC 7489).
    """

    text: str
    policy: str
    subdomains: str
    strict_dkim: bool
    strict_spf: bool
    percent: int
    testing: bool


def read_record(texts: Iterable[bytes]) -> Record | None:
    """The policy among the TXT records of a `_dmarc` name, or None (RFC 7489, section 6.6.3).

    Two policies are none. One without a valid p=, or with an sp= that is not valid, counts as
    p=none where it asks for reports, and not at all elsewhere. Never raises.
    """
    found = [text for text in map(_text, texts) if _is_policy(text)]
    if len(found) != 1:
        return None
    tags = read_tags(found[0])
    return _record(found[0], tags) if tags else None


def _text(data: bytes) -> str:
    return data[:MAX_RECORD].decode("ascii", "replace").strip()


def _is_policy(text: str) -> bool:
    name, _, value = text.partition(";")[0].partition("=")
    return name.strip() == "v" and value.strip() == "DMARC1"


def _record(text: str, tags: dict[str, str]) -> Record | None:
    policy = tags.get("p", "").lower()
    below = tags.get("sp", policy).lower()
    if policy not in _POLICIES or below not in _POLICIES:
        if not tags.get("rua", "").lower().startswith("mailto:"):
            return None
        policy = below = "none"
    percent = _percent(tags.get("pct", ""))
    return Record(
        text=text,
        policy=policy,
        subdomains=below,
        strict_dkim=tags.get("adkim", "").lower() == "s",
        strict_spf=tags.get("aspf", "").lower() == "s",
        percent=percent,
        testing=percent == 0 or tags.get("t", "").lower() == "y",
    )


def _percent(value: str) -> int:
    return min(int(value), 100) if value.isascii() and value.isdigit() and len(value) < 4 else 100


def weaker(policy: str) -> str:
    """The next weaker policy."""
    return {"reject": "quarantine"}.get(policy, "none")


def organisation(domain: str) -> str:
    """The organisational domain of an ASCII domain: one label below its public suffix.

    A public suffix is its own. Reads the list of the package publicsuffixlist, never the network.
    """
    return _suffixes().privatesuffix(domain) or domain


def is_aligned(domain: str, author: str, *, strict: bool) -> bool:
    """Whether a domain that was proved speaks for the domain of From (RFC 7489, section 3.1)."""
    if domain == author:
        return True
    return not strict and organisation(domain) == organisation(author)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
