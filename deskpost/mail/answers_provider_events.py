"""A provider's later news of a message, in our words.

Providers name the kinds of news in their own ways; django-anymail makes them one list (its
EventType and RejectReason). What they call a bounce is not always one: the table below says what
each provider's own code means, and the words of the recipient's server are read as in reports. An
address is blocked only where the provider or that server says that it does not exist, or where the
provider has it on its own list of such addresses; never where the server's words contradict.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from deskpost.mail.answers import MAX_TEXT, MOST_SPECIFIC, specificity
from deskpost.mail.reports_codes import diagnose, severity_of, status_of
from deskpost.mail.reports_model import Severity
from deskpost.mail.words import one_line

Effect = Literal[
    "delivered", "delayed", "failed", "blocked", "complained", "unsubscribed", "nothing"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMeaning:
    """What an event does to the notification that it is about.

    delivered: the recipient's server has it; delayed: the provider still tries; failed: it did not
    arrive; blocked: nor will anything else, the address does not exist; complained: the recipient
    called it spam, and is not to be written to; unsubscribed: the recipient asked the provider not
    to be written to; nothing: of no interest (opened, clicked, queued). `enhanced` is a code of
    RFC 3463, the server's own or what its words amount to, or empty; `text` is one line to show.
    """

    effect: Effect
    enhanced: str
    text: str


class _Says(Enum):
    """What a code says of the address; GONE and LISTED block it."""

    GONE = "it does not exist: unless the server's words contradict"
    LISTED = "the provider has it on its own list of bounced addresses"
    SOFT = "it may work another time"
    POLICY = "it was refused for what or who we are"
    INVALID = "it is malformed"
    COMPLAINED = "its owner has complained to the provider before"
    REFUSED = "nothing: the message failed"
    WORDS = "what the server's words say"


# The code for those that have none in their words.
_ENHANCED: Final[Mapping[_Says, str]] = {
    _Says.GONE: "5.1.1",
    _Says.LISTED: "5.1.1",
    _Says.SOFT: "4.2.0",
    _Says.POLICY: "5.7.1",
    _Says.INVALID: "5.1.3",
}

# (provider, its own code in small letters). Sources: the providers' pages on their webhooks.
_CODES: Final[Mapping[tuple[str, str], _Says]] = {
    # Postmark: "Type" of a bounce
    ("postmark", "hardbounce"): _Says.GONE,
    ("postmark", "softbounce"): _Says.SOFT,
    ("postmark", "bademailaddress"): _Says.INVALID,
    ("postmark", "manuallydeactivated"): _Says.LISTED,
    ("postmark", "blocked"): _Says.POLICY,
    ("postmark", "dmarcpolicy"): _Says.POLICY,
    ("postmark", "virusnotification"): _Says.POLICY,
    # Mailgun: "code" of a delivery status, or "reason"
    ("mailgun", "605"): _Says.LISTED,
    ("mailgun", "suppress-bounce"): _Says.LISTED,
    ("mailgun", "606"): _Says.REFUSED,
    ("mailgun", "suppress-unsubscribe"): _Says.REFUSED,
    ("mailgun", "607"): _Says.COMPLAINED,
    ("mailgun", "suppress-complaint"): _Says.COMPLAINED,
    ("mailgun", "499"): _Says.SOFT,
    ("mailgun", "602"): _Says.SOFT,
    # SendGrid: "type" of a bounce, "reason" of what was dropped
    ("sendgrid", "blocked"): _Says.POLICY,
    ("sendgrid", "bounced address"): _Says.LISTED,
    ("sendgrid", "invalid"): _Says.INVALID,
    ("sendgrid", "spam reporting address"): _Says.COMPLAINED,
    ("sendgrid", "unsubscribed address"): _Says.REFUSED,
    # Amazon SES: "bounceType: bounceSubType"
    ("amazon_ses", "permanent: general"): _Says.GONE,
    ("amazon_ses", "permanent: noemail"): _Says.GONE,
    ("amazon_ses", "permanent: suppressed"): _Says.LISTED,
    ("amazon_ses", "permanent: onaccountsuppressionlist"): _Says.LISTED,
    ("amazon_ses", "permanent: unsubscribedrecipient"): _Says.REFUSED,
    ("amazon_ses", "transient: general"): _Says.SOFT,
    ("amazon_ses", "transient: mailboxfull"): _Says.SOFT,
    ("amazon_ses", "transient: messagetoolarge"): _Says.REFUSED,
    ("amazon_ses", "transient: contentrejected"): _Says.POLICY,
    ("amazon_ses", "transient: attachmentrejected"): _Says.POLICY,
    # Resend: "type" and "subType" of a bounce
    ("resend", "permanent: general"): _Says.GONE,
    ("resend", "permanent: noemail"): _Says.GONE,
    ("resend", "permanent: suppressed"): _Says.LISTED,
    ("resend", "permanent: onaccountsuppressionlist"): _Says.LISTED,
    ("resend", "transient: general"): _Says.SOFT,
    ("resend", "transient: mailboxfull"): _Says.SOFT,
    ("resend", "transient: contentrejected"): _Says.POLICY,
    ("resend", "transient: attachmentrejected"): _Says.POLICY,
    # Brevo: "event"
    ("brevo", "hard_bounce"): _Says.GONE,
    ("brevo", "soft_bounce"): _Says.SOFT,
    ("brevo", "invalid_email"): _Says.INVALID,
    # Mailjet: "error"
    ("mailjet", "user unknown"): _Says.GONE,
    ("mailjet", "invalid domain"): _Says.GONE,
    ("mailjet", "no mail host"): _Says.GONE,
    ("mailjet", "typofix"): _Says.GONE,
    ("mailjet", "mailbox inactive"): _Says.SOFT,
    ("mailjet", "quota exceeded"): _Says.SOFT,
    ("mailjet", "spam reporter"): _Says.COMPLAINED,
    ("mailjet", "sender blocked"): _Says.POLICY,
    ("mailjet", "content blocked"): _Says.POLICY,
    ("mailjet", "policy issue"): _Says.POLICY,
    ("mailjet", "relay/access denied"): _Says.POLICY,
    # MailerSend and Mailtrap: the suppression's kind, or the event
    ("mailersend", "hard_bounced"): _Says.GONE,
    ("mailersend", "soft_bounced"): _Says.SOFT,
    ("mailersend", "spam_complaint"): _Says.COMPLAINED,
    ("mailtrap", "soft bounce"): _Says.SOFT,
    # Mandrill: the event, or "bounce_description"
    ("mandrill", "hard_bounce"): _Says.GONE,
    ("mandrill", "bad_mailbox"): _Says.GONE,
    ("mandrill", "invalid_domain"): _Says.GONE,
    ("mandrill", "soft_bounce"): _Says.SOFT,
    ("mandrill", "mailbox_full"): _Says.SOFT,
    # SparkPost: "bounce_class"
    ("sparkpost", "10"): _Says.GONE,
    ("sparkpost", "30"): _Says.GONE,
    ("sparkpost", "20"): _Says.SOFT,
    ("sparkpost", "21"): _Says.SOFT,
    ("sparkpost", "22"): _Says.SOFT,
    ("sparkpost", "24"): _Says.SOFT,
    ("sparkpost", "70"): _Says.SOFT,
    ("sparkpost", "23"): _Says.REFUSED,
    ("sparkpost", "25"): _Says.POLICY,
    ("sparkpost", "50"): _Says.POLICY,
    ("sparkpost", "51"): _Says.POLICY,
    ("sparkpost", "52"): _Says.POLICY,
    ("sparkpost", "53"): _Says.POLICY,
    ("sparkpost", "54"): _Says.POLICY,
    # Unisender Go: "delivery_status"
    ("unisender_go", "err_user_unknown"): _Says.GONE,
    ("unisender_go", "err_domain_inactive"): _Says.GONE,
    ("unisender_go", "err_user_inactive"): _Says.SOFT,
    ("unisender_go", "err_mailbox_full"): _Says.SOFT,
    ("unisender_go", "err_unreachable"): _Says.SOFT,
    ("unisender_go", "err_too_large"): _Says.REFUSED,
    ("unisender_go", "err_spam_rejected"): _Says.POLICY,
    ("unisender_go", "err_spam_skipped"): _Says.POLICY,
    ("unisender_go", "err_blacklisted"): _Says.POLICY,
}

# (kind, reason to reject) of django-anymail, where the provider's own code says nothing.
_REASONS: Final[Mapping[tuple[str, str], _Says]] = {
    ("bounced", "invalid"): _Says.INVALID,
    ("bounced", "blocked"): _Says.POLICY,
    ("bounced", "spam"): _Says.POLICY,
    ("bounced", "timed_out"): _Says.SOFT,
    ("rejected", "invalid"): _Says.INVALID,
    ("rejected", "bounced"): _Says.LISTED,
    ("rejected", "blocked"): _Says.POLICY,
    ("rejected", "spam"): _Says.POLICY,  # called so by a recipient or a filter: in doubt, a filter
    ("rejected", "timed_out"): _Says.SOFT,
}
_FAILURES: Final = ("bounced", "rejected", "failed")
_KINDS: Final[Mapping[str, Effect]] = {
    "delivered": "delivered",
    "deferred": "delayed",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
}
_SMTP_OR_ENHANCED: Final = re.compile(r"[45]\d\d|[45]\.\d{1,3}\.\d{1,3}")


def event(
    provider: str, kind: str, reject_reason: str | None, code: str | None, words: str
) -> EventMeaning:
    """What an event means.

    `provider` as in DESKPOST_RELAY; `kind` and `reject_reason` are django-anymail's EventType and
    RejectReason; `code` is the provider's own, as in the table above, or a reply code or enhanced
    code of the recipient's server, or None; `words` are that server's, or else the provider's.
    Never raises.
    """
    code, words = (code or "").strip()[:100], words[:MAX_TEXT]
    text = _flat(words) or f"{provider}: {_flat(code) or reject_reason or kind}"
    if kind not in _FAILURES:
        effect = _KINDS.get(kind, "nothing")
        return EventMeaning(effect=effect, enhanced=status_of("", words), text=text)
    said = f"{code} {words}" if _SMTP_OR_ENHANCED.fullmatch(code) else words
    meant = _CODES.get((provider, code.lower())) or _REASONS.get((kind, reject_reason or ""))
    return _failure(provider, kind, meant or _Says.WORDS, said, text)


def _failure(provider: str, kind: str, meant: _Says, said: str, text: str) -> EventMeaning:
    enhanced = diagnose(said).derived()
    severity = severity_of("failed", status_of("", said), said)
    effect: Effect = "failed"
    if meant is _Says.COMPLAINED:
        effect = "complained"
    elif meant is _Says.LISTED:
        effect, enhanced = "blocked", ""  # the words are of whatever came before
    elif meant is _Says.GONE:
        effect = "failed" if _contradicts(enhanced, severity) else "blocked"
    elif meant is _Says.WORDS and not _is_a_servers(provider, kind):
        enhanced = status_of("", said)
    elif meant is _Says.WORDS and severity == "hard":
        effect = "blocked"
    return EventMeaning(effect=effect, enhanced=enhanced or _ENHANCED.get(meant, ""), text=text)


def _contradicts(enhanced: str, severity: Severity) -> bool:
    """Whether the server's words say something else than that there is no such address."""
    if severity == "hard":
        return False
    explicit = specificity(enhanced) == MOST_SPECIFIC or enhanced.startswith("4.")
    return explicit or severity == "policy"


def _flat(words: str) -> str:
    return " ".join(one_line(words).split())


def _is_a_servers(provider: str, kind: str) -> bool:
    """Whether the words are those of the recipient's server. What a provider itself calls failed
    or rejected has words of its own, of a template, say; Postal says failed of both."""
    return kind == "bounced" or (provider == "postal" and kind == "failed")
