"""Events as the providers' documentation has them: what happened to a message, and to whom."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PROVIDERS = (
    "amazon_ses",
    "brevo",
    "mailersend",
    "mailgun",
    "mailjet",
    "mailtrap",
    "mandrill",
    "postal",
    "postmark",
    "resend",
    "sendgrid",
    "sparkpost",
    "unisender_go",
)
GONE = "550 5.1.1 The mailbox does not exist"
FULL = "452 4.2.2 The mailbox is full"
LATER = "451 4.3.0 Come again later"


@dataclass(frozen=True, kw_only=True)
class About:
    """One message: to whom, the provider's id of it, what we gave it to carry, and since when."""

    to: str = "ann@x.test"
    message_id: str = "provider-id-1"
    metadata: Mapping[str, str] = field(default_factory=dict)
    at: float = field(default_factory=time.time)

    @property
    def iso(self) -> str:
        return datetime.fromtimestamp(self.at, UTC).isoformat().replace("+00:00", "Z")


Event = dict[str, Any]


# --- Events --------------------------------------------------------------------------------------


def postmark(what: str, about: About) -> Event:
    common = {
        "MessageID": about.message_id,
        "Metadata": dict(about.metadata),
        "ServerID": 23,
        "MessageStream": "outbound",
        "Tag": "",
    }
    if what == "delivered":
        details = {"Recipient": about.to, "DeliveredAt": about.iso, "Details": "250 2.0.0 OK"}
        return {"RecordType": "Delivery", **common, **details}
    if what == "unsubscribed":
        return {
            "RecordType": "SubscriptionChange",
            "Recipient": about.to,
            "Origin": "Recipient",
            "SuppressSending": True,
            "SuppressionReason": "ManualSuppression",
            "ChangedAt": about.iso,
            **common,
        }
    kinds = {
        "deferred": ("Transient", 2, LATER),
        "hard": ("HardBounce", 1, GONE),
        "soft": ("SoftBounce", 4096, FULL),
        "complained": ("SpamComplaint", 100001, ""),
    }
    kind, code, words = kinds[what]
    return {
        "RecordType": "SpamComplaint" if what == "complained" else "Bounce",
        "ID": 42,
        "Type": kind,
        "TypeCode": code,
        "Description": "What Postmark says of such.",
        "Details": f"smtp;{words}" if words else "",
        "Email": about.to,
        "BouncedAt": about.iso,
        **common,
    }


def mailgun(what: str, about: About) -> Event:
    kinds: dict[str, Event] = {
        "delivered": {"event": "delivered", "delivery-status": _mailgun_status(250, "OK")},
        "deferred": {
            "event": "failed",
            "severity": "temporary",
            "reason": "generic",
            "delivery-status": _mailgun_status(451, "4.3.0 Come again later"),
        },
        "hard": {
            "event": "failed",
            "severity": "permanent",
            "reason": "bounce",
            "delivery-status": _mailgun_status(550, "5.1.1 The mailbox does not exist"),
        },
        "soft": {
            "event": "failed",
            "severity": "permanent",
            "reason": "generic",
            "delivery-status": _mailgun_status(452, "4.2.2 The mailbox is full"),
        },
        "complained": {"event": "complained"},
        "unsubscribed": {"event": "unsubscribed"},
    }
    return {
        "id": "Ase7i2zsRYeDXztHGENqRA",
        "timestamp": about.at,
        "message": {"headers": {"to": about.to, "message-id": about.message_id.strip("<>")}},
        "recipient": about.to,
        "user-variables": dict(about.metadata),
        "tags": [],
        **kinds[what],
    }


def _mailgun_status(code: int, message: str) -> Event:
    return {"code": code, "message": message, "description": "", "mx-host": "mx.x.test"}


def sendgrid(what: str, about: About) -> Event:
    kinds: dict[str, Event] = {
        "delivered": {"event": "delivered", "response": "250 OK"},
        "deferred": {"event": "deferred", "response": LATER, "attempt": "5"},
        "hard": {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": GONE},
        "soft": {"event": "bounce", "type": "bounce", "status": "4.2.2", "reason": FULL},
        "complained": {"event": "spamreport"},
        "unsubscribed": {"event": "unsubscribe"},
    }
    return {
        "email": about.to,
        "timestamp": int(about.at),
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "anymail_id": about.message_id,
        "sg_event_id": "ZGVza3Bvc3Q",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001",
        **about.metadata,
        **kinds[what],
    }


def amazon_ses(what: str, about: About) -> Event:
    recipient = {"emailAddress": about.to, "action": "failed"}
    hard = [{**recipient, "status": "5.1.1", "diagnosticCode": f"smtp; {GONE}"}]
    soft = [{**recipient, "status": "4.2.2", "diagnosticCode": f"smtp; {FULL}"}]
    kinds: dict[str, Event] = {
        "delivered": {
            "eventType": "Delivery",
            "delivery": {"recipients": [about.to], "smtpResponse": "250 ok"},
        },
        "deferred": {
            "eventType": "DeliveryDelay",
            "deliveryDelay": {
                "delayType": "TransientCommunicationFailure",
                "delayedRecipients": [
                    {"emailAddress": about.to, "status": "4.3.0", "diagnosticCode": LATER}
                ],
            },
        },
        "hard": {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": hard,
            },
        },
        "soft": {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": "Transient",
                "bounceSubType": "MailboxFull",
                "bouncedRecipients": soft,
            },
        },
        "complained": {
            "eventType": "Complaint",
            "complaint": {
                "complainedRecipients": [{"emailAddress": about.to}],
                "complaintFeedbackType": "abuse",
            },
        },
    }
    mail: Event = {"messageId": about.message_id, "destination": [about.to], "headers": []}
    if about.metadata:
        value = json.dumps(dict(about.metadata))
        mail["headers"].append({"name": "X-Metadata", "value": value})
    return {"mail": mail, **kinds[what]}


