"""A provider's answer to a message that was handed to its API, in our words.

The table is read from the top, and its first row that fits decides. A row may look at the
provider, at what it says of the recipient (django-anymail's status), at its own code, at the HTTP
status and at its words. Four things are kept apart: our account or its settings (`down`: nobody's
mail fails by it, all of it waits), the sender's domain or a rate (`temporary`), the message, and
the recipient's address. Only the last can block an address.

What a provider says later is in answers_provider_events.py.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from deskpost.mail.answers import (
    FULL,
    HARD,
    INVALID,
    LARGE,
    MAX_TEXT,
    NO_SUCH,
    POLICY,
    PROVIDER,
    RATE,
    TOO_LARGE,
    UNKNOWN,
    Answer,
    bare,
)
from deskpost.mail.answers_provider_events import Effect, EventMeaning, event
from deskpost.mail.words import one_line

__all__ = ["Effect", "EventMeaning", "event", "refused"]

LONGEST_WAIT: Final = 24 * 3600  # seconds, whatever a provider asks for

_KEY: Final = "Check the key in DESKPOST_RELAY or DESKPOST_PROJECT_RELAYS."
_ACCOUNT: Final = "See to the account at the provider."
_URL: Final = "Check the options in DESKPOST_RELAY or DESKPOST_PROJECT_RELAYS, such as api_url."
_DOMAIN: Final = "Have the provider verify the domain that the project sends from."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """What must fit (None: anything does), and what follows. `advice` is for site admins."""

    provider: str | None = None
    statuses: frozenset[str] | None = None  # of the recipient: rejected, invalid, failed, unknown
    codes: frozenset[str] | None = None
    http: tuple[int, int] | None = None  # from, to
    words: re.Pattern[str] | None = None
    kind: Literal["temporary", "permanent", "down"] = "permanent"
    reason: str | None = None
    suppress: str | None = None
    advice: str = ""


def _set(*some: str) -> frozenset[str]:
    return frozenset(some)


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# A provider's words for its own list, and for what it does not let an account or a sender do.
_LISTED: Final = _words(r"inactive (?:recipient|address)", r"hard.?bounce", r"suppress(?:ed|ion)")
_UNVERIFIED: Final = _words(
    r"(?:domain|address(?:es)?|sender|signature|identity|from)\b.{0,80}"
    r"(?:not (?:been )?|must be )(?:verified|validated|found|confirmed|authori[sz]ed)",
    r"(?:unverified|unauthori[sz]ed|unvalidated) (?:sender|sending|domain|from)",
    r"verified sender identity|sender (?:is )?(?:invalid|not valid)|unconfigured sending domain",
)
_UNPAID: Final = _words(
    r"(?:account|organi[sz]ation|subaccount|project).{0,40}"
    r"(?:suspend|disabl|block|pending|inactive|not active|frozen|paused|closed|under review)",
    r"not enough credits|insufficient (?:credit|balance|funds)|(?:sending )?(?:is )?paused",
)
_OF_RECIPIENT: Final = _words(
    r"['\"`]to['\"`].{0,40}(?:invalid|not (?:a )?valid)",
    r"\bto (?:address|parameter|field)\b.{0,40}(?:invalid|not (?:a )?valid)",
    r"(?:invalid|illegal|malformed|error parsing) ['\"`](?:to|recipient|rcpt)['\"`]",
    r"(?:invalid|illegal|malformed) recipient|recipients?\b.{0,40}(?:invalid|not (?:a )?valid)",
    r"personalizations\.\d+\.to|email is not valid in to|\bto\[\d+\]\.email",
    r"missing final '|local address contains|domain (?:contains|starts with|ends with)",
)

_TABLE: Final = (
    # The recipient: on the provider's list, or malformed.
    _Row(provider="postmark", codes=_set("406"), reason=PROVIDER, suppress=HARD),
    _Row(provider="mandrill", codes=_set("hard-bounce"), reason=PROVIDER, suppress=HARD),
    _Row(provider="mailersend", codes=_set("hard_bounced"), reason=PROVIDER, suppress=HARD),
    _Row(
        provider="unisender_go",
        codes=_set("permanent_unavailable"),
        reason=PROVIDER,
        suppress=HARD,
    ),
    _Row(
        provider="mandrill",
        codes=_set("invalid-sender", "unsigned"),
        kind="temporary",
        advice=_DOMAIN,
    ),
    _Row(
        provider="unisender_go",
        statuses=_set("failed"),
        codes=_set("temporary_unavailable"),
        kind="temporary",
    ),
    _Row(statuses=_set("invalid"), reason=INVALID),
    _Row(statuses=_set("rejected"), words=NO_SUCH, reason=PROVIDER, suppress=HARD),
    _Row(statuses=_set("rejected"), words=_LISTED, reason=PROVIDER, suppress=HARD),
    _Row(statuses=_set("rejected"), reason=PROVIDER),
    # Our account and its settings: nobody's mail fails by them.
    _Row(provider="postmark", codes=_set("10"), kind="down", advice=_KEY),
    _Row(provider="postmark", codes=_set("100"), kind="down"),
    _Row(provider="postmark", codes=_set("405", "412", "413"), kind="down", advice=_ACCOUNT),
    _Row(provider="postmark", codes=_set("1235", "1236"), kind="down", advice=_URL),
    _Row(provider="mandrill", codes=_set("Invalid_Key"), kind="down", advice=_KEY),
    _Row(provider="mandrill", codes=_set("PaymentRequired"), kind="down", advice=_ACCOUNT),
    _Row(
        provider="postal",
        codes=_set("AccessDenied", "InvalidServerAPIKey"),
        kind="down",
        advice=_KEY,
    ),
    _Row(provider="postal", codes=_set("ServerSuspended"), kind="down", advice=_ACCOUNT),
    _Row(provider="mailtrap", codes=_set("Unauthorized"), kind="down", advice=_KEY),
    _Row(
        provider="amazon_ses",
        codes=_set(
            "AccessDeniedException",
            "ExpiredTokenException",
            "IncompleteSignature",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationTokenException",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        kind="down",
        advice=_KEY,
    ),
    _Row(
        provider="amazon_ses",
        codes=_set("AccountSuspendedException", "SendingPausedException"),
        kind="down",
        advice=_ACCOUNT,
    ),
    _Row(provider="amazon_ses", codes=_set("NotFoundException"), kind="down", advice=_URL),
    # The sender's domain is one project's matter: the others' mail goes on.
    _Row(provider="postmark", codes=_set("400", "401"), kind="temporary", advice=_DOMAIN),
    _Row(
        provider="postal",
        codes=_set("UnauthenticatedFromAddress"),
        kind="temporary",
        advice=_DOMAIN,
    ),
    _Row(
        provider="amazon_ses",
        codes=_set("MailFromDomainNotVerifiedException"),
        kind="temporary",
        advice=_DOMAIN,
    ),
    # Rates and quotas: later.
    _Row(http=(429, 429), kind="temporary"),
    _Row(provider="postmark", codes=_set("429"), kind="temporary"),
    _Row(
        provider="amazon_ses",
        codes=_set("LimitExceededException", "Throttling", "ThrottlingException"),
        kind="temporary",
    ),
    _Row(provider="amazon_ses", codes=_set("TooManyRequestsException"), kind="temporary"),
    # HTTP says who cannot be served; what is wrong with a recipient is said with 400 and 422 too.
    _Row(http=(400, 400), words=_OF_RECIPIENT, reason=INVALID),
    _Row(http=(422, 422), words=_OF_RECIPIENT, reason=INVALID),
    # A sender who is not verified is told from a wrong key by the words.
    _Row(http=(400, 499), words=_UNVERIFIED, kind="temporary", advice=_DOMAIN),
    _Row(http=(400, 499), words=_UNPAID, kind="down", advice=_ACCOUNT),
    _Row(http=(401, 401), kind="down", advice=_KEY),
    _Row(http=(402, 402), kind="down", advice=_ACCOUNT),
    _Row(http=(403, 403), kind="down", advice=_KEY),
    _Row(http=(300, 399), kind="down", advice=_URL),
    _Row(http=(404, 405), kind="down", advice=_URL),
    _Row(http=(407, 407), kind="down", advice="Check the proxy that the server is to use."),
    _Row(http=(408, 408), kind="temporary"),
    _Row(http=(410, 410), kind="down", advice=_URL),
    _Row(http=(425, 425), kind="temporary"),
    _Row(http=(503, 503), kind="down"),  # it takes nothing just now
    _Row(http=(521, 523), kind="down"),  # a proxy before it says that it cannot be reached
    _Row(http=(500, 599), kind="temporary"),  # it may have taken the message
    # The message.
    _Row(http=(413, 413), reason=TOO_LARGE),
    _Row(words=FULL, kind="temporary"),  # a quota of the account
    _Row(words=RATE, kind="temporary"),
    _Row(http=(400, 499), words=LARGE, reason=TOO_LARGE),
    _Row(provider="postal", codes=_set("NoRecipients"), reason=INVALID),
    _Row(words=POLICY, reason=PROVIDER),
    _Row(statuses=_set("failed"), reason=PROVIDER),
    # It said yes, in words that nobody understands: it is asked again rather than believed.
    _Row(http=(200, 299), kind="temporary", advice=_URL),
    _Row(reason=UNKNOWN),
)


def refused(
    provider: str, *, http: int = 0, code: str = "", words: str = "", status: str = ""
) -> Answer:
    """What an answer that is not "taken" means.

    `http` is the status of the HTTP answer, 0 where there is none; `code` and `words` are the
    provider's own; `status` is what it says of the recipient, if anything: rejected, invalid,
    failed or unknown. The answer's code is empty, for no mail server has said anything. Never
    raises.
    """
    code, words = one_line(code[:100]), one_line(words[:MAX_TEXT])
    row = _row(provider, http, code, f"{code} {bare(words)}", status)
    said = ", ".join(filter(None, [f"HTTP {http}" if http else "", code, status]))
    return Answer(
        kind=row.kind,
        reason=row.reason,
        suppress=row.suppress,
        text=" ".join(filter(None, [f"{provider} ({said}):" if said else "", words, row.advice])),
        provider=provider,
    )


def _row(provider: str, http: int, code: str, words: str, status: str) -> _Row:
    for row in _TABLE:
        if row.provider not in (None, provider):
            continue
        if row.statuses is not None and status not in row.statuses:
            continue
        if row.codes is not None and code not in row.codes:
            continue
        if row.http is not None and not row.http[0] <= http <= row.http[1]:
            continue
        if row.words is None or row.words.search(words):
            return row
    raise AssertionError("the last row fits everything")
