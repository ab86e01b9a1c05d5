"""An IMAP server that says what a test has it say, for what real servers do on bad days only."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

CLOSE = b"\0close"  # at the end of an answer: hang up
SILENCE = b"\0silence"  # as an answer: say nothing
SELECTED = b"""* 3 EXISTS\r
* 0 RECENT\r
* OK [UIDVALIDITY 77] UIDs valid\r
* OK [UIDNEXT 10] Predicted next UID\r
* OK [PERMANENTFLAGS (\\Seen \\Deleted)] Limited\r
%T OK [READ-WRITE] Selected\r
"""
CAPABLE = b"* CAPABILITY IMAP4rev1 %s\r\n%%T OK done\r\n"
USUAL: Mapping[str, bytes] = {
    "": b"* OK ready\r\n",
    "CAPABILITY": CAPABLE % b"SASL-IR AUTH=PLAIN IDLE UIDPLUS MOVE",
    "SELECT": SELECTED,
    "IDLE": b"+ idling\r\n",
    "LOGOUT": b"* BYE so long\r\n%T OK done\r\n" + CLOSE,
}


class ImapServer:
    """Answers each command as `answers` has it: "" is the greeting, "UID FETCH" two words, and "+"
    a line that it asked for with "+". "%T" stands for the tag; what is not there is OK.

    `heard` are the lines that came.
    """

    def __init__(self, answers: Mapping[str, bytes]) -> None:
        self.answers = {**USUAL, **answers}
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        with suppress(OSError), sock, sock.makefile("rb") as lines:
            asked, tag = self._say(sock, "", b"*"), b"*"
            for line in lines:
                self.heard.append(line.strip())
                words = line.split()
                if asked:
                    name = "+"
                elif len(words) < 2:
                    continue
                else:
                    tag, name = words[0], words[1].decode().upper()
                    if name == "UID":
                        name += " " + words[2].decode().upper()
                asked = self._say(sock, name, tag)

    def _say(self, sock: socket.socket, name: str, tag: bytes) -> bool:
        answer = self.answers.get(name, b"%T OK done\r\n").replace(b"%T", tag)
        if answer == SILENCE:
            return False
        sock.sendall(answer.removesuffix(CLOSE))
        if answer.endswith(CLOSE):
            sock.shutdown(socket.SHUT_RDWR)
        return answer.startswith(b"+")

    def say(self, line: bytes) -> None:
        """Say something unasked, on every connection."""
        for sock in self._open:
            with suppress(OSError):
                sock.sendall(line)

    def hang_up(self) -> None:
        """End every connection."""
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._thread.join(5)


@contextmanager
def imap_server(answers: Mapping[str, bytes]) -> Iterator[ImapServer]:
    """Run one."""
    server = ImapServer(answers)
    server.start()
    try:
        yield server
    finally:
        server.stop()
