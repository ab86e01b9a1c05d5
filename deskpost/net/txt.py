"""What DNS says at a name right now, for a person who waits for it: nothing is kept.

What arriving mail is checked by has its own lookups, many at a time and with a memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import dns.exception
import dns.nameserver
import dns.resolver

ONE_TRY: Final = 1.5  # seconds before a resolver is asked again
EDNS_PAYLOAD: Final = 1232  # octets: what passes everywhere without fragments
MOST: Final = 20  # texts that are read


class Unanswered(Exception):
    """DNS gave no answer to use; says what happened."""


def texts(name: str, *, resolvers: Sequence[str] = (), seconds: float) -> list[bytes]:
    """Return the TXT records at a name, each as one text; none where there are none.

    `resolvers` are `host:port`; none means the system's. Takes at most `seconds`. Raises
    Unanswered where DNS fails, is silent, or answers with what cannot be read.
    """
    try:
        answer = _resolver(resolvers).resolve(
            name.removesuffix(".") + ".",
            "TXT",
            lifetime=seconds,
            search=False,
            raise_on_no_answer=False,
        )
        return [b"".join(record.strings) for record in list(answer.rrset or ())[:MOST]]
    except dns.resolver.NXDOMAIN:
        return []
    except dns.exception.Timeout as error:
        raise Unanswered("no answer in time") from error
    except dns.resolver.NoNameservers as error:
        raise Unanswered("the name servers failed") from error
    except Exception as error:  # whatever an answer makes dnspython do
        raise Unanswered(type(error).__name__) from error


def _resolver(addresses: Sequence[str]) -> dns.resolver.Resolver:
    found = dns.resolver.Resolver(configure=not addresses)
    if addresses:
        found.nameservers = [_server(one) for one in addresses]
    found.timeout = ONE_TRY
    found.use_edns(0, 0, EDNS_PAYLOAD)
    return found


def _server(address: str) -> dns.nameserver.Nameserver:
    host, _, port = address.rpartition(":")
    return dns.nameserver.Do53Nameserver(host.strip("[]"), int(port))
