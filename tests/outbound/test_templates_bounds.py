"""A template may not end the process, nor hold it up: what would is refused before.

Each is tried in a child, since what is not refused in time would take the tests with it.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deskpost.models import Project
from deskpost.outbound import templates, templates_liquid
from deskpost.outbound.compose import inlined
from deskpost.outbound.templates_check import MOST_ELEMENTS, Source, check
from deskpost.outbound.templates_liquid import TemplateError
from deskpost.outcomes import Kind

DONE, REFUSED, FAILED = 0, 1, 2  # how a child ends; a signal that ended it counts down from zero
CPU_SECONDS, SECONDS = 10, 60
MEMORY = 4 << 30  # bytes
LIMITS = {
    resource.RLIMIT_CPU: CPU_SECONDS,
    resource.RLIMIT_AS: MEMORY,
    resource.RLIMIT_CORE: 0,
}
VALUES: Mapping[str, Any] = {
    "project": {"name": "IT help", "address": "it@desk.test"},
    "person": {"name": "Ann"},
    "request": {"key": "IT-1", "summary": "Printer", "status": "Open", "url": None},
    "comment": {"text": "<div>" * 9_000 + "\n" * 9_000, "author": "Ben"},
    "unsubscribe_url": "https://desk.test/unsubscribe/x/",
    "mute_url": "https://desk.test/mute/x/",
    "marker": "## Reply above this line ##",
}


def in_child(work: Callable[[], object]) -> int:
    """Do the work in a child of little time and memory, and return how that ended."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    ended = FAILED
    try:
        faulthandler.disable()  # what it would print of a child is no news
        signal.alarm(SECONDS)
        for limit, most in LIMITS.items():
            resource.setrlimit(limit, (most, most))
        work()
        ended = DONE
    except TemplateError:
        ended = REFUSED
    finally:
        os._exit(ended)


def page(html: str) -> str:
    """Make the HTML of a message of that template, with its styles on the elements."""
    return inlined(templates.apply(Source(subject="x", text="x", html=html), "en", VALUES).html)


# --- Elements ------------------------------------------------------------------------------------

NESTED = [
    "{% for i in (1..10000) %}<div><div><div>{% endfor %}x",
    "{% for i in (1..10000) %}<div title='></div>'><br-x>{% endfor %}x",
    "{% for i in (1..9999) %}<b><i><u><s><font>{% endfor %}<p>x</p>",
]


@pytest.mark.parametrize("html", NESTED)
def test_what_nests_without_end_is_refused(html: str) -> None:
    assert in_child(lambda: page(html)) == REFUSED


@pytest.mark.parametrize("html", NESTED)
def test_what_nests_without_end_cannot_be_saved(html: str) -> None:
    source = Source(subject="x", text="x", html=html)
    (problem,) = check("comment_added", source, Project(key="IT", name="IT help"))
    assert (problem.field, problem.line, problem.column) == ("html", 1, 1)
    assert problem.words == "This does not work: it makes too many elements."


def test_formatting_left_open_is_not_repeated_without_end() -> None:
    """An HTML parser opens it anew, attributes and all, in each paragraph after it."""
    html = (
        "<p>{% for i in (1..600) %}<b id='{{ i }}" + "a" * 900 + "'>{% endfor %}"
        "{% for i in (1..600) %}<p>x{% endfor %}"
    )
    assert in_child(lambda: page(html)) == REFUSED
    source = Source(subject="x", text="x", html=html)
    (problem,) = check("comment_added", source, Project(key="IT", name="IT help"))
    assert problem.words == "This does not work: its elements have too long attributes."


def test_as_much_as_may_nest_ends_no_thread() -> None:
    html = f"{{% for i in (1..{MOST_ELEMENTS}) %}}<div>{{% endfor %}}x"
    made: list[str] = []

    def work() -> None:
        thread = threading.Thread(target=lambda: made.append(page(html)))
        thread.start()
        thread.join()
        assert made[0].count("<div") >= MOST_ELEMENTS

    assert in_child(work) == DONE
    assert check("comment_added", Source(subject="x", text="x", html=html), Project()) == ()


def test_a_comment_may_have_any_number_of_lines_and_of_brackets() -> None:
    html = "<p>{{ comment.text | newline_to_br }}</p>"
    assert in_child(lambda: page(html)) == DONE
    assert page(html).count("<br") >= 9_000


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("language", ["en", "ja"])
def test_no_standard_template_comes_near(kind: Kind, language: str) -> None:
    html = templates.standard(kind, language).html
    assert in_child(lambda: page(html)) == DONE


# --- Ranges --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        '{% if (1..100000000000) contains "x" %}a{% endif %}',
        "{% if (1..100000000000) contains 0.5 %}a{% endif %}",
        "{% for i in (1..100000000000) reversed %}x{% endfor %}",
        "{% for i in (1..1000000000) reversed limit:900000000 %}x{% endfor %}",
        "{% assign r = (1..100000000000) %}{% if r contains 'x' %}a{% endif %}",
    ],
)
def test_a_range_is_bounded_wherever_it_stands(source: str) -> None:
    assert in_child(lambda: templates_liquid.run(source, {}, html=False)) == REFUSED


def test_a_small_range_works() -> None:
    source = "{% for i in (1..3) %}{{ i }}{% endfor %}{% if (1..5) contains 3 %}y{% endif %}"
    assert templates_liquid.run(source, {}, html=False) == "123y"
