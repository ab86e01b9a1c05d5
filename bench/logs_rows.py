"""The rows of a large log, an hour at a time: each hour is made from its own seed, so that any
process can make any of them, and again.

A row is a tuple of texts, numbers and None that both databases take as they are.
"""

from __future__ import annotations

import json
import random
import uuid
from datetime import UTC, datetime, timedelta

from bench import logs_outcomes as outcomes
from bench.logs_lines import CACHED, Lines
from bench.logs_plan import HOURS, Made, Place, Plan
from bench.logs_words import ADDRESSES, Subjects, rank, sender
from deskpost.models.logline import Log
from deskpost.outcomes import IncomingStatus, Kind, NotificationStatus

INCOMING = 0.4  # of all messages
INVITED = 0.03  # of the notifications
FIRST_PERSON = 1000  # the id of the address with the number 0
REQUESTS_EACH = 10_000_000  # ids of requests of one project
RECENT = 60  # hours in which nearly all messages about a request fall
WAIT_DAYS = 2  # what still waits is not older
QUEUED, PROCESSING = 0.0005, 0.000_02


class Maker:
    """Makes hours of one plan."""

    def __init__(self, plan: Plan, subjects: Subjects) -> None:
        self.plan, self._subjects = plan, subjects
        self._requests: dict[tuple[int, int], tuple[str, int]] = {}
        self._lines = Lines()

    def hour(self, number: int) -> Made:
        """Make the rows of the hour with this number, the oldest first."""
        self._random = random.Random(f"{self.plan.wave} {number}")
        self._number, self._made = number, Made()
        begin = int((self.plan.first + timedelta(hours=number)).timestamp() * 1000)
        moments = sorted(
            self._random.randrange(begin, begin + 3_600_000) for _ in range(self.plan.share(number))
        )
        self._new_requests(begin)
        for moment in moments:
            place = self._random.choice(self.plan.places)
            if self._random.random() < INCOMING:
                self._email(place, moment)
            else:
                self._note(place, moment)
        self._lines.trim()
        if len(self._requests) > CACHED:
            self._requests.clear()
        return self._made

    # --- Requests --------------------------------------------------------------------------------

    def _new_requests(self, begin: int) -> None:
        for number in range(self._first(self._number), self._first(self._number + 1)):
            for place in self.plan.places:
                summary, reporter = self._request(place, number)
                at = _text(begin)
                channel = place.channels[0][0]
                ids = (_request_id(place, number), place.project, number, f"{place.key}-{number}")
                about = (summary, "open", FIRST_PERSON + reporter, place.request_type, channel)
                self._made.requests.append((*ids, *about, None, at, at, None))

    def _first(self, hour: int) -> int:
        return (self.plan.wave * self.plan.hours + hour) * self.plan.requests + 1

    def _request(self, place: Place, number: int) -> tuple[str, int]:
        """Return the summary of a request, and who reported it."""
        known = self._requests.get((place.project, number))
        if known is None:
            own = random.Random(place.project << 32 | number)
            known = self._subjects.make(own), _person(own, place)
            self._requests[place.project, number] = known
        return known

    def _recent(self) -> int:
        """Return the number of a request that people write about in this hour."""
        each, least = self.plan.requests, self._first(0)
        back = int((RECENT * each) ** self._random.random()) - 1
        return max(least, self._first(self._number) + self._random.randrange(each) - back)

    # --- Messages --------------------------------------------------------------------------------

    def _email(self, place: Place, moment: int) -> None:
        chance = self._random
        pk = _id(chance, moment)
        channel, to = place.channels[chance.random() < 0.2]
        status, outcome = outcomes.incoming(chance)
        waits = self._waits(PROCESSING)
        if waits:
            status, outcome = IncomingStatus.PROCESSING, ""
        key, number = "", _person(chance, place)
        if outcome in outcomes.OF_REQUESTS:
            request = self._recent()
            summary, number = self._request(place, request)
            key = f"{place.key}-{request}"
            subject = summary if outcome == "request_created" else f"Re: {key} {summary}"
        else:
            subject = self._subjects.make(chance)
        address, name = sender(number)
        message_id = f"<{pk.hex[8:]}@{address.rpartition('@')[2]}>"
        if waits:
            subject = name = message_id = ""
        size = int(chance.lognormvariate(9.5, 1.2)) + 900
        at = _text(moment)
        raw = f"{at[:10].replace('-', '')}/{pk.hex}.eml"
        trail = outcomes.trail_in(outcome, size, key, address) if outcome else "[]"
        facts = json.dumps({"because": f"In-Reply-To: <{pk.hex[:20]}@desk.test>"}) if key else "{}"
        read = "" if waits else address
        self._made.emails.append(
            (
                *(pk.hex, place.project, channel, "smtp", at, address, to, "192.0.2.7 mail.test"),
                *(raw, size, pk.hex * 2, 0, 0, None, status, outcome, facts, trail, read, read),
                *(name, subject, message_id, key, None if waits else at, "[]"),
                *_queued(waits, at),
            )
        )
        if not waits:
            who = f"{name} {address}"
            about = (Log.INCOMING, channel, status, outcome, "", key)
            texts = (address, size, message_id, who, subject)
            self._lines.add(self._made, place, pk, about, texts)

    def _note(self, place: Place, moment: int) -> None:
        chance = self._random
        pk = _id(chance, moment)
        kind = outcomes.kind(chance)
        if chance.random() < INVITED:
            kind = Kind.CUSTOMER_INVITED
        status, reason = outcomes.notification(chance)
        waits = self._waits(QUEUED)
        if waits:
            status, reason = NotificationStatus.QUEUED, ""
        request, key, number = None, "", _person(chance, place)
        subject = f"You can now use {place.key} help"
        if kind != Kind.CUSTOMER_INVITED:
            about = self._recent()
            summary, reporter = self._request(place, about)
            number = reporter if chance.random() < 0.7 else number
            request, key = _request_id(place, about), f"{place.key}-{about}"
            subject = f"{key} {summary}"
        address, _ = sender(number)
        tried = outcomes.was_tried(status, reason)
        message_id = f"<{pk.hex[8:]}.n@desk.test>" if tried else ""
        size = chance.randrange(4_000, 16_000) if tried else 0
        at = _text(moment)
        raw = f"{at[:10].replace('-', '')}/{pk.hex}.eml" if tried else ""
        said = outcomes.facts_out(reason, address)
        self._made.notes.append(
            (
                *(pk.hex, place.project, kind, None, FIRST_PERSON + number, address, address),
                *(request, key, None, at, status, reason, said),
                *(outcomes.trail_out(reason, size), subject, message_id, "en", raw, size),
                *(1 if tried else 0, at if tried else None, None, None, None),
                *(None if waits else at, *_queued(waits, at)),
            )
        )
        if tried:
            answer = outcomes.answer(status)
            self._made.attempts.append((_id(chance, moment).hex, pk.hex, at, at, *answer))
        if not waits:
            log = Log.INVITATIONS if kind == Kind.CUSTOMER_INVITED else Log.REQUESTS
            texts = (address, size, message_id, address, subject)
            self._lines.add(self._made, place, pk, (log, None, status, reason, kind, key), texts)

    def _waits(self, share: float) -> bool:
        if self._number < self.plan.hours - WAIT_DAYS * HOURS:
            return False
        return self._random.random() < share * self.plan.days / WAIT_DAYS


def _queued(waits: bool, at: str) -> tuple[str | int | None, ...]:
    """Return due_at, owner, attempt, lease_until, suspect and deaths."""
    return (at if waits else None, "", 0 if waits else 1, None, 0, 0)


def _person(random_: random.Random, place: Place) -> int:
    """Return who writes, or is written to: each project has its own regulars."""
    return (rank(random_, ADDRESSES, 20) * 7919 + place.project * 10_007) % ADDRESSES


def _request_id(place: Place, number: int) -> int:
    return place.project * REQUESTS_EACH + number


def _id(random_: random.Random, moment: int) -> uuid.UUID:
    """Return an id as if it had been made then (RFC 9562, section 5.7)."""
    high, low = random_.getrandbits(12), random_.getrandbits(62)
    return uuid.UUID(int=moment << 80 | 7 << 76 | high << 64 | 2 << 62 | low)


def _text(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
