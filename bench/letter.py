"""The notification that the outbound bench sends: a project's own template of about 6 KB, in
Liquid, and the people, requests and comments that fill it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SUBJECT = "{{ request.key }} {{ request.summary }}"

TEXT = """\
Hello {{ person.name }},

{{ comment.author }} wrote on your request {{ request.key }}, "{{ request.summary }}":

{{ comment.text }}

Request: {{ request.key }}
About: {{ request.summary }}
Status: {{ request.status }}

{% if request.is_resolved %}The request is resolved. If something is still open, answer this mail.
{% else %}To add something, answer this mail; what you write above the line reaches us.
{% endif %}
You can reach {{ project.name }} on working days from 9 to 17, by mail to {{ project.address }}.
"""

_BUTTON = "display: inline-block; padding: 10px 18px; background-color: #0a5c4e; color: #ffffff"
_LABEL = "padding: 6px 12px 6px 0; font-size: 13px; line-height: 20px; color: #566159; width: 120px"
_VALUE = "padding: 6px 0; font-size: 15px; line-height: 22px; color: #17201b"
_HELLO = "margin: 0 0 16px; font-size: 17px; line-height: 26px"
_GO = "margin: 22px 0"
_RULE = "border-top: 1px solid #d6ddd2; margin: 20px 0 0; padding: 14px 0 0"
_NOTE = "font-size: 13px; line-height: 20px; color: #566159; margin: 10px 0"


def _row(label: str, value: str) -> str:
    return (
        f'<tr><td style="{_LABEL}" valign="top">{label}</td>'
        f'<td style="{_VALUE}" valign="top">{value}</td></tr>\n'
    )


_ADVICE = (
    "Please keep the key of the request in the subject, so that your answer finds its way.",
    "Pictures help: a photograph of the label and of the display tells us more than many words.",
    "If it cannot wait, say so in the first line; somebody reads new mail every half hour.",
    "We never ask for a password, in a mail or on the telephone. Who does is not one of us.",
    "Replacements leave the store room on Tuesdays and Thursdays, each time before noon.",
    "When the printer shows a code of two letters and three digits, write it down before you "
    "switch it off: it is gone afterwards, and it is what the manufacturer asks for first.",
    "What is in the drawer under the printer belongs to it: spare rolls, the cleaning pen, and the "
    "card with the number of the machine, by which we know what is built into it.",
    "On the last Friday of a month the network is looked after from 18 to 20, and printing may "
    "stop for some minutes without anything being wrong.",
)

HTML = (
    f"""\
<p style="{_HELLO}"><b>Hello {{{{ person.name }}}},</b></p>
<p>{{{{ comment.author }}}} wrote on your request <b>{{{{ request.key }}}}</b>:</p>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
<tr><td class="said">{{{{ comment.text | newline_to_br }}}}</td></tr>
</table>
<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="{_RULE}; width: 100%">
"""
    + _row("Request", "{{ request.key }}")
    + _row("About", "{{ request.summary }}")
    + _row("Status", "{{ request.status }}")
    + _row("Asked by", "{{ person.name }}")
    + _row("Answered by", "{{ comment.author }}")
    + _row("Team", "{{ project.name }}")
    + f"""\
</table>
<p style="{_GO}"><a href="mailto:{{{{ project.address }}}}" style="{_BUTTON}">Answer</a></p>
{{% if request.is_resolved %}}<p>The request is resolved. If something is still open, answer.</p>
{{% else %}}<p>To add something, answer this mail; what you write above the line reaches us.</p>
{{% endif %}}<div style="{_RULE}">
"""
    + "".join(f'<p style="{_NOTE}">{one}</p>\n' for one in _ADVICE * 2)
    + f"""\
<p style="{_NOTE}">You can reach {{{{ project.name }}}} on working days from 9 to 17, by mail to
<a href="mailto:{{{{ project.address }}}}">{{{{ project.address }}}}</a>.</p>
</div>
"""
)

PER_REQUEST = 10  # people who are told of one comment


def requests(count: int) -> Iterator[dict[str, Any]]:
    """Yield so many requests, each with a summary, a comment, and the names and addresses of the
    people who are told of it."""
    for number in range(1, count // PER_REQUEST + 1):
        yield {
            "number": number,
            "summary": f"The label printer of room {number} swallows every third label",
            "text": f"Hello,\n\nplease clean the sensor <behind the flap> of printer {number} & "
            "try again. If that does not help, we bring you another one.\n\nKind regards,\nBen",
            "people": [
                (f"Customer {number} {n}", f"customer{number}.{n}@customer.test")
                for n in range(PER_REQUEST)
            ],
        }
