"""Which messages a project has already, when a source brings again what may have been taken."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from deskpost.inbound import intake
from deskpost.mail import mime
from deskpost.models import Channel, InboundEmail, Seen
from deskpost.outcomes import IncomingStatus, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A message that is taken unless it is there already."""

    arrival: intake.Arrival
    fingerprint: str
    digest: str

    @property
    def oversize_bytes(self) -> int:
        return self.arrival.oversize_bytes or 0


def candidate(arrival: intake.Arrival, parsed: mime.ParsedEmail) -> Candidate:
    """Return the arrival with what it is known again by."""
    return Candidate(
        arrival=arrival,
        fingerprint=mime.fingerprint(arrival.raw, parsed),
        digest=hashlib.sha256(arrival.raw).hexdigest(),
    )


@dataclass(slots=True)
class Known:
    """Which messages the project has: settled ones by fingerprint in Seen; those that wait, and
    those too large to have a fingerprint, by their bytes. It remembers about 200 bytes a message.
    """

    channel: Channel
    _digests: set[bytes] = field(default_factory=set)
    _fingerprints: set[bytes] = field(default_factory=set)

    def load(self) -> None:
        """Read what waits. Later arrivals need not be known: the worker sees what is a double."""
        waiting = InboundEmail.objects.filter(
            project_id=self.channel.project_id, due_at__isnull=False
        )
        too_large = InboundEmail.objects.filter(
            channel=self.channel, status=IncomingStatus.FAILED, outcome=Outcome.TOO_LARGE
        )
        for rows in (waiting, too_large):
            for digest, size in rows.values_list("raw_sha256", "oversize_bytes").iterator():
                self._digests.add(_digest(digest, size or 0))

    def without_doubles(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return those that are not known, and know them from now on."""
        wanted = [candidate.fingerprint for candidate in candidates]
        rows = Seen.objects.filter(project_id=self.channel.project_id, fingerprint__in=wanted)
        seen = set(rows.values_list("fingerprint", flat=True))
        return [one for one in candidates if one.fingerprint not in seen and self._is_new(one)]

    def _is_new(self, candidate: Candidate) -> bool:
        digest = _digest(candidate.digest, candidate.oversize_bytes)
        fingerprint = bytes.fromhex(candidate.fingerprint)[:16]
        if candidate.oversize_bytes:  # what was cut off may differ where the beginnings agree
            fingerprint = digest
        if digest in self._digests or fingerprint in self._fingerprints:
            return False
        self._digests.add(digest)
        self._fingerprints.add(fingerprint)
        return True


def _digest(sha256: str, oversize_bytes: int) -> bytes:
    if not oversize_bytes:
        return bytes.fromhex(sha256)[:16]
    return hashlib.sha256(f"{sha256} {oversize_bytes}".encode()).digest()[:16]
