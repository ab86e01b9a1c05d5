"""A template that grows beyond what a site may send: short to write, and long once it is made."""

from __future__ import annotations

from collections.abc import Mapping

# Of the 10,000 turns that a template's loops may have, and of the characters of its text.
TURNS = 9_000
MOST_RULES = 60_000

KIND = "request_reopened"
_RULE = (
    "keep the fenders out, the gangway lit, the hatches closed and the crane clear; report oil on "
    "the water, loose lines and strangers on the pier to the harbour office at once. "
)
_TEXT = """\
{{{{ request.key }}}} is open again.

{{% capture rules %}}{rules}{{% endcapture %}}\
Before you come to the quay, please read the rules of every berth:
{{% for berth in (1..{turns}) %}}
Berth {{{{ berth }}}}: {{{{ rules }}}}{{% endfor %}}
"""


def template(limit: int) -> Mapping[str, str]:
    """Return subject, text and HTML of a template whose messages are larger than so many bytes,
    as far as templates can be."""
    size = min(limit // TURNS + 1, MOST_RULES)
    rules = (_RULE * (size // len(_RULE) + 1)).strip()
    return {
        "subject": "{{ request.key }} {{ request.summary }}",
        "text": _TEXT.format(rules=rules, turns=TURNS),
        "html": "<p>{{ request.key }} is open again. The rules of every berth are in the text.</p>",
    }
