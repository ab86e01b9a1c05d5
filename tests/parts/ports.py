"""Free ports on the loopback address."""

import socket

HOST = "127.0.0.1"


def free() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on.

    The port is let go again before the caller takes it. The system hands ports out in turn, so
    that two callers at the same time get two.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def answers(port: int) -> bool:
    """Say whether something accepts connections on this port of 127.0.0.1."""
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False
