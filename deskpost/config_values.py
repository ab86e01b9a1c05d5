"""How the text of a DESKPOST_* variable becomes a value: one reader for each kind.

A reader raises ValueError with what is wrong; config.py says of which variable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import time
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

MIB = 1024 * 1024


def text(value: str) -> str:
    return value


def path(value: str) -> Path:
    return Path(value).expanduser().resolve()


def optional_path(value: str) -> Path | None:
    if not value:
        return None
    found = path(value)
    if not found.is_file():
        raise ValueError(f"there is no file {found}")
    return found


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers within the two bounds, both allowed."""

    def read(value: str) -> int:
        if not re.fullmatch(r"\d{1,12}", value):
            raise ValueError("it is not a whole number")
        if not least <= int(value) <= most:
            raise ValueError(f"it must lie between {least} and {most}")
        return int(value)

    return read


def size(value: str) -> int:
    """Read bytes, as in `6MiB`, `512KiB` or `1000`."""
    match = re.fullmatch(r"(\d{1,12})\s*(B|KiB|MiB|GiB)?", value)
    if not match or int(match[1]) == 0:
        raise ValueError("it is not a size in B, KiB, MiB or GiB")
    return int(match[1]) * {"B": 1, "KiB": 1024, "MiB": MIB, "GiB": 1024 * MIB}[match[2] or "B"]


def switch(value: str) -> bool:
    if value.lower() in {"on", "yes", "true", "1"}:
        return True
    if value.lower() in {"off", "no", "false", "0"}:
        return False
    raise ValueError("it is neither on nor off")


def choice(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError("it must be one of: " + ", ".join(allowed))
        return value

    return read


def zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("there is no such time zone") from error
    return value


def clock(value: str) -> time:
    """Read a time of day, as in `06:00`."""
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value)
    if not match:
        raise ValueError("it is not a time of day from 00:00 to 23:59")
    return time(int(match[1]), int(match[2]))


def domain(value: str) -> str:
    if not re.fullmatch(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]+", value):
        raise ValueError("it is not a domain name in lower case")
    return value


def host(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:_-]{1,253}", value):
        raise ValueError("it is not a host name or an IP address")
    return value


def servers(value: str) -> tuple[str, ...]:
    """Read `192.0.2.53:53, [2001:db8::53]:53`: IP addresses with their ports."""
    found = tuple(one.strip() for one in value.split(",") if one.strip())
    for one in found:
        host, _, port = one.rpartition(":")
        if not re.fullmatch(r"\d{1,5}", port) or not 1 <= int(port) <= 65535:
            raise ValueError("each needs an IP address and a port")
        ip_address(host.removeprefix("[").removesuffix("]"))
    return found


def fernet_keys(value: str) -> tuple[bytes, ...]:
    """Read Fernet keys (32 bytes in URL-safe base64) with commas between them."""
    found = tuple(one.strip().encode() for one in value.split(",") if one.strip())
    for one in found:
        if not re.fullmatch(rb"[A-Za-z0-9_-]{43}=", one):
            raise ValueError("each key is 44 characters of URL-safe base64 (cryptography’s Fernet)")
    return found


def networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read `10.0.0.0/8, fd00::/8`; `on` is every address, `off` or nothing is none."""
    if value.lower() in {"", "off", "no"}:
        return ()
    if value.lower() in {"on", "yes"}:
        return (ip_network("0.0.0.0/0"), ip_network("::/0"))
    return tuple(ip_network(one.strip()) for one in value.split(",") if one.strip())


def endpoints(value: str) -> tuple[str, str]:
    """Read the addresses of an OAuth 2 server: where people authorise, and where tokens are."""
    found = value.split()
    if len(found) != 2:
        raise ValueError("it needs two addresses with a space between: authorisation and token")
    return base_url(found[0]), base_url(found[1])


def mail_servers(value: str) -> tuple[tuple[str, int], tuple[str, int]]:
    """Read `imap.example.test:993 pop.example.test:995`: the servers for IMAP and for POP3."""
    found = [re.fullmatch(r"([A-Za-z0-9._-]{1,253}):(\d{1,5})", one) for one in value.split()]
    if len(found) != 2 or not found[0] or not found[1]:
        raise ValueError("it needs two servers with their ports: IMAP and POP3")
    return (found[0][1], int(found[0][2])), (found[1][1], int(found[1][2]))


# Webhook providers, and the settings without which nobody could tell their calls from anyone's.
WEBHOOKS: Mapping[str, tuple[str, ...]] = {
    "amazon_ses": ("WEBHOOK_SECRET",),
    "mailgun": ("MAILGUN_SIGNING_KEY",),
    "postal": ("POSTAL_WEBHOOK_KEY",),
    "postmark": ("WEBHOOK_SECRET",),
    "resend": ("RESEND_API_KEY", "RESEND_SIGNING_SECRET"),
    "sendgrid": ("WEBHOOK_SECRET",),
}


def webhooks(value: str) -> tuple[str, ...]:
    found = tuple(one.strip() for one in value.split(",") if one.strip())
    if unknown := [one for one in found if one not in WEBHOOKS]:
        raise ValueError(f"{unknown[0]!r} is none of: " + ", ".join(WEBHOOKS))
    return found


def webhook_secret(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z0-9._~-]+:[A-Za-z0-9._~-]{16,}", value):
        raise ValueError(
            "it needs a name, a colon and 16 or more letters, digits or characters of . _ ~ -"
        )
    return value


def svix_secret(value: str) -> str:
    if value and not re.fullmatch(r"whsec_[A-Za-z0-9+/]{22,}={0,2}", value):
        raise ValueError("it is not a signing secret: whsec_ and 16 bytes or more in Base64")
    return value


def public_key(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z0-9+/]{30,}={0,2}", value):
        raise ValueError("it is not a public key in Base64, without its first and last line")
    return value


def address(value: str) -> str:
    if not re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,253}", value):
        raise ValueError("it is not an email address")
    return value


def base_url(value: str) -> str:
    parts = _split(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it is not an http or https address")
    return value.rstrip("/")


def _split(value: str) -> SplitResult:
    parts = urlsplit(value)
    if parts.port == 0:
        raise ValueError("port 0 cannot be used")
    return parts


def optional(read: Callable[[str], str]) -> Callable[[str], str]:
    return lambda value: read(value) if value else ""


def database(value: str) -> dict[str, Any]:
    """Read `postgresql://user:pass@host:port/name`, or the path of an SQLite file; `""` is ours."""
    if not value or "://" not in value or value.startswith("sqlite:///"):
        name = value.removeprefix("sqlite:///")
        return {"engine": "sqlite", "name": str(path(name)) if name else ""}
    parts = _split(value)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("only postgresql:// and sqlite:/// are known")
    if not parts.path.strip("/"):
        raise ValueError("it names no database")
    return {
        "engine": "postgresql",
        "name": unquote(parts.path.strip("/")),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": parts.hostname or parse_qs(parts.query).get("host", [""])[0],
        "port": str(parts.port or ""),
    }
