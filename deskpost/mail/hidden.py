"""Secrets taken out of words that may repeat them."""

from collections.abc import Iterable
from typing import Final

LEAST: Final = 8  # characters of a secret's beginning: words may have been cut within it
SHORTEST: Final = 4  # what is shorter would be found within other words


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return the text with *** for each secret, and for the beginning of one that was cut."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            for size in range(len(secret), min(len(secret), LEAST) - 1, -1):
                text = text.replace(secret[:size], "***")
    return text
