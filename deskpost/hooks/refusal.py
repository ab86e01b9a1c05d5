"""How a call is refused."""

from __future__ import annotations

UNREADABLE = "The payload is not what this provider sends."


class Refusal(Exception):
    """The call is not taken: with this status, and one plain sentence for the provider's log."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.sentence = status, sentence
        super().__init__(f"{status} {sentence}")
