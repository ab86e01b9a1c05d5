"""The story of the demo: who writes what, in which order, and what agents do about it.

Everything comes through the site's doors, SMTP and HTTP, but for what a mailbox is said to have
held (`mailboxes`). What it waits for it asks at the doors too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from deskpost.demo import agent, letters, writing
from deskpost.demo.agent import Agent
from deskpost.demo.letters import By, Letter
from deskpost.demo.mailboxes import Made
from deskpost.demo.mishaps import Mishaps
from deskpost.demo.post import Post
from deskpost.demo.world import Received, World
from deskpost.demo.writing import Draft, address_of

WAIT_SECONDS = 40.0  # all waiting together ends then
RECEIPT_SECONDS = 8.0
RECEIPT_SECONDS_LATER = 2.0  # in a later round some are blocked by what the first did to them
SETTLE_SECONDS = 12.0
QUIET_SECONDS = 1.5  # so long nothing moves before it counts as settled
LOOK_SECONDS = 0.25

NOT_HANDED_OVER = (
    "The site does not hand its mail to the demo. Does it run with DESKPOST_RELAY, or is it still "
    "starting? Without a relay: make run"
)
TOO_OFTEN = (
    "The first letter got no receipt. After some rounds within ten minutes its sender has passed "
    "the loop threshold, as Email logs › Incoming emails says then: wait ten minutes."
)


class Stopped(Exception):
    """The demo cannot go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A project's address, the project's key, and where the channel's log stands on the web."""

    address: str
    project: str
    log: str


