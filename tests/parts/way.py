"""What tests of the one way out (deskpost.net) share: allowed networks, answers of DNS, faults."""

import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from deskpost import net


def allow(settings: Settings, *networks: str, ca_file: Path | None = None) -> None:
    """Allow private addresses in these networks only, and trust the authorities in `ca_file`."""
    chosen = tuple(ip_network(network) for network in networks)
    settings.DESKPOST = {**settings.DESKPOST, "ALLOW_PRIVATE_HOSTS": chosen, "CA_FILE": ca_file}


def answer_with(monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> list[str]:
    """Answer each question to DNS with the next list of addresses, and again with the last;
    return the list of names that are asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        ips = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def fault(work: Callable[[], object]) -> net.Fault:
    """Return the Fault that the work raises; it must raise one."""
    with pytest.raises(net.Fault) as caught:
        work()
    return caught.value
