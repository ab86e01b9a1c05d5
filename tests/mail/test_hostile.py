"""Hostile input: broken mail keeps every promise, and no pattern's time runs away."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deskpost.mail import html, mime, quotes
from tests.fuzz import patterns, targets
from tests.mail import broken, samples

EXAMPLES = [samples.encode(samples.PLAIN), samples.encode(samples.MIXED), samples.bounce()]
TARGETS = pytest.mark.parametrize("target", targets.TARGETS.values(), ids=targets.TARGETS.keys())
RUNAWAY = 300  # seconds; the patterns of all modules take a minute at the most

Target = Callable[[bytes], None]
thorough = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=150)


def read_all(raw: bytes) -> None:
    """The message as the journey reads it: its parts go where their kind is read."""
    targets.read_mime(raw)
    targets.read_reports(raw)
    targets.read_proofs(raw)
    parsed = mime.parse(raw)
    targets.read_quotes((parsed.text or "").encode())
    targets.read_html((parsed.html or "").encode())
    targets.read_addresses(parsed.from_header.encode())
    for _, value in parsed.headers[:20]:
        targets.read_addresses(value.encode())


@thorough
@given(broken.messages())
def test_messages_of_every_shape(raw: bytes) -> None:
    read_all(raw)


@thorough
@given(broken.broken())
@example(EXAMPLES[0])
@example(EXAMPLES[1])
@example(EXAMPLES[2])
def test_broken_messages(raw: bytes) -> None:
    read_all(raw)


@TARGETS
@thorough
@given(raw=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes(target: Target, raw: bytes) -> None:
    target(raw)


@pytest.mark.parametrize("whole", [*EXAMPLES, samples.complaint()])
def test_cut_anywhere_or_with_a_hole_anywhere(whole: bytes) -> None:
    for place in range(0, len(whole), 19):
        targets.read_reports(whole[:place])
        targets.read_reports(whole[:place] + whole[place + 150 :])
        targets.read_mime(whole[: place + 400] + whole[place:])


@pytest.mark.parametrize("label", ["zlib", "bz2", "hex", "uu", "quopri", "rot13", "undefined"])
def test_a_codec_that_is_no_charset(label: str) -> None:
    """Python knows these names; a message may not make it use them."""
    word = f"Subject: =?{label}?q?x=9C?=\nContent-Type: text/plain; charset={label}\n\nHello\n"
    assert mime.parse(word.encode()).text == "Hello\n"


def test_the_strategy_makes_what_it_is_for() -> None:
    made = [mime.parse(raw) for raw in broken.examples(broken.messages(), 300)]
    assert sum(bool(one.attachments) for one in made) > 30
    assert sum(bool(one.report_parts) for one in made) > 30
    assert sum(bool(one.from_) for one in made) > 30
    assert sum(bool(one.text) for one in made) > 30
    assert sum(bool(one.html) for one in made) > 3
    assert sum(bool(one.defects) for one in made) > 3


class TestPatterns:
    def test_time_grows_with_the_length(self) -> None:
        self.run()

    @pytest.mark.slow
    def test_time_grows_with_the_length_up_to_a_mebibyte(self) -> None:
        self.run("--long")

    def run(self, *how: str) -> None:
        """In a process of its own: a pattern that runs away cannot be stopped from within."""
        command = [sys.executable, "-m", "tests.fuzz.patterns", *how]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=RUNAWAY, check=False
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode().splitlines()
            pytest.fail(f"does not end: {said[-1:]}")
        assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]

    def test_a_quadratic_pattern_would_be_found(self) -> None:
        slow = patterns.Found(name="x", pattern=re.compile(r"\s+$"), methods=("finditer",))
        assert patterns.complaints([slow], long=False, say=lambda line: None)

    def test_every_guard_is_of_a_pattern(self) -> None:
        names = {
            found.name.partition("[")[0]
            for module in patterns.modules()
            for found in patterns.patterns_of(module)
        }
        names |= {name.partition(".")[0] for name in names}
        assert patterns.GUARDS.keys() <= names

    def test_patterns_in_tables_are_found(self) -> None:
        names = {
            found.name for module in patterns.modules() for found in patterns.patterns_of(module)
        }
        assert {"words._WORD", "address._FORBIDDEN[3]", "answers._TABLE[5]"} <= names


@pytest.mark.parametrize(
    "text",
    ["> " * 2_000 + "deep", ">" * 200_000, "\n".join(">" * n for n in range(600))],
    ids=["spaced", "long", "growing"],
)
def test_deep_quotation(text: str) -> None:
    found = quotes.split(text)
    targets.check_text(found.new)
    assert found.new


def test_html_that_only_another_parser_would_run() -> None:
    for source in (
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror=y>'>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<a href='java\tscript:alert(1)'>x</a><a href='&#106;avascript:alert(1)'>y</a>",
        "<p style='width:expression(alert(1));color:red;background:u\\72l(x)'>x</p>",
        "<!--><img src=x onerror=alert(1)>--><textarea><img src=x onerror=y></textarea>",
    ):
        targets.check_harmless(html.sanitise(source))
