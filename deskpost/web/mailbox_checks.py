"""What can be said of a mailbox's settings without asking its server: in words, with what to do."""

from __future__ import annotations

import re
from ipaddress import ip_address

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from deskpost.mail import address
from deskpost.mail.domains import ascii_domain
from deskpost.models import Channel, Mailbox
from deskpost.models.mailbox import account_key

# Which ports belong to which protocol and encryption (RFC 8314, section 3; RFC 9051; RFC 1939).
USUAL = {
    993: (Mailbox.Protocol.IMAP, Mailbox.Security.TLS),
    143: (Mailbox.Protocol.IMAP, Mailbox.Security.STARTTLS),
    995: (Mailbox.Protocol.POP3, Mailbox.Security.TLS),
    110: (Mailbox.Protocol.POP3, Mailbox.Security.STARTTLS),
}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_SCHEME = re.compile(r"[a-z0-9+.-]{1,20}://", re.ASCII | re.IGNORECASE)
_ZONE = re.compile(r"[A-Za-z0-9._-]{1,15}")  # an interface's name
_PORT = re.compile(r"[^:]{1,253}:\d{1,5}")


def address_of_channel(given: str) -> str:
    """Return an address that a channel can have. Raises ValidationError."""
    given = given.strip()
    wrong = address.problem(given)
    if wrong:
        raise ValidationError(_malformed(wrong))
    local = given.rpartition("@")[0]
    if len(local.encode()) > address.MAX_CHANNEL_LOCAL:
        raise ValidationError(
            _(
                "Before the @ there can be up to %(most)d characters: answers and bounces come "
                "back with a signed mark behind them."
            )
            % {"most": address.MAX_CHANNEL_LOCAL}
        )
    return given


def _malformed(wrong: address.AddressProblem) -> str:
    if wrong.code == "empty":
        return _("Give an address.")
    if wrong.suggestion:
        said = _("This is no email address. Did you mean %(suggestion)s?")
        return said % {"suggestion": wrong.suggestion}
    if wrong.position is not None and wrong.character is not None and wrong.character.isprintable():
        said = _("This is no email address: see character %(position)d, “%(character)s”.")
        return said % {"position": wrong.position + 1, "character": wrong.character}
    return _("This is no email address. One looks like support@shop.example.")


def host(given: str) -> str:
    """Return a server's name in ASCII, or its IP address. Raises ValidationError."""
    if found := _SCHEME.match(given):
        rest = given[found.end() :].partition("/")[0]
        raise ValidationError(
            _("Give the server’s name alone, without “%(scheme)s”: %(name)s")
            % {"scheme": found[0], "name": rest[:100]}
        )
    if is_ip(given.strip("[]")):
        return given.strip("[]")
    if _PORT.fullmatch(given):
        raise ValidationError(_("The port has a field of its own: give the name alone here."))
    if any(c.isspace() for c in given):
        raise ValidationError(_("A server’s name has no spaces."))
    if "@" in given:
        raise ValidationError(
            _("This is an email address. The server’s name looks like imap.shop.example.")
        )
    name = ascii_domain(given)
    if name is None or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValidationError(
            _("This is no server’s name. One looks like imap.shop.example, or is an IP address.")
        )
    return name


def is_ip(text: str) -> bool:
    """Say whether it is an IP address."""
    zone = text.partition("%")[2]
    try:
        ip_address(text)
    except ValueError:
        return False
    return not zone or _ZONE.fullmatch(zone) is not None


def is_public(name: str) -> bool:
    """Say whether it is the IP address of a public network. Names are judged when connecting."""
    return is_ip(name) and ip_address(name).is_global


def one_line(text: str) -> str:
    """Return it as it is. Raises ValidationError for what would end a line of the protocol."""
    if any(c in text for c in "\r\n\0"):
        raise ValidationError(_("Here there can be no line breaks."))
    return text


def folder(given: str) -> str:
    """Return a folder's name; empty is INBOX, whose case does not count (RFC 3501, 5.1)."""
    name = one_line(given).strip()
    return "INBOX" if name.upper() in {"", "INBOX"} else name


def usual_port(protocol: str, security: str) -> int:
    """Return the port that this protocol has with this encryption."""
    wanted = Mailbox.Security.TLS if security == Mailbox.Security.TLS else Mailbox.Security.STARTTLS
    return next(port for port, use in USUAL.items() if use == (protocol, wanted))


def odd_port(protocol: str, port: int, security: str) -> str:
    """Return what is unusual about a port, in a sentence; empty where nothing is."""
    if port not in USUAL or port == usual_port(protocol, security):
        return ""
    known, encryption = USUAL[port]
    said = _(
        "Port %(port)d is for %(protocol)s with %(encryption)s as a rule; for what is chosen it "
        "would be %(usual)d. Correct it, or send it once more as it is."
    )
    return said % {
        "port": port,
        "protocol": known.label,
        "encryption": "TLS" if encryption == Mailbox.Security.TLS else "STARTTLS",
        "usual": usual_port(protocol, security),
    }


def same_address(wanted: str) -> Channel | None:
    """Return the channel that has this address already."""
    key = address.normalise(wanted)
    return Channel.objects.select_related("project").filter(address_key=key).first()


def same_account(
    username: str, host: str, folder: str, except_for: Mailbox | None
) -> Mailbox | None:
    """Return another channel's mailbox that is the same folder of the same account."""
    others = Mailbox.objects.select_related("channel__project").filter(
        account_key=account_key(username, host), folder=folder
    )
    return (others.exclude(pk=except_for.pk) if except_for else others).first()


def address_taken(other: Channel) -> str:
    """Say which channel has the address."""
    said = _("This address is a channel of “%(project)s” already.")
    return said % {"project": other.project.name}


def read_by(other: Mailbox) -> str:
    """Say which channel reads the account."""
    said = _(
        "This mailbox is read already: by the channel %(address)s of “%(project)s”. Two would "
        "take each other’s mail."
    )
    return said % {"address": other.channel.address, "project": other.channel.project.name}
