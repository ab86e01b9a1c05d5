"""A TCP server on the loopback address that does to each connection what a test says."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

Handler = Callable[[socket.socket], None]


@contextlib.contextmanager
def listening(handler: Handler, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Serve connections, each in a thread of its own, while the context lasts; give the port.

    The connection is closed when `handler` returns.
    """
    with socket.create_server((host, port)) as server:
        found: int = server.getsockname()[1]
        connections: list[socket.socket] = []
        threads = [threading.Thread(target=_accept, args=(server, handler, connections))]
        threads[0].start()
        try:
            yield found
        finally:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
            for connection in connections:  # or else a silent handler would wait for ever
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            threads[0].join(5)


def _accept(server: socket.socket, handler: Handler, connections: list[socket.socket]) -> None:
    threads = []
    while True:
        try:
            connection, _ = server.accept()
        except OSError:  # closed
            break
        connections.append(connection)
        threads.append(threading.Thread(target=_handle, args=(handler, connection)))
        threads[-1].start()
    for thread in threads:
        thread.join(5)


def _handle(handler: Handler, connection: socket.socket) -> None:
    with contextlib.suppress(OSError), connection:
        handler(connection)


def silent(connection: socket.socket) -> None:
    """Read all that comes and say nothing."""
    while connection.recv(1 << 16):
        pass


def with_tls(
    handler: Handler, folder: Path, most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> Handler:
    """Return a handler that begins TLS with the certificate in `folder` (parts.certificates)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.maximum_version = most

    def secured(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
            handler(tls)

    return secured
