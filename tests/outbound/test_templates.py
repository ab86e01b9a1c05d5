"""Templates: what a project may write, what is refused, and what goes out whatever happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deskpost.models import MessageTemplate, Project
from deskpost.outbound import templates, templates_liquid, templates_values
from deskpost.outbound.compose import inlined
from deskpost.outbound.templates_check import Source, check
from deskpost.outbound.templates_liquid import FILTERS, TemplateError, compiled, run
from deskpost.outcomes import Kind

PROJECT = Project(key="IT", name="IT help")
HOSTILE = "<script>alert(1)</script>{{ project.name }}{% for i in (1..9) %}\"'&amp;"
VALUES: dict[str, Any] = {
    "project": {"name": "IT help", "address": "it@desk.test"},
    "person": {"name": "Ann"},
    "request": {"key": "IT-1", "summary": "Printer", "status": "Open", "url": None},
    "comment": {"author": "Ben", "text": HOSTILE},
    "marker": "## Reply above this line ##",
    "unsubscribe_url": "https://desk.test/unsubscribe/x/",
    "mute_url": "https://desk.test/mute/x/",
    "big": "a" * 900_000,
}


def wrong(html: str, kind: str = "comment_added") -> tuple[int, int, str]:
    """Return line, column and words of what is wrong with the HTML."""
    (problem,) = check(kind, Source(subject="x", text="x", html=html), PROJECT)
    assert problem.field == "html"
    return problem.line, problem.column, problem.words


# --- Hostile templates ---------------------------------------------------------------------------

ENDLESS = {
    "a long loop": "{% for i in (1..100000) %}a{% endfor %}",
    "loops in loops": "{% for i in (1..99) %}{% for j in (1..99) %}{% for k in (1..99) %}"
    "{% endfor %}{% endfor %}{% endfor %}",
    "a loop after the other": "{% for i in (1..9999) %}{% endfor %}" * 2500,
    "a large body": "{% for i in (1..9999) %}"
    + "{% if 1 == 2 %}{% endif %}" * 3000
    + "{% endfor %}",
    "doubling": "{% assign a = 'aaaaaaaaaa' %}" + "{% assign a = a | append: a %}" * 60,
    "depth": "{% if big %}" * 1000 + "{% endif %}" * 1000,
    "a long chain": "{{ big" + " | append: big" * 7000 + " }}",
    "a long condition": "{% if " + " and ".join(["big"] * 12000) + " %}a{% endif %}",
    "brackets": "{{ " + "x[" * 30000 + "1" + "]" * 30000 + " }}",
    "only openers": "{{" * 50000,
    "only openers of tags": "{%" * 50000,
    "raw": "{% raw %}" * 11000,
    "doc": "{% doc %}" * 11000,
    "space": "{{" + " " * 99000 + "}}",
    "space in a tag": "{%" + " " * 99000 + "x %}",
    "a huge range": "{% for i in (1..10000000000000000000000) %}{% endfor %}",
}
ENDLESS_WITH_LARGE_VALUES = {
    "slow filters": "{% for i in (1..9999) %}{% assign q = big | replace: 'b', 'c' %}{% endfor %}",
    "silent captures": "{% for i in (1..9999) %}{% capture q %}"
    + "{{ big | escape | upcase }}" * 4
    + "{% endcapture %}{% endfor %}",
    "squaring": "{{ big | replace: '', big }}",
    "much output": "{% for i in (1..9999) %}{{ big }}{% endfor %}",
    "many captures": "{% capture a %}" + "{{ big }}" * 9 + "{% endcapture %}{{ a }}",
}


@pytest.mark.parametrize("name", [*ENDLESS, *ENDLESS_WITH_LARGE_VALUES])
@pytest.mark.parametrize("html", [True, False])
def test_a_template_without_end_ends(name: str, html: bool) -> None:
    source = (ENDLESS | ENDLESS_WITH_LARGE_VALUES)[name]
    began = time.thread_time()
    with pytest.raises(TemplateError):
        run(source, VALUES, html=html)
    assert time.thread_time() - began < 3


@pytest.mark.parametrize("name", ENDLESS)
def test_a_template_without_end_cannot_be_saved(name: str) -> None:
    began = time.thread_time()
    assert wrong(ENDLESS[name].replace("big", "comment.text")[:100_000])[0] == 1
    assert time.thread_time() - began < 3


@pytest.mark.parametrize(
    "source",
    [
        "{% include 'frame.html' %}",
        "{% render 'frame.html' %}",
        "{% include '../../settings.py' %}",
        "{% liquid\nrender 'x' %}",
        "{% raw %}{{ x }}{% endraw %}",
        "{{ comment.text | safe }}",
        "{{ comment.text | escapejs }}",
        "{{ comment.text | url_decode }}",
        "{% tablerow i in (1..3) %}{% endtablerow %}",
    ],
)
def test_neither_files_nor_other_ways_out_are_there(source: str) -> None:
    with pytest.raises(TemplateError):
        run(source, VALUES, html=True)
    assert wrong(source)


@pytest.mark.parametrize(
    "inner",
    ["__class__", "__init__.__globals__", "_meta", "name.__class__.__mro__", "name.join", "keys"],
)
def test_a_value_has_no_insides(inner: str) -> None:
    assert run(f"[{{{{ project.{inner} }}}}]", VALUES, html=False) == "[]"
    assert run(f"[{{{{ project['{inner}'] }}}}]", VALUES, html=False) == "[]"
    assert wrong(f"{{{{ project.{inner} }}}}")[:2] == (1, 4)


# --- Hostile values ------------------------------------------------------------------------------


def test_a_value_is_text_and_never_liquid() -> None:
    made = templates.render("comment_added", "en", VALUES)
    assert HOSTILE in made.text
    assert "<script>" not in made.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ project.name }}{% for" in made.html


ARGUMENTS = {"append": "x", "prepend": "x", "truncate": "9, x", "truncatewords": "1, x",
             "replace": "'a', x", "replace_first": "'s', x", "remove": "'z'", "remove_first": "'z'",
             "default": "x"}  # fmt: skip


def calls() -> Iterator[str]:
    for name in sorted(FILTERS):
        yield f"{name}: {ARGUMENTS[name]}" if name in ARGUMENTS else name


@pytest.mark.parametrize("call", list(calls()))
@pytest.mark.parametrize(
    "source",
    [
        "{{ x | %s }}",
        "{{ 'azs' | %s }}",
        "{%% capture c %%}{{ x }}{%% endcapture %%}{{ c | %s }}",
        "{{ x | %s | replace: '&lt;', '<' | replace: '&amp;', '&' }}",
        "{{ x | escape | newline_to_br | %s | replace: '&lt;', '<' }}",
        "{%% assign a = x | %s %%}{{ a }}",
    ],
)
def test_no_filter_lets_a_value_out_unescaped(source: str, call: str) -> None:
    made = run(source % call, {"x": "<script>s a</script>"}, html=True)
    assert "<s" not in made.lower()
    assert "</s" not in made.lower()


@given(st.text(), st.text())
@example("{{ 7 | plus: 7 }}", "<img src=x onerror=y>")
@settings(max_examples=60, deadline=None)
def test_whatever_people_write_stays_text(summary: str, said: str) -> None:
    values = VALUES | {
        "request": VALUES["request"] | {"summary": f"[{summary}]"},
        "comment": {"author": summary, "text": f"[{said}]"},
    }
    made = templates.render("comment_added", "en", values)
    assert f"[{said}]".replace("\r\n", "\n").replace("\r", "\n") in made.text
    assert made.subject.splitlines() == [made.subject]
    assert len(made.subject) <= 500
    assert made.html.count("<table") == templates.render("comment_added", "en", VALUES).html.count(
        "<table"
    )
    assert "<img" not in made.html


# --- What is wrong is named with its place -------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        ("one\n{{ comment.txet }}", 2, 4, "There is no variable “comment.txet” here."),
        ("{{ comment.text | shout }}", 1, 19, "There is no filter “shout”."),
        ("a\nb\n {% inlcude 'x' %}", 3, 5, "There is no “inlcude” here."),
        ("{{ marker }}", 1, 4, "There is no variable “marker” here."),
        ("{{ comment }}", 1, 4, "There is no variable “comment” here."),
        ("{{ now }}", 1, 4, "There is no variable “now” here."),
        ("ok\n  {{ open", 2, 3, "This does not work: {{ is not closed."),
        ("<p>\n<STYLE>p{}</STYLE>", 2, 1, "Mail programs do not take <style>."),
        ("<link rel=stylesheet href=http://x.test/>", 1, 1, "Mail programs do not take <link>."),
        ("", 1, 1, "This cannot be empty."),
        ("x" * 100_001, 1, 100_001, "Longer than 100000 characters."),
    ],
)
def test_a_mistake_is_named_with_line_and_column(
    source: str, line: int, column: int, words: str
) -> None:
    assert wrong(source) == (line, column, words)


def test_an_unclosed_block_is_named() -> None:
    line, _, words = wrong("<p>\n{% if person.name %}x")
    assert line in (1, 2)
    assert words.startswith("This does not work: ")


def test_a_kind_has_only_its_own_variables() -> None:
    assert wrong("{{ comment.text }}", "customer_invited")[2].startswith("There is no variable")
    assert wrong("{{ request.key }}", "customer_invited")[2].startswith("There is no variable")


def test_a_subject_that_may_be_empty_is_refused() -> None:
    source = Source(subject="{{ request.url }}", text="x", html="x")
    (problem,) = check("comment_added", source, PROJECT)
    assert problem.field == "subject"


# --- The standard templates ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_standard_template_is_fit_and_says_what_every_mail_must(
    kind: Kind, language: str
) -> None:
    assert check(kind, templates.standard(kind, language), PROJECT) == ()
    values = templates_values.sample(kind, language, PROJECT, "it@desk.test")
    made = templates.render(kind, language, values)
    for body in (made.text, made.html):
        assert values["unsubscribe_url"] in body
        assert (values["marker"] in body) if values["marker"] else True
        assert ("IT-42" in body) == (kind != Kind.CUSTOMER_INVITED)
        assert (values["mute_url"] in body) if values["mute_url"] else "#mute" not in body
    assert made.fallback is None


def test_what_is_not_there_leaves_no_link_behind() -> None:
    made = templates.render("comment_added", "en", VALUES | {"mute_url": None, "marker": None})
    for body in (made.text, made.html):
        assert "Turn off" not in body
        assert "See the request" not in body
        assert "Reply above" not in body


def test_styles_stand_on_the_elements_and_dark_colours_stay_in_the_head() -> None:
    page = inlined(templates.render("comment_added", "en", VALUES).html)
    assert '<meta name="color-scheme" content="light dark">' in page
    head, _, body = page.partition("<body")
    assert "prefers-color-scheme: dark" in head
    assert 'class="said" style="' in body
    assert "<!--[if mso]>" in body
    assert "flex" not in page


def test_a_style_sheet_elsewhere_is_never_fetched() -> None:
    # It would raise if it tried: there is no such host, nor such a file.
    page = inlined('<link rel="stylesheet" href="http://nowhere.test/x.css"><p>x</p>')
    assert "x</p>" in page


# --- A project's own -----------------------------------------------------------------------------


@pytest.fixture
def project(db: None) -> Project:
    return Project.objects.create(key="IT", name="IT help")


def own(project: Project, **fields: str) -> MessageTemplate:
    row = {"kind": "comment_added", "language": "ja", "subject": "Own", "text": "T", "html": "H"}
    return MessageTemplate.objects.create(
        project=project, changed_at=timezone.now(), **(row | fields)
    )


def test_a_projects_own_template_wins_for_its_kind_language_and_project(project: Project) -> None:
    own(project)
    other = Project.objects.create(key="HR", name="HR")
    assert templates.render("comment_added", "ja", VALUES, project).subject == "Own"
    for kind, language, whose in (
        ("comment_added", "en", project),
        ("request_created", "ja", project),
        ("comment_added", "ja", other),
        ("comment_added", "ja", None),
    ):
        assert templates.render(kind, language, VALUES, whose).subject == "IT-1 Printer"


def test_what_every_message_has_stays_around_a_projects_own(project: Project) -> None:
    own(project)
    made = templates.render("comment_added", "ja", VALUES, project)
    for body in (made.text, made.html):
        for part in (VALUES["marker"], VALUES["unsubscribe_url"], VALUES["mute_url"]):
            assert part in body


@pytest.mark.parametrize(
    "broken",
    [
        {"subject": " "},
        {"text": "{{ x | nothing }}"},
        {"html": "{% if %}"},
        {"html": "<scr{{ '' }}ipt>x</script>"},
        {"text": ENDLESS["a long loop"]},
        {"text": ENDLESS["only openers"]},
    ],
)
def test_if_it_fails_the_standard_one_goes_out_and_that_is_on_record(
    project: Project, broken: dict[str, str]
) -> None:
    own(project, **broken)
    made = templates.render("comment_added", "ja", VALUES, project)
    assert made.subject == "IT-1 Printer"
    assert "さんのコメント" in made.text
    assert made.fallback
    assert (made.fallback["kind"], made.fallback["language"]) == ("comment_added", "ja")
    assert made.fallback["line"] == 1


def test_a_variable_that_is_gone_is_empty_and_stops_nobodys_mail(project: Project) -> None:
    own(project, text="a{{ request.of_old }}b")
    made = templates.render("comment_added", "ja", VALUES, project)
    assert made.fallback is None
    assert "ab" in made.text


def test_thousands_of_mails_parse_a_template_once(project: Project) -> None:
    own(project)
    compiled.cache_clear()
    for _ in range(50):
        templates.render("comment_added", "ja", VALUES, project)
    assert compiled.cache_info().misses == 6  # three pieces, two feet, the frame
    assert templates_liquid.compiled.cache_info().maxsize == 256
