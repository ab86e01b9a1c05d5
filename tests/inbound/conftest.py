"""A DNS server and a key for the tests of DMARC."""

from collections.abc import Iterator

import pytest

from deskpost.inbound import dmarc_dns
from tests.inbound.letters import Key, rsa_key
from tests.parts.dns import NameServer


@pytest.fixture(scope="session")
def key() -> Key:
    return rsa_key(2048)


@pytest.fixture
def names() -> Iterator[NameServer]:
    dmarc_dns.CACHE.clear()
    with NameServer() as server:
        yield server
    dmarc_dns.CACHE.clear()
