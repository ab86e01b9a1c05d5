"""What a POP3 server that lies about sizes may cost."""

from __future__ import annotations

from typing import Any

import pytest

from deskpost.inbound.channels.pop3.source import Pop3Source
from deskpost.inbound.channels.pop3.wire import Answer, Block
from deskpost.inbound.channels.source import Account
from deskpost.net import Fault
from deskpost.problems import Problem


class Liar:
    """Lists messages of 100 bytes, and gives 1 MiB each."""

    is_open = True

    def ask(self, command: str, seconds: float = 0) -> Answer:
        self.command = command
        return Answer(True, b"")

    def block(self, most: int, seconds: float = 0) -> Block:
        if self.command == "LIST":
            lines = b"".join(b"%d 100\r\n" % n for n in range(1, 51))
            return Block(lines, len(lines))
        return Block(bytes(1024 * 1024), 1024 * 1024)

    def strange(self, said: bytes) -> None:
        raise Fault(Problem.STRANGE_ANSWER, said.decode())


def test_messages_that_are_larger_than_listed_do_not_fill_the_memory() -> None:
    account = Account(
        protocol="pop3", host="x.test", port=995, security="tls", username="u", password="p"
    )
    wire: Any = Liar()
    uids = {n: b"u%d" % n for n in range(1, 51)}
    source = Pop3Source(wire, account, uids, pipelines=False)
    items = source.look().items
    limit = 1024 * 1024
    with pytest.raises(Fault) as caught:
        source.fetch(items, limit)
    assert caught.value.problem == Problem.STRANGE_ANSWER
    assert source.fetch(items[:1], limit)[0].raw == bytes(limit)