def postal(what: str, about: About) -> Event:
    message = {
        "id": about.message_id,
        "token": "abcdef123",
        "direction": "outgoing",
        "message_id": "x@y.test",
        "to": about.to,
        "from": "it@desk.test",
    }
    kinds: dict[str, Event] = {
        "delivered": {"status": "Sent", "details": "Sent by SMTP", "output": "250 2.0.0 OK"},
        "deferred": {"status": "SoftFail", "details": "Temporary error", "output": LATER},
        "hard": {"status": "HardFail", "details": "Permanent error", "output": GONE},
        "soft": {"status": "HardFail", "details": "Tried for too long", "output": FULL},
    }
    return {
        "event": "MessageSent",
        "timestamp": about.at,
        "payload": {"message": message, **kinds[what]},
        "uuid": str(uuid.uuid4()),
    }


def resend(what: str, about: About) -> Event:
    kinds: dict[str, tuple[str, Event]] = {
        "delivered": ("email.delivered", {}),
        "deferred": ("email.delivery_delayed", {}),
        "hard": ("email.bounced", {"bounce": _resend_bounce(GONE, "Permanent", "General")}),
        "soft": ("email.bounced", {"bounce": _resend_bounce(FULL, "Transient", "MailboxFull")}),
        "complained": ("email.complained", {}),
    }
    kind, more = kinds[what]
    data: Event = {"email_id": about.message_id, "to": [about.to], "headers": [], **more}
    if about.metadata:
        value = json.dumps(dict(about.metadata))
        data["headers"].append({"name": "X-Metadata", "value": value})
    return {"type": kind, "created_at": about.iso, "data": data}


def _resend_bounce(message: str, kind: str, sub: str) -> Event:
    return {"message": message, "type": kind, "subType": sub}


def brevo(what: str, about: About) -> Event:
    kinds: dict[str, Event] = {
        "delivered": {"event": "delivered"},
        "deferred": {"event": "deferred", "reason": LATER},
        "hard": {"event": "hard_bounce", "reason": GONE},
        "soft": {"event": "soft_bounce", "reason": FULL},
        "complained": {"event": "spam"},
        "unsubscribed": {"event": "unsubscribe"},
    }
    found: Event = {
        "email": about.to,
        "id": 1,
        "message-id": about.message_id,
        "ts_epoch": int(about.at * 1000),
        **kinds[what],
    }
    if about.metadata:
        found["X-Mailin-custom"] = json.dumps(dict(about.metadata))
    return found


def mailjet(what: str, about: About) -> Event:
    kinds: dict[str, Event] = {
        "delivered": {"event": "sent", "smtp_reply": "250 2.0.0 OK"},
        "deferred": {"event": "bounce", "hard_bounce": False, "error": "greylisted"},
        "hard": {
            "event": "bounce",
            "hard_bounce": True,
            "error": "user unknown",
            "error_related_to": "recipient",
            "comment": GONE,
        },
        "soft": {
            "event": "bounce",
            "hard_bounce": False,
            "error": "quota exceeded",
            "error_related_to": "recipient",
            "comment": "",
        },
        "complained": {"event": "spam", "source": "JMRPP"},
        "unsubscribed": {"event": "unsub"},
    }
    # Mailjet's ids are numbers.
    found: Event = {
        "email": about.to,
        "time": int(about.at),
        "MessageID": int(hashlib.sha256(about.message_id.encode()).hexdigest()[:12], 16),
        "Payload": json.dumps(dict(about.metadata)) if about.metadata else "",
        **kinds[what],
    }
    return found


def mailersend(what: str, about: About) -> Event:
    kinds: dict[str, Event] = {
        "delivered": {"type": "delivered", "morph": None},
        "hard": {
            "type": "hard_bounced",
            "morph": {"object": "recipient_bounce", "reason": GONE},
        },
        "soft": {
            "type": "soft_bounced",
            "morph": {"object": "recipient_bounce", "reason": FULL},
        },
        "complained": {"type": "spam_complaint", "morph": {"object": "spam_complaint"}},
        "unsubscribed": {"type": "unsubscribed", "morph": {"object": "recipient_unsubscribe"}},
    }
    email = {"message": {"id": about.message_id}, "recipient": {"email": about.to}, "tags": []}
    data = {"id": uuid.uuid4().hex, "created_at": about.iso, "email": email, **kinds[what]}
    return {"type": f"activity.{kinds[what]['type']}", "created_at": about.iso, "data": data}


