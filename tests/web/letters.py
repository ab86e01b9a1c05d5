"""Messages for the tests of the preview, and the addresses of its views."""

from __future__ import annotations

import base64
from email.message import EmailMessage

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def letter(html: str = "", text: str = "Hello", **headers: str) -> EmailMessage:
    """Return a message with a text and, if given, the same as HTML."""
    message = EmailMessage()
    message["From"] = "Ann <ann@x.test>"
    message["To"] = "it@desk.test"
    message["Subject"] = "Printer"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def with_image(html: str, cid: str = "<one@x.test>") -> EmailMessage:
    """Return a message whose HTML may name one image of its own."""
    message = letter(html)
    part = message.get_payload()[1]  # type: ignore[index]
    assert isinstance(part, EmailMessage)
    part.add_related(PIXEL, "image", "png", cid=cid, filename="one.png")
    return message
