"""A way to a server that breaks after so many bytes of what the server says."""

import socket
import threading
from contextlib import suppress
from typing import Self


class Cut:
    """Passes connections on to `port` of 127.0.0.1, until `after` bytes came back on one of them.

    `after` may be set at any time: it counts from then on; None never cuts.
    """

    def __init__(self, port: int, after: int | None = None) -> None:
        self._to = port
        self.after = after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                return
            threading.Thread(target=self._out, args=(near, far), daemon=True).start()
            threading.Thread(target=self._back, args=(near, far), daemon=True).start()

    def _out(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while said := near.recv(65536):
                far.sendall(said)
        _end(near, far)

    def _back(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while said := far.recv(65536):
                if self.after is not None:
                    said = said[: self.after]
                    self.after -= len(said)
                near.sendall(said)
                if self.after == 0:
                    break
        _end(near, far)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *problem: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _end(*socks: socket.socket) -> None:
    for sock in socks:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