def mailtrap(what: str, about: About) -> Event:
    kinds: dict[str, Event] = {
        "delivered": {"event": "delivery"},
        "deferred": {"event": "soft bounce", "response": LATER, "response_code": 451},
        "hard": {"event": "bounce", "response": GONE, "response_code": 550},
        "soft": {"event": "bounce", "response": FULL, "response_code": 452},
        "complained": {"event": "spam"},
        "unsubscribed": {"event": "unsubscribe"},
    }
    return {
        "message_id": about.message_id,
        "email": about.to,
        "event_id": str(uuid.uuid4()),
        "timestamp": int(about.at),
        "custom_variables": dict(about.metadata),
        **kinds[what],
    }


def mandrill(what: str, about: About) -> Event:
    kinds: dict[str, tuple[str, Event]] = {
        "delivered": ("delivered", {}),
        "deferred": ("deferral", {"diag": LATER}),
        "hard": ("hard_bounce", {"bounce_description": "bad_mailbox", "diag": f"smtp;{GONE}"}),
        "soft": ("soft_bounce", {"bounce_description": "mailbox_full", "diag": f"smtp;{FULL}"}),
        "complained": ("spam", {}),
        "unsubscribed": ("unsub", {}),
    }
    kind, more = kinds[what]
    message = {"email": about.to, "metadata": dict(about.metadata), "tags": [], **more}
    return {"event": kind, "_id": about.message_id, "ts": int(about.at), "msg": message}


def sparkpost(what: str, about: About) -> Event:
    kinds: dict[str, tuple[str, Event]] = {
        "delivered": ("message_event", {"type": "delivery"}),
        "deferred": (
            "message_event",
            {"type": "delay", "bounce_class": "21", "error_code": "451", "raw_reason": LATER},
        ),
        "hard": (
            "message_event",
            {"type": "bounce", "bounce_class": "10", "error_code": "550", "raw_reason": GONE},
        ),
        "soft": (
            "message_event",
            {"type": "bounce", "bounce_class": "22", "error_code": "452", "raw_reason": FULL},
        ),
        "complained": ("message_event", {"type": "spam_complaint", "fbtype": "abuse"}),
        "unsubscribed": ("unsubscribe_event", {"type": "list_unsubscribe"}),
    }
    kind, more = kinds[what]
    event = {
        "event_id": str(uuid.uuid4()),
        "transmission_id": about.message_id,
        "raw_rcpt_to": about.to,
        "rcpt_to": about.to.lower(),
        "rcpt_meta": dict(about.metadata),
        "timestamp": str(int(about.at)),
        "ip_address": "192.0.2.25",
        **more,
    }
    return {"msys": {kind: event}}


def unisender_go(what: str, about: About) -> Event:
    kinds: dict[str, Event] = {
        "delivered": {"status": "delivered"},
        "deferred": {
            "status": "soft_bounced",
            "delivery_info": {
                "delivery_status": "err_will_retry",
                "destination_response": LATER,
            },
        },
        "hard": {
            "status": "hard_bounced",
            "delivery_info": {"delivery_status": "err_user_unknown", "destination_response": GONE},
        },
        "soft": {
            "status": "hard_bounced",
            "delivery_info": {"delivery_status": "err_mailbox_full", "destination_response": FULL},
        },
        "complained": {"status": "spam"},
        "unsubscribed": {"status": "unsubscribed"},
    }
    moment = datetime.fromtimestamp(about.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "job_id": about.message_id,
        "metadata": dict(about.metadata),
        "email": about.to,
        "event_time": moment,
        **kinds[what],
    }


EVENTS: dict[str, Callable[[str, About], Event]] = {
    "amazon_ses": amazon_ses,
    "brevo": brevo,
    "mailersend": mailersend,
    "mailgun": mailgun,
    "mailjet": mailjet,
    "mailtrap": mailtrap,
    "mandrill": mandrill,
    "postal": postal,
    "postmark": postmark,
    "resend": resend,
    "sendgrid": sendgrid,
    "sparkpost": sparkpost,
    "unisender_go": unisender_go,
}
# What a provider does not tell, or django-anymail does not know.
UNTOLD = {
    ("mailersend", "deferred"),
    ("mandrill", "delivered"),
    ("postal", "complained"),
    ("postal", "unsubscribed"),
    ("resend", "unsubscribed"),
    ("amazon_ses", "unsubscribed"),
}
# Those that return what we gave the message to carry.
CARRYING = tuple(one for one in PROVIDERS if one not in {"postal", "mailersend"})


def each(*what: str) -> list[tuple[str, str]]:
    return [(one, kind) for one in PROVIDERS for kind in what if (one, kind) not in UNTOLD]


def provider_id(provider: str, about: About) -> str:
    """The id by which the sender knows the message, once the provider took it."""
    if provider == "mailjet":
        return str(mailjet("delivered", about)["MessageID"])
    return f"<{about.message_id}>" if provider == "mailgun" else about.message_id
