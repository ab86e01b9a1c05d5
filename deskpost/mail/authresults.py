"""Authentication-Results: what another server found out about a message (RFC 8601)."""

import re
from dataclasses import dataclass
from typing import Final

MAX_HEADER: Final = 16_384  # characters of one header that are read
MAX_RESULTS: Final = 100
MAX_PROPERTIES: Final = 100  # of one result
MAX_VALUE: Final = 500  # characters of one value that are kept

# A quoted string (closed or not), a backslash pair, one of the characters that mean something,
# white space, or a run of anything else.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|\\.|[();=]|\s++|[^"\\();=\s]++', re.DOTALL)
_UNQUOTE = re.compile(r"\\(.)", re.DOTALL)
_METHOD = re.compile(r"([A-Za-z0-9-]{1,63})(?:/[0-9]{1,9})?")
_COMMENT_FIELD = re.compile(r"(?<![A-Za-z])([A-Za-z]{1,20})=([A-Za-z0-9._-]{1,253})")


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """One result: `dmarc=fail` with what stands beside it.

    `properties` are those such as header.from, by name in lower case; what only a comment says,
    as in `(p=reject dis=none)`, is in `comment`.
    """

    method: str
    result: str
    properties: dict[str, str]
    comment: str

    def said(self, name: str) -> str:
        """What the comment says for a name, in lower case, or ""."""
        for found, value in _COMMENT_FIELD.findall(self.comment):
            if found.lower() == name:
                return str(value).lower()
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthResults:
    """The server that vouches for the results (authserv-id, in lower case), and these."""

    server: str
    results: tuple[MethodResult, ...]

    def of(self, method: str) -> tuple[MethodResult, ...]:
        """The results of one method, in order."""
        return tuple(result for result in self.results if result.method == method)


def read(value: str) -> AuthResults | None:
    """Read the value of one header, or None where it names no server. Never raises.

    Whether the header may be believed is for the caller to judge: anyone can write one.
    """
    pieces = _pieces(value[:MAX_HEADER])
    server = _server(pieces[0])
    if not server:
        return None
    found = [result for piece in pieces[1:] if (result := _result(piece)) is not None]
    return AuthResults(server=server, results=tuple(found))


@dataclass(slots=True)
class _Piece:
    """What stands between two semicolons: its tokens outside comments, and the comments."""

    tokens: list[str]
    comments: list[str]


def _pieces(value: str) -> list[_Piece]:
    """Cut at the semicolons outside quotes and comments; comments may be nested."""
    found, depth = [_Piece([], [])], 0
    for match in _TOKEN.finditer(value):
        word, piece = match[0], found[-1]
        if word in "()" and (depth or word == "("):
            depth += 1 if word == "(" else -1
        elif depth:
            piece.comments.append(word)
        elif word == ";":
            if len(found) > MAX_RESULTS:
                break
            found.append(_Piece([], []))
        else:
            piece.tokens.append(word)
    return found


def _server(piece: _Piece) -> str:
    """The authserv-id; a version or more may follow it. A result is no server."""
    words = [_text(word) for word in piece.tokens if not word.isspace()]
    if not words or "=" in words[:2]:
        return ""
    return words[0].lower()[:MAX_VALUE]


def _result(piece: _Piece) -> MethodResult | None:
    tokens = [token for token in piece.tokens if not token.isspace()]
    named = _METHOD.fullmatch("".join(tokens[: tokens.index("=")])) if "=" in tokens else None
    if named is None:
        return None
    pairs = _pairs(tokens)
    result = pairs[0][1]
    properties: dict[str, str] = {}
    for name, value in pairs[1 : MAX_PROPERTIES + 1]:
        properties.setdefault(name, value)
    return MethodResult(
        method=named[1].lower(),
        result=result.lower(),
        properties=properties,
        comment="".join(piece.comments).strip()[:MAX_VALUE],
    )


def _pairs(tokens: list[str]) -> list[tuple[str, str]]:
    """Names and values around each equals sign; a value may itself hold one, as b= of DKIM does."""
    found: list[tuple[str, str]] = []
    at = 1
    while at < len(tokens):
        if tokens[at] == "=" and tokens[at - 1] != "=":
            value = _text(tokens[at + 1])[:MAX_VALUE] if at + 1 < len(tokens) else ""
            found.append((tokens[at - 1].lower()[:MAX_VALUE], "" if value == "=" else value))
            at += 1
        at += 1
    return found


def _text(token: str) -> str:
    """A token without its quotes and backslashes."""
    if token.startswith('"'):
        token = token[1:-1] if len(token) > 1 and token.endswith('"') else token[1:]
    return _UNQUOTE.sub(r"\1", token)
