"""SPF (RFC 7208) by pyspf, with our lookups: its limits of ten lookups and two void ones hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import spf

from deskpost.inbound.dmarc_dns import Lookups, RecordType, Unanswered

MAX_RECORD = 4_096  # octets of one policy
MAX_TERM = 512  # octets of one of its terms: pyspf's patterns are not made for longer ones


def check(lookups: Lookups, *, ip: str, local: str, domain: str, helo: str) -> tuple[str, str]:
    """The result for a client's address and the sender `local@domain`, and what led to an error.

    The result is one of RFC 7208, section 2.6: pass, fail, softfail, neutral, none, permerror or
    temperror. Never raises.
    """
    try:
        question = _Query(lookups, ip, _one_word(local), domain, helo)
        result, _, words = question.check()
    except spf.PermError as error:  # the address of the client
        return "permerror", str(error)[:200]
    except Exception as error:  # noqa: BLE001 (whatever a hostile policy makes pyspf do)
        return "permerror", type(error).__name__
    return str(result), question.unanswered or (words[:200] if result in _ERRORS else "")


_ERRORS = frozenset({"permerror", "temperror"})


def _one_word(local: str) -> str:
    # pyspf divides an address at its first "@".
    return local.replace("@", "_")[:64] or "postmaster"


class _Query(spf.query):
    """pyspf's query with the lookups of this batch; it never fetches a policy's explanation."""

    def __init__(self, lookups: Lookups, ip: str, local: str, domain: str, helo: str) -> None:
        super().__init__(i=ip, s=f"{local}@{domain}", h=helo or "unknown")
        self._lookups = lookups
        self.unanswered = ""

    def get_explanation(self, spec: str) -> None:
        """exp= would be a lookup for words that nobody reads."""

    def dns(
        self, name: str, qtype: str, cnames: Any = None, ignore_void: bool = False
    ) -> list[Any]:
        """The values at a name, as pyspf's own method gives them."""
        try:
            values = self._lookups.ask(str(name), cast(RecordType, qtype))
        except Unanswered as silence:
            self.unanswered = str(silence)
            raise spf.TempError(str(silence)) from silence
        if not values and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("more than two lookups without an answer")
        return [(one,) for one in _policies(values)] if qtype == "TXT" else list(values)


def _policies(values: Iterable[bytes]) -> list[bytes]:
    """The policies among TXT records. Raises PermError for one that is out of all bounds."""
    found = [one for one in values if one[:6].lower() == b"v=spf1"]
    for one in found:
        if len(one) > MAX_RECORD or any(len(term) > MAX_TERM for term in one.split(b" ")):
            raise spf.PermError("the policy is too long")
    return found
