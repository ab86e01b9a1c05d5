"""DMARC as the server before us found it: Authentication-Results (RFC 8601), topmost only."""

from __future__ import annotations

from collections.abc import Iterable

from deskpost.inbound.dmarc_check import MAX_SHOWN, Mail, Result, Verdict
from deskpost.mail import authresults
from deskpost.mail.authresults import AuthResults, MethodResult
from deskpost.mail.dkimcanon import Message
from deskpost.mail.dmarcrecord import organisation
from deskpost.mail.domains import ascii_domain
from deskpost.mail.words import header_text

_VERDICTS: dict[str, Verdict] = {
    "pass": "pass",
    "fail": "fail",
    "none": "none",
    "bestguesspass": "none",  # no policy, and it would have passed one
    "temperror": "unknown",
    "permerror": "unknown",
}
_WEAKEST_FIRST = ("none", "quarantine", "reject")
# What Exchange writes as `action=`; `oreject` is a policy of reject that it does not act upon.
_ACTIONS = {"oreject": "reject", "o.reject": "reject", "oquarantine": "quarantine"}


def from_upstream(mail: Mail, trusted: str) -> Result | None:
    """What the server named `trusted` (its authserv-id) says of DMARC, or None.

    Only the topmost Authentication-Results counts, and only if that server wrote it about this
    From; whoever trusts a server must know that it removes forged ones of its name from what comes
    in (RFC 8601, section 5). The header is read as it was sent: an encoded word in it, such as in
    an envelope sender that it quotes, must not become a result. Never raises.
    """
    domain = (ascii_domain(mail.from_domain) or "") if mail.from_domain else ""
    found = _topmost(mail.raw)
    if not domain or not trusted or found is None or found.server != trusted.strip().lower():
        return None
    results = [one for one in found.of("dmarc") if _is_about(one, domain)]
    if not results:
        return None
    # Of several, the first that does not pass.
    result = next((one for one in results if one.result != "pass"), results[0])
    return Result(
        verdict=_VERDICTS.get(result.result, "unknown"),
        policy=_policy(result, domain),
        domain=domain,
        facts={"from_upstream": found.server} | _facts(found),
    )


def _topmost(raw: bytes) -> AuthResults | None:
    for name, value in Message(raw).headers:
        if name.lower() == b"authentication-results":
            return authresults.read(header_text(value))
    return None


def _is_about(result: MethodResult, domain: str) -> bool:
    """A server that saw another From, such as the second of two, says nothing about this one."""
    seen = result.properties.get("header.from", domain)
    return ascii_domain(seen.rpartition("@")[2]) == domain


def _policy(result: MethodResult, domain: str) -> str:
    """The policy that applies, where the server says it; of p and sp, if both could, the weaker."""
    named = result.properties.get("policy.dmarc", "") or result.properties.get("action", "")
    named = named.lower()
    named = _ACTIONS.get(named, named)
    if named in _WEAKEST_FIRST:
        return named
    said = [result.said("p")]
    if domain != organisation(domain):
        said.append(result.said("sp"))
    return _weakest(one for one in said if one in _WEAKEST_FIRST)


def _weakest(policies: Iterable[str]) -> str:
    return min(policies, key=_WEAKEST_FIRST.index, default="")


def _facts(found: AuthResults) -> dict[str, str]:
    """The results of the three methods, each as the server wrote it."""
    facts: dict[str, str] = {}
    for method in ("dmarc", "dkim", "spf"):
        shown = "; ".join(_shown(one) for one in found.of(method))
        if shown:
            facts[method] = shown[:MAX_SHOWN]
    return facts


def _shown(result: MethodResult) -> str:
    about = ", ".join(f"{name}={value}" for name, value in result.properties.items())
    beside = ", ".join(text for text in (result.comment, about) if text)
    return f"{result.result} ({beside})" if beside else result.result
