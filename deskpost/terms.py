"""What a search index knows of a text: grams, so that a part of a word is found in any script.

Pure. `normal` makes texts comparable, `grams` says what a text holds, `wanted` what each text that
holds a word must hold. A gram is three characters of a word, or one and two of the scripts that
write without blanks; and the beginning of each word, two characters with a mark before them.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator

# Thai to Myanmar, Khmer, kana, Han, Hangul: no blanks, or words of few characters.
_DENSE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUNS = re.compile(rf"([{_DENSE}]+)|([^\W_{_DENSE}]+)")
BEGINS = "^"
GRAM, DENSE_GRAM, BEGINNING = 3, 2, 2
ENOUGH = 8  # grams of a word that are asked for: each costs, and these leave few others
TEXT_LIMIT = 600  # characters of a text that are searched


def normal(text: str) -> str:
    """Return a text as it is compared: compatibility forms are one (NFKC), no case, one blank
    between words, nothing that cannot be seen."""
    folded = unicodedata.normalize("NFKC", text[:TEXT_LIMIT]).casefold()
    seen = "".join(c if c.isprintable() else " " for c in folded)
    return " ".join(seen.split())[:TEXT_LIMIT]


def grams(text: str) -> set[str]:
    """Return the grams of a normal text."""
    found: set[str] = set()
    for dense, run in _runs(text):
        if dense:
            found.update(run)
            found.update(_slices(run, DENSE_GRAM))
        else:
            found.update(_slices(run, GRAM))
            if len(run) >= BEGINNING:
                found.add(BEGINS + run[:BEGINNING])
    return found


def wanted(word: str) -> set[str]:
    """Return grams that each normal text has that holds the normal word anywhere: at most
    ENOUGH, from all over it; none if the word has too little to go by."""
    found: dict[str, None] = {}  # in order
    for n, (dense, run) in enumerate(_runs(word)):
        if dense:
            found |= dict.fromkeys(_slices(run, DENSE_GRAM) if len(run) >= DENSE_GRAM else run)
            continue
        found |= dict.fromkeys(_slices(run, GRAM))
        # The first run may be the end of a longer word; each other one begins where it begins.
        if len(run) >= BEGINNING and (n or not word.startswith(run)):
            found[BEGINS + run[:BEGINNING]] = None
    every = list(found)
    return set(every[:: -(-len(every) // ENOUGH) or 1])


def beginning(word: str) -> str | None:
    """Return the gram of a word of two letters, which is found at the beginning of words only;
    None for any other word."""
    runs = list(_runs(word))
    if len(runs) != 1 or runs[0] != (False, word) or len(word) != BEGINNING:
        return None
    return BEGINS + word


def token(scope: str, leaf: str) -> int:
    """Return the number under which a leaf (a gram, or a property) stands in the index, 32 bits
    with a sign. Two leaves may have one number: whoever finds by it looks at the text itself."""
    number = zlib.crc32(f"{scope}\0{leaf}".encode("utf-8", "surrogatepass"))
    return number - (1 << 32) if number >= 1 << 31 else number


def tokens(scope: str, leaves: Iterable[str]) -> list[int]:
    """Return the numbers of the leaves, in order, each once."""
    return sorted({token(scope, leaf) for leaf in leaves})


def _runs(text: str) -> Iterator[tuple[bool, str]]:
    for match in _RUNS.finditer(text):
        yield match[1] is not None, match[0]


def _slices(run: str, size: int) -> list[str]:
    return [run[n : n + size] for n in range(len(run) - size + 1)]
