"""DKIM: our own signature on a message (RFC 6376, rsa-sha256, relaxed/relaxed)."""

import base64
from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from deskpost.mail.dkim import DOMAIN, signed_data
from deskpost.mail.dkimcanon import Message

# What is signed of the headers that are there, each as often as it is there. RFC 8058, section 4,
# wants both List-Unsubscribe headers among them.
SIGNED: Final = (
    "from",
    "to",
    "subject",
    "date",
    "reply-to",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "auto-submitted",
    "feedback-id",
)
LINE: Final = 76  # characters of a folded line, as far as it can be folded

_FORM: Final = "relaxed"
_NAME: Final = b"DKIM-Signature"
_FOLD: Final = "\r\n\t"


def sign(message: bytes, *, domain: str, selector: str, key: RSAPrivateKey, now: float) -> bytes:
    """Return the message with a signature in front: who changes it now is found out.

    `domain` and `selector` are lower-case ASCII, `now` is in seconds of the epoch. The signature
    does not expire. Raises ValueError for a name that DKIM does not know, and for a message that
    is no sound one: without exactly one From, or with lines among its headers that are none.
    """
    if not DOMAIN.fullmatch(domain) or not DOMAIN.fullmatch(selector):
        raise ValueError("not the names of a domain and a selector")
    read = Message(message)
    if not _is_sound(read, message):
        raise ValueError("the headers cannot be signed")
    names = _names(read)
    digest, _ = read.body_digest(_FORM)
    tags = (
        f"v=1; a=rsa-sha256; c={_FORM}/{_FORM}; t={int(now)}",
        f"d={domain}; s={selector}",
        "h=" + _folded(names),
        f"bh={_base64(digest)}",
        "b=",
    )
    value = (" " + f";{_FOLD}".join(tags)).encode("ascii")
    data = signed_data(read, names, (_NAME, value), form=_FORM)
    proof = _FOLD.join(_cut(_base64(key.sign(data, PKCS1v15(), SHA256()))))
    return b"".join((_NAME, b":", value, proof.encode("ascii"), b"\r\n", message))


def _is_sound(read: Message, message: bytes) -> bool:
    """Whether every program sees the headers that we see: then all sign and show the same."""
    head = b"".join(b"%b:%b" % header for header in read.headers)
    ends = message[len(head) : len(head) + 2]
    whole = message.startswith(head) and (ends == b"\r\n" or ends[:1] == b"\n")
    return whole and read.count(b"from") == 1


def _names(read: Message) -> list[str]:
    """The names of h=: From once more than it is there, so that no other can be added on the way
    and be shown in its place (RFC 6376, section 8.15)."""
    found = [name for name in SIGNED for _ in range(read.count(name.encode("ascii")))]
    return ["from", *found]


def _folded(names: list[str]) -> str:
    """The list of h= on lines of their own; white space may stand behind a colon."""
    lines = [""]
    for at, name in enumerate(names):
        piece = name if at == len(names) - 1 else f"{name}:"
        if len(lines[-1]) + len(piece) > LINE:
            lines.append("")
        lines[-1] += piece
    return f"{_FOLD} ".join(lines)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _cut(text: str) -> Iterator[str]:
    return (text[at : at + LINE - 2] for at in range(0, len(text), LINE - 2))