@dataclass(slots=True, kw_only=True)
class Story:
    """One round. `channels` has those of letters.IT and letters.FACILITIES; `mailboxes` makes the
    custom channels that are not there yet; `mishaps` are those of the first project."""

    world: World
    agent: Agent
    post: Post
    channels: dict[str, Channel]
    limit: int  # bytes of the largest message that the site takes
    say: Callable[[str], None]
    mailboxes: Callable[[], Made]
    mishaps: Mishaps
    made: Made = field(default_factory=Made)
    earlier: bool = False
    _sent: dict[int, bytes] = field(default_factory=dict)
    _receipts: dict[int, Received | None] = field(default_factory=dict)
    _deadline: float = field(default_factory=lambda: time.monotonic() + WAIT_SECONDS)

    def tell(self) -> None:
        """Play it all."""
        self.begin()
        self.open()
        self.reply()
        self.give_up()
        self.act()
        self.fail()
        self.end()

    # --- The acts ---

    def begin(self) -> None:
        """The first letter shows whether the site hands its mail to the outside world."""
        it = self.channels[letters.IT]
        sender = address_of(letters.STARTER.sender)
        self.earlier = self.agent.sum(f"{it.log}?sender={sender}") > 0
        if self.earlier:
            self.say("An earlier round is here already; this adds another one.")
        self._send(letters.STARTER)
        if self._receipt(letters.STARTER) is None:
            raise Stopped(TOO_OFTEN if self.earlier else NOT_HANDED_OVER)

    def open(self) -> None:
        self._tell_of("a monitoring system writes too often", letters.ALARMS)
        self._tell_of("people open requests in four languages", letters.OPENINGS)
        self._tell_of("bulk mail, an auto-reply, a message without From", letters.NOISE)
        it, ann = self.channels[letters.IT].address, address_of("ann")
        self.post.send(ann, it, self._sent[id(letters.STARTER)])
        code = self.post.announce(address_of(letters.FILM.sender), it, self.limit + 1)
        self.post.send("", it, writing.bounce_without_proof(it, "old.hand@quayside.example"))
        self.say(f"  1 duplicate, 1 too large (answered {code}), 1 bounce without proof")
        self._make_mailboxes()
        self.settle()

    def _make_mailboxes(self) -> None:
        """Once only: what is there already is left as it is."""
        self.made = self.mailboxes()
        if not self.made.addresses:
            self.say("Mailboxes: there already, and left as they are")
        for address in self.made.addresses:
            self.say(f"Mailbox: {address}, with a past; it is not connected to")
        if self.made.letters:
            self.say(f"Letters: {self.made.letters:2} · as if they had lain in it")

    def reply(self) -> None:
        self._tell_of("answers, one of a stranger, one automatic", letters.REPLIES)
        self._bring_back(letters.VPN)

    def _bring_back(self, opening: Letter) -> None:
        """A forwarding rule sends our own notification back to us."""
        if receipt := self._receipt(opening):
            self.post.send(receipt.recipient, self.channels[letters.IT].address, receipt.content)

    def give_up(self) -> None:
        """Some cannot be reached any more: gone, annoyed, unsubscribed, or private."""
        it = self.channels[letters.IT].address
        if receipt := self._receipt(letters.BADGE):
            self.post.send("", receipt.envelope_from, writing.bounce(receipt))
            self.say(f"  a bounce comes back for {receipt.recipient}, accepted at first")
        if receipt := self._receipt(letters.CALENDAR):
            self.post.send("", it, writing.complaint(receipt, it))
            self.say(f"  {receipt.recipient} calls a notification spam")
        if receipt := self._receipt(letters.DOCK):
            agent.unsubscribe(receipt.unsubscribe_url)
            self.say(f"  {receipt.recipient} unsubscribes")
        self.mishaps.keep_private(address_of(letters.KEEPS_PRIVATE))
        self.settle()
        self._tell_of("some of them write again", letters.AGAIN)

    def act(self) -> None:
        """What agents do on the web."""
        answered = [self._answer(opening, text) for opening, text in letters.AGENT_SAYS]
        for email, name in letters.INVITED:
            self.agent.invite(self.channels[letters.IT].project, email, name)
        self.say(f"Agents: {sum(answered)} answers, {len(letters.INVITED)} invitations")
        self.settle()

    def _answer(self, opening: Letter, text: str) -> bool:
        receipt = self._receipt(opening)
        if receipt:
            self.agent.answer(receipt.key, text)
        return receipt is not None

    def fail(self) -> None:
        """What the site itself cannot send. All else has settled: nobody but one pays for each."""
        self.say("Mishaps of the site’s own:")
        self.mishaps.invite_from_nowhere()
        if receipt := self._receipt(letters.OPENED_AGAIN):
            self.mishaps.write_too_much(receipt.key, receipt.recipient)
        if receipt := self._receipt(letters.UNTOLD):
            self.mishaps.use_up_limit(receipt.key, receipt.recipient)

    def end(self) -> None:
        self._tell_of("the last letters; one server asks to come again later", letters.LAST)
        self._tell_of("thanks", (letters.THANKS,))
        self.settle()
        if receipt := self._receipt(letters.RESOLVED):
            self.agent.resolve(receipt.key)
            self.settle()
            self.say(f"Agents: {receipt.key} is resolved")

    # --- Sending ---

    def _tell_of(self, what: str, chosen: tuple[Letter, ...]) -> None:
        sent = sum([self._send(letter) for letter in chosen])
        self.say(f"Letters: {sent:2} · {what}")

    def _send(self, letter: Letter) -> bool:
        """Send the letter; return False if what it answers never came."""
        draft = self._draft(letter)
        if draft is None:
            return False
        data = self._sent[id(letter)] = writing.write(letter, draft)
        code = self.post.send(address_of(letter.sender), draft.to, data)
        if code >= 400:
            raise Stopped(f"The site does not take a message to {draft.to}: {code}.")
        return True

    def _draft(self, letter: Letter) -> Draft | None:
        to = self.channels[letter.to].address
        if letter.answers is None:
            return Draft(to=to, subject=letter.subject)
        receipt = self._receipt(letter.answers)
        if receipt is None:
            return None
        return Draft(
            to=receipt.reply_to if letter.by is By.TOKEN else to,
            subject=letter.subject or f"Re: {receipt.subject}",
            quote=writing.quote(receipt),
            headers=self._references(letter, receipt),
        )

    def _references(self, letter: Letter, receipt: Received) -> dict[str, str]:
        if letter.by is By.KEY or letter.answers is None:
            return {}
        if letter.by is By.ORIGINAL:
            original = writing.message_id_of(self._sent[id(letter.answers)])
            return {"In-Reply-To": original, "References": original}
        return {"In-Reply-To": receipt.message_id, "References": receipt.message_id}

    def _receipt(self, opening: Letter) -> Received | None:
        """Return the first notification of the request that the letter opened, if it was taken."""
        if self._receipts.get(id(opening)) is None:
            seconds = self._patience(opening)
            found = self.world.first(address_of(opening.sender), opening.subject, seconds)
            self._receipts[id(opening)] = found
        return self._receipts[id(opening)]

    def _patience(self, opening: Letter) -> float:
        if id(opening) in self._receipts:
            return 0.0  # it was waited for already
        seconds = RECEIPT_SECONDS_LATER if self.earlier and self._receipts else RECEIPT_SECONDS
        return max(0.0, min(seconds, self._deadline - time.monotonic()))

    # --- Waiting ---

    def settle(self) -> None:
        """Return when nothing is being processed and nothing moves, or after SETTLE_SECONDS."""
        state, since = self._state(), time.monotonic()
        end = min(since + SETTLE_SECONDS, self._deadline)
        while time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
            now = self._state()
            if now != state or now[0]:
                state, since = now, time.monotonic()
            elif time.monotonic() - since >= QUIET_SECONDS:
                return

    def _state(self) -> tuple[int, int, int]:
        """Messages that wait to be processed, notifications that wait, recipients named so far."""
        logs = [*(channel.log for channel in self.channels.values()), *self.made.logs]
        processing = [self.agent.sum(f"{log}?status=processing", "processing") for log in logs]
        notes = f"/projects/{self.channels[letters.IT].project}/email-logs/"
        queued = self.agent.sum(notes, "queued") + self.agent.sum(f"{notes}invitations/", "queued")
        return sum(processing), queued, self.world.asked
