"""Whether the domain of From vouches for a message: which messages are asked about, and whom.

A channel's listener sees who delivers. Where a server of ours stands before it, it sees only that
server: then either that server's own findings are believed, if the channel names it, or SPF is not
judged and only a signature can vouch.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings

from deskpost.inbound import dmarc
from deskpost.mail.domains import normalise
from deskpost.mail.mime import ParsedEmail
from deskpost.models import InboundEmail

# Names that no DNS on the Internet knows (RFC 6761); asked for only where resolvers are named.
SPECIAL = frozenset({"test", "example", "invalid", "localhost", "local", "internal"})

# Where only machines of our own are: loopback, private and link-local networks.
INSIDE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)

Asked = tuple[InboundEmail, bytes, ParsedEmail]


def check(batch: Sequence[Asked]) -> list[dmarc.Result | None]:
    """Return what each message's domain says of it; None where its channel does not ask.

    All messages together take no longer than DESKPOST_DMARC_SECONDS.
    """
    results: list[dmarc.Result | None] = [_at_once(*one) for one in batch]
    asked = [n for n, (row, _, _) in enumerate(batch) if _is_checked(row) and results[n] is None]
    mails = [_mail(*batch[n]) for n in asked]
    if not mails:
        return results
    found = dmarc.check_all(
        mails,
        seconds=settings.DESKPOST["DMARC_SECONDS"],
        resolvers=settings.DESKPOST["RESOLVERS"],
    )
    for n, mail, result in zip(asked, mails, found, strict=True):
        results[n] = result if mail.client_ip else _without_spf(result)
    return results


def _is_checked(row: InboundEmail) -> bool:
    return row.channel.checks_dmarc and not row.is_import and not row.oversize_bytes


def _at_once(row: InboundEmail, raw: bytes, email: ParsedEmail) -> dmarc.Result | None:
    """What needs no DNS: the findings of our own upstream, and names that DNS cannot know."""
    if not _is_checked(row):
        return None
    if row.channel.trusted_upstream:
        found = dmarc.from_upstream(_mail(row, raw, email), row.channel.trusted_upstream)
        return found or _unknown(email, "upstream", row.channel.trusted_upstream)
    domain = _domain(email)
    if domain and domain.rpartition(".")[2] in SPECIAL and not settings.DESKPOST["RESOLVERS"]:
        return dmarc.Result(verdict="none", policy="", domain=domain, facts={})
    return None


def _unknown(email: ParsedEmail, name: str, value: str) -> dmarc.Result:
    return dmarc.Result(verdict="unknown", policy="", domain=_domain(email), facts={name: value})


def _domain(email: ParsedEmail) -> str:
    return normalise(email.from_.address).rpartition("@")[2] if email.from_ else ""


def _mail(row: InboundEmail, raw: bytes, email: ParsedEmail) -> dmarc.Mail:
    client, _, helo = row.client.partition(" ")
    return dmarc.Mail(
        raw=raw,
        from_domain=_domain(email) or None,
        several_from=len(email.header_all("From")) > 1,
        envelope_from=row.envelope_from,
        client_ip=client if _is_outside(client) else "",
        helo=helo,
    )


def _is_outside(client: str) -> bool:
    try:
        found = ipaddress.ip_address(client)
    except ValueError:
        return False
    return not any(found in network for network in INSIDE)


def _without_spf(result: dmarc.Result) -> dmarc.Result:
    """Where who delivered is not known, a message without a good signature proves nothing."""
    facts = result.facts | {"spf": "not judged"}
    return replace(
        result, verdict="unknown" if result.verdict == "fail" else result.verdict, facts=facts
    )
