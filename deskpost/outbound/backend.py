"""Django's own mail, such as password resets, by the same road as notifications."""

import email.policy
from collections.abc import Sequence
from email.utils import parseaddr

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from deskpost.outbound import relay


class RelayBackend(BaseEmailBackend):
    """Sends each message at once; a refusal raises unless the caller wants silence."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        carrier, sent = relay.carrier(), 0
        try:
            for message in email_messages:
                sent += self._send(carrier, message)
        finally:
            carrier.close()
        return sent

    def _send(self, carrier: relay.Carrier, message: EmailMessage) -> int:
        sender, data = (
            parseaddr(message.from_email)[1],
            message.message().as_bytes(policy=email.policy.SMTP),
        )
        answers = [carrier.send(sender, parseaddr(to)[1], data) for to in message.recipients()]
        refused = [answer for answer in answers if answer.kind != "accepted"]
        if refused and not self.fail_silently:
            raise OSError(f"the relay refused a message: {refused[0].text}")
        return int(not refused)
