"""DMARC of one message (RFC 7489): does the domain of From vouch for it?

Only what is aligned with From is asked about: a signature or an envelope sender of another domain
could change nothing, and a stranger's name servers are never waited for on that account.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from deskpost.inbound import dmarc_spf
from deskpost.inbound.dmarc_dns import Lookups, Unanswered
from deskpost.mail import dkim
from deskpost.mail.dkimcanon import Message
from deskpost.mail.dmarcrecord import Record, is_aligned, organisation, read_record, weaker
from deskpost.mail.domains import ascii_domain

Verdict = Literal["pass", "fail", "none", "unknown"]

MAX_SIGNATURES = 5  # that are verified, of one message
MAX_MESSAGE = 25 * 1024 * 1024  # octets; of a larger message no signature is verified
MAX_SHOWN = 300  # characters of one fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message to check: its bytes, the domain of From (the first, of several), its envelope.

    `envelope_from` is empty for a null sender; without `client_ip` SPF is not asked.
    """

    raw: bytes
    from_domain: str | None
    several_from: bool = False
    envelope_from: str = ""
    client_ip: str = ""
    helo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`verdict` is none where the domain publishes no policy, unknown where DNS did not answer.

    `policy` is the one that applies to the domain ("" if none is known), `domain` that of From in
    ASCII, `facts` what was found, in words for the trail.
    """

    verdict: Verdict
    policy: str
    domain: str
    facts: dict[str, str] = field(default_factory=dict)


class Check:
    """One message on its way to a result."""

    def __init__(self, mail: Mail, lookups: Lookups) -> None:
        self.mail = mail
        self.result: Result | None = None
        self._lookups = lookups
        self._domain = (ascii_domain(mail.from_domain) or "") if mail.from_domain else ""
        self._policy = ""
        self._facts: dict[str, str] = {}
        self._asking = ""
        self._unanswered = False

    def run(self) -> None:
        """Set `result`."""
        try:
            self.result = self._result(self._verdict())
        except Unanswered as silence:
            self._facts["dns"] = str(silence)
            self.result = self._result("unknown")
        except Exception as error:  # noqa: BLE001 (one message never stops a batch)
            self._facts["error"] = type(error).__name__
            self.result = self._result("unknown")

    def late(self) -> Result:
        """The result of a check that was not done in time."""
        facts = {**self._facts, "dns": f"no answer in time ({self._asking or self._domain})"}
        return Result(verdict="unknown", policy=self._policy, domain=self._domain, facts=facts)

    def _result(self, verdict: Verdict) -> Result:
        facts = {name: value[:MAX_SHOWN] for name, value in self._facts.items()}
        return Result(verdict=verdict, policy=self._policy, domain=self._domain, facts=facts)

    def _verdict(self) -> Verdict:
        if self.mail.several_from:
            self._facts["from"] = "several addresses; the domain of the first was checked"
        if not self._domain:
            self._facts["from"] = "no address with a domain"
            return "none"
        record = self._record()
        if record is None:
            self._facts.setdefault("record", "none")
            return "none"
        if self._dkim(record) or self._spf(record):
            return "pass"
        return "unknown" if self._unanswered else "fail"

    def _ask(self, name: str) -> tuple[bytes, ...]:
        self._asking = name
        return self._lookups.ask(name, "TXT")

    def _record(self) -> Record | None:
        """The record that applies: of the domain, else of its organisation (section 6.6.3)."""
        for domain in dict.fromkeys((self._domain, organisation(self._domain))):
            record = read_record(self._ask(f"_dmarc.{domain}"))
            if record is not None:
                own = domain == self._domain
                self._apply(record, record.policy if own else record.subdomains)
                self._facts |= {"record": record.text, "record_at": f"_dmarc.{domain}"}
                return record
        return None

    def _apply(self, record: Record, policy: str) -> None:
        self._policy = weaker(policy) if record.testing else policy
        if record.testing and policy != "none":
            self._facts["pct"] = f"{policy} is being tested: {self._policy} applies"
        elif record.percent < 100:
            self._facts["pct"] = f"{record.percent} is taken as 100"

    def _dkim(self, record: Record) -> bool:
        if len(self.mail.raw) > MAX_MESSAGE:
            self._facts["dkim"] = f"not asked (over {MAX_MESSAGE} bytes)"
            return False
        message = Message(self.mail.raw)
        said, asked = [], 0
        for signature in dkim.signatures(message):
            if asked == MAX_SIGNATURES:
                break
            if not is_aligned(signature.domain, self._domain, strict=record.strict_dkim):
                said.append(f"not aligned (d={signature.domain or '?'})")
                continue
            asked += 1
            said.append(self._signature(message, signature))
            if said[-1].startswith("pass"):
                said = said[-1:]
                break
        self._facts["dkim"] = "; ".join(list(dict.fromkeys(said))[:MAX_SIGNATURES]) or "none"
        return self._facts["dkim"].startswith("pass")

    def _signature(self, message: Message, signature: dkim.Signature | dkim.Unusable) -> str:
        where = f"d={signature.domain}"
        if isinstance(signature, dkim.Unusable):
            return f"fail ({where}, {signature.why})"
        try:
            keys = self._ask(signature.key_name)
        except Unanswered as silence:
            self._unanswered = True
            return f"temperror ({where}, {silence})"
        why = dkim.verify(message, signature, keys, now=time.time())
        return f"fail ({where}, {why})" if why else f"pass ({where})"

    def _spf(self, record: Record) -> bool:
        """SPF of the envelope sender's domain, or of HELO where the sender is null."""
        local, _, domain = (self.mail.envelope_from or f"postmaster@{self.mail.helo}").rpartition(
            "@"
        )
        domain = ascii_domain(domain) or ""
        self._facts["spf"] = f"not aligned ({domain or 'no domain'})"
        if not domain or not is_aligned(domain, self._domain, strict=record.strict_spf):
            return False
        if not self.mail.client_ip:
            self._facts["spf"] = "not asked (the client's address is not known)"
            return False
        self._asking = f"SPF of {domain}"
        result, words = dmarc_spf.check(
            self._lookups, ip=self.mail.client_ip, local=local, domain=domain, helo=self.mail.helo
        )
        self._facts["spf"] = f"{result} ({domain}{', ' + words if words else ''})"
        self._unanswered |= result == "temperror"
        return result == "pass"
