"""Django's own mail, such as password resets, by the same road as notifications."""

import email.policy
from collections.abc import Sequence
from email.utils import parseaddr

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from deskpost.outbound import carriers, signing
from deskpost.outbound.carrier import Lane, Outgoing


class RelayBackend(BaseEmailBackend):
    """Sends each message at once; a refusal raises unless the caller wants silence."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        lane, sent = carriers.of_site().lane(), 0
        try:
            for message in email_messages:
                sent += self._send(lane, message)
        finally:
            lane.close()
        return sent

    def _send(self, lane: Lane, message: EmailMessage) -> int:
        sender = parseaddr(message.from_email)[1]
        plain = message.message().as_bytes(policy=email.policy.SMTP)
        data = signing.sign(plain, sender.rpartition("@")[2])
        answers = [
            lane.ready()
            or lane.send(Outgoing(envelope_from=sender, recipient=parseaddr(to)[1], message=data))
            for to in message.recipients()
        ]
        refused = [answer for answer in answers if answer.kind != "accepted"]
        if refused and not self.fail_silently:
            raise OSError(f"the relay refused a message: {refused[0].text}")
        return int(not refused)
