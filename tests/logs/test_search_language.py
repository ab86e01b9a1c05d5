"""The search box: what each word asks of each list, and what is said of one that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskpost.logs import search_words
from deskpost.logs.search import Field, Is, Not, Part, Property, Size, Words, page
from deskpost.logs.search_chips import changed, chips, written
from deskpost.logs.search_grammar import clean
from deskpost.logs.search_help import help_rows
from deskpost.logs.search_language import LIMIT, PARTS, Parsed, SearchError, parse, write
from deskpost.logs.search_words import Prefix
from deskpost.models import Channel, Log, Project, RequestType
from deskpost.outcomes import (
    KIND_WORDS,
    OUTCOMES,
    REASONS,
    WITHHELD,
    IncomingStatus,
    NotificationStatus,
    Outcome,
)
from tests.logs import rows

pytestmark = pytest.mark.one_database

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
IN, REQ, INV = Log.INCOMING, Log.REQUESTS, Log.INVITATIONS


@pytest.fixture
def project(db: None) -> Project:
    project = Project.objects.create(key="IT", name="IT help")
    kind = RequestType.objects.create(project=project, name="Get IT help")
    for address in ("it@desk.test", "printers@desk.test"):
        Channel.objects.create(project=project, address=address, request_type=kind)
    return project


def read(text: str, project: Project) -> Parsed:
    return parse(text, project, NOW)


def parts(text: str, project: Project, log: Log = IN) -> tuple[Part, ...] | None:
    query = read(text, project).queries[log]
    return query.parts if query else None


def refused(text: str, project: Project) -> SearchError:
    with pytest.raises(SearchError) as caught:
        read(text, project)
    return caught.value


def who(text: str) -> Words:
    return Words(text=text, fields=(Field.WHO,))


def channel_ids(project: Project, *addresses: str) -> Is:
    found = Channel.objects.filter(project=project, address__in=addresses).order_by("pk")
    return Is(property=Property.CHANNEL, values=tuple(str(channel.pk) for channel in found))


# --- Words and phrases ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "   ", "\u3000", "\x00\n\t"])
def test_an_empty_search_asks_for_everything(project: Project, text: str) -> None:
    parsed = read(text, project)
    assert parsed.pieces == ()
    for log in Log:
        query = parsed.queries[log]
        assert query is not None
        assert (query.project_id, query.log, query.parts) == (project.pk, log, ())
        assert query.since is query.until is None


def test_free_words_are_looked_for_in_who_subject_and_key_of_every_list(project: Project) -> None:
    for log in Log:
        assert parts("Ann  IT-42", project, log) == (Words(text="ann"), Words(text="it-42"))
    assert Words(text="ann").fields == (Field.WHO, Field.SUBJECT, Field.KEY)


@pytest.mark.parametrize(
    "text",
    [
        '"Out of ink"',
        "“Out of ink”",
        "「Out of ink」",
        "『Out of ink』",
        "＂Out of ink＂",
        "«Out of ink»",
    ],
)
def test_a_phrase_in_any_quotes_is_one_text(project: Project, text: str) -> None:
    assert parts(text, project) == (Words(text="out of ink"),)


def test_two_marks_within_a_phrase_are_one_of_its_own(project: Project) -> None:
    assert parts('"a 19"" rack"', project) == (Words(text='a 19" rack'),)
    assert parts('24" screen', project) == (Words(text="24"), Words(text="screen"))


@pytest.mark.parametrize("minus", ["-", "－", "−"])
def test_a_minus_negates_anything(project: Project, minus: str) -> None:
    assert parts(f"{minus}bulk", project) == (Not(part=Words(text="bulk")),)
    assert parts(f'{minus}"out of ink"', project) == (Not(part=Words(text="out of ink")),)
    assert parts(f"{minus}from:ann", project) == (Not(part=who("ann")),)
    assert parts(f"{minus}larger:1k", project) == (Not(part=Size(at_least=1024)),)
    assert parts("label-printer", project) == (Words(text="label-printer"),)


def test_a_pasted_subject_is_no_prefix(project: Project) -> None:
    assert parts("Re: jam", project) == (Words(text="re"), Words(text="jam"))
    assert parts("Re:jam 10:30", project) == (Words(text="re:jam"), Words(text="10:30"))
    assert parts("https://desk.test/x", project) == (Words(text="https://desk.test/x"),)
    assert parts("Note: hot", project) == (Words(text="note:"), Words(text="hot"))


def test_marks_around_two_letters_are_left_out(project: Project) -> None:
    assert parts("from:it@ ok,", project) == (who("it"), Words(text="ok"))


def test_one_sign_of_a_script_without_blanks_is_enough(project: Project) -> None:
    assert parts("墨", project) == (Words(text="墨"),)
    assert parts("件名：「プリンター」\u3000－一斉", project) == (
        Words(text="プリンター", fields=(Field.SUBJECT,)),
        Not(part=Words(text="一斉")),
    )


# --- Prefixes ------------------------------------------------------------------------------------


def test_from_asks_incoming_only(project: Project) -> None:
    parsed = read("from:Ann@", project)
    assert parts("from:Ann@", project) == (who("ann@"),)
    assert parsed.queries[REQ] is parsed.queries[INV] is None
    assert "Incoming emails" in parsed.why_not(REQ)
    assert parsed.why_not(IN) == ""
    assert parts("-from:ann", project, REQ) == ()


def test_an_address_in_angle_brackets_is_a_whole_one(project: Project) -> None:
    whole = Is(property=Property.ADDRESS, values=("ann@x.test",))
    assert parts("from:<Ann@X.test>", project) == (whole,)
    assert parts("to:<Ann@X.test>", project, REQ) == (whole,)
    assert parts("to:<IT@desk.test>", project) == (channel_ids(project, "it@desk.test"),)


def test_to_asks_recipients_and_of_incoming_the_channels(project: Project) -> None:
    for log in (REQ, INV):
        assert parts("to:Printer", project, log) == (who("printer"),)
    assert parts("to:Printer", project) == (channel_ids(project, "printers@desk.test"),)
    assert parts("to:nobody", project) == (Is(property=Property.CHANNEL, values=()),)
    assert parts("-to:nobody", project) == ()


def test_channel_asks_incoming_by_part_of_the_address_or_by_number(project: Project) -> None:
    both = channel_ids(project, "it@desk.test", "printers@desk.test")
    assert parts("channel:desk.test", project) == (both,)
    assert parts("channel:it@,printers", project) == (both,)
    first = Channel.objects.get(project=project, address="it@desk.test")
    assert parts(f"channel:{first.pk}", project) == (channel_ids(project, "it@desk.test"),)
    assert parts("channel:it@", project, REQ) is None
    error = refused("channel:sales", project)
    assert "sales" in error.why
    assert "it@desk.test" in error.todo


def test_a_removed_channel_is_still_found_and_another_projects_is_not(project: Project) -> None:
    Channel.objects.filter(address="it@desk.test").update(removed_at=NOW)
    assert len(parts("channel:it@", project) or ()) == 1
    other = Project.objects.create(key="HR", name="HR")
    refused("channel:it@", other)
    assert parts("to:printers@", other) == (Is(property=Property.CHANNEL, values=()),)


def test_failed_is_a_status_of_every_list(project: Project) -> None:
    for log in Log:
        assert parts("status:failed", project, log) == (
            Is(property=Property.STATUS, values=("failed",)),
        )


def test_a_status_that_a_list_does_not_have_leaves_the_list_out(project: Project) -> None:
    assert parts("status:skipped", project, REQ) is None
    assert parts("status:withheld", project) is None
    assert parts("-status:skipped", project, REQ) == ()
    assert parts("status:skipped,queued", project, REQ) == (
        Is(property=Property.STATUS, values=("queued",)),
    )


@pytest.mark.parametrize(
    "said", ["sent", "Delivered", "delivered", "送信済み", "配信済み", '"Sent"']
)
def test_sent_and_delivered_are_the_status_delivered(project: Project, said: str) -> None:
    assert parts(f"status:{said}", project, REQ) == (
        Is(property=Property.STATUS, values=("delivered",)),
    )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_code_and_each_word_of_it_is_understood_in_either_language(
    project: Project, language: str
) -> None:
    lists: tuple[tuple[Prefix, list[tuple[str, object]], Log | None], ...] = (
        (Prefix.REASON, [(code, said.words) for code, said in REASONS.items()], REQ),
        (Prefix.REASON, [(code, said.words) for code, said in WITHHELD.items()], INV),
        (Prefix.REASON, [(code, said.words) for code, said in OUTCOMES.items()], IN),
        (Prefix.NAME, list(KIND_WORDS.items()), None),
    )
    for prefix, words, log in lists:
        for code, said in words:
            with translation.override(language):
                typed = written(prefix, str(said)), written(prefix, str(code))
            with translation.override("en" if language == "ja" else "ja"):
                for text in typed:
                    parsed = read(text, project)
                    assert str(code) in parsed.pieces[0].codes, text
                    assert log is None or parsed.queries[log] is not None


def test_a_reason_is_found_by_the_beginning_of_a_word(project: Project) -> None:
    assert parts("reason:suppression", project, REQ) == (
        Is(property=Property.CODE, values=("suppression_list",)),
    )
    assert parts("reason:dmarc", project) == (Is(property=Property.CODE, values=("dmarc",)),)
    assert parts("reason:dmarc", project, REQ) is None
    assert "Did you mean" in refused("reason:supression-list", project).todo


def test_a_notification_name_asks_the_list_that_has_it(project: Project) -> None:
    assert parts('name:"Comment added"', project, REQ) == (
        Is(property=Property.KIND, values=("comment_added",)),
    )
    assert parts("name:customer_invited", project, INV) == ()
    assert parts("name:customer_invited", project, REQ) is None
    assert parts("name:comment_added", project) is None


def test_a_key_is_a_whole_one_or_a_number_of_the_project(project: Project) -> None:
    for text in ("key:IT-42", "key:it-42", "key:42", "キー：ＩＴ－４２"):
        assert parts(text, project) == (Is(property=Property.KEY, values=("IT-42",)),)
    assert parts("key:42,HR-7", project) == (Is(property=Property.KEY, values=("HR-7", "IT-42")),)
    assert "IT-42" in refused("key:IT", project).todo


@pytest.mark.parametrize(
    "text", ["id:<Abc@mail.test>", "id:Abc@mail.test", "message-id:Abc@mail.test"]
)
def test_a_message_id_needs_no_brackets(project: Project, text: str) -> None:
    for log in Log:
        assert parts(text, project, log) == (
            Is(property=Property.MESSAGE_ID, values=("<Abc@mail.test>",)),
        )


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("in:incoming", {IN}),
        ("log:notifications", {REQ}),
        ("in:invitations", {INV}),
        ("in:notifications,invitations", {REQ, INV}),
        ("-in:incoming", {REQ, INV}),
        ("ログ:受信", {IN}),
        ("in:顧客の招待", {INV}),
    ],
)
def test_in_chooses_lists(project: Project, text: str, asked: set[Log]) -> None:
    found = read(text, project).queries
    assert {log for log in Log if found[log] is not None} == asked


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("larger:5mb", Size(at_least=5 << 20)),
        ("larger:5 MiB", Size(at_least=5 << 20)),
        ('larger:"5 MiB"', Size(at_least=5 << 20)),
        ("smaller:300k", Size(at_most=300 << 10)),
        ("smaller:1,5m", Size(at_most=3 << 19)),
        ("以上：２ｇｂ", Size(at_least=2 << 30)),
        ("smaller:2000b", Size(at_most=2000)),
    ],
)
def test_sizes_have_units_of_1024(project: Project, text: str, size: Size) -> None:
    assert parts(text, project) == (size,)


@pytest.mark.parametrize(
    "text", ["larger:5", "larger:big", "larger:5tb", "larger:999999gb", "larger:-1k"]
)
def test_what_is_no_size_is_refused_with_the_form(project: Project, text: str) -> None:
    assert "5mb" in refused(text, project).todo


# --- Days ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("after:2026-11-01", "2026-11-01", None),
        ("before:2026-11-01", None, "2026-11-01"),
        ("on:2026-11-01", "2026-11-01", "2026-11-02"),
        ("on:2026-02", "2026-02-01", "2026-03-01"),
        ("on:2026-12", "2026-12-01", "2027-01-01"),
        ("on:2026", "2026-01-01", "2027-01-01"),
        ("after:2026-10 before:2026-11", "2026-10-01", "2026-11-01"),
        # It is the 21st in Tokyo already.
        ("on:today", "2026-11-21", "2026-11-22"),
        ("on:昨日", "2026-11-20", "2026-11-21"),
        ("after:7d", "2026-11-14", None),
        ("after:3日", "2026-11-18", None),
        ("after:2w", "2026-11-07", None),
        ("日付：２０２６年１１月１日", "2026-11-01", "2026-11-02"),
        ("after:2026/11/1", "2026-11-01", None),
        ("-after:2026-11-01", None, "2026-11-01"),
        ("-before:2026-11-01", "2026-11-01", None),
        ("after:2026-11-01 after:2026-11-05", "2026-11-05", None),
    ],
)
def test_days_are_the_readers(
    project: Project, text: str, since: str | None, until: str | None
) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    with timezone.override(tokyo):
        query = read(text, project).queries[IN]
    assert query is not None
    assert query.parts == ()
    assert query.since == (datetime.fromisoformat(since).replace(tzinfo=tokyo) if since else None)
    assert query.until == (datetime.fromisoformat(until).replace(tzinfo=tokyo) if until else None)


@pytest.mark.parametrize(
    "text",
    ["after:tomorow", "on:2026-02-30", "on:2026-13", "before:1999", "after:9999d", "on:0000"],
)
def test_what_is_no_day_is_refused_with_the_form(project: Project, text: str) -> None:
    error = refused(text, project)
    assert "is no day" in error.why
    assert "2026-11-01" in error.todo


def test_after_must_be_earlier_than_before(project: Project) -> None:
    error = refused("ann after:2026-11-02 before:2026-11-02", project)
    assert (error.word, error.offset) == ("before:2026-11-02", 21)
    assert "No day is left" in error.why
    refused("on:2026-11-01 on:2026-11-02", project)
    refused("-on:2026-11-01", project)


# --- What cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "word", "offset", "says"),
    [
        ("ann statsu:failed", "statsu:", 4, "Did you mean “status:”?"),
        ("attachment:pdf", "attachment:", 0, "put it in quotes"),
        ("status:broken", "status:broken", 0, "Failed"),
        ("name:spam", "name:spam", 0, "Comment added"),
        ("in:outgoing", "in:outgoing", 0, "Incoming emails"),
        ("ann a", "a", 4, "too short"),
        ('subject:"a b"', 'subject:"a b"', 0, "too short"),
        ("ann & bob", "&", 4, "no letter and no digit"),
        ('ann "out of', '"out of', 4, "never closed"),
        ('ann ""', '""', 4, "between the quotation marks"),
        ("ann - bob", "-", 4, "behind the minus"),
        ("ann -", "-", 4, "behind the minus"),
        ("ann from:", "from:", 4, "Nothing stands behind"),
        ("from: subject:ink", "from:", 0, "Nothing stands behind"),
        ("status:,failed", ",", 7, "before the comma"),
        ("id:<>", "id:<>", 0, "no Message-ID"),
        ("larger:2m smaller:1m", "smaller:1m", 10, "No size is left"),
        ("status:failed status:skipped", "status:skipped", 14, "status:failed,skipped"),
        ("key:1 ann key:2", "key:2", 10, "key:1,2"),
        ("from:ann name:comment_added", "name:comment_added", 9, "from:ann"),
        ("-in:incoming from:ann", "from:ann", 13, "-in:incoming"),
        (
            "-in:incoming,notifications,invitations",
            "-in:incoming,notifications,invitations",
            0,
            "everything",
        ),
    ],
)
def test_an_error_names_the_word_its_place_why_and_what_to_do(
    project: Project, text: str, word: str, offset: int, says: str
) -> None:
    error = refused(text, project)
    assert (error.word, error.offset) == (word, offset)
    assert says in f"{error.why} {error.todo}"
    assert error.why
    assert error.todo
    assert error.text == text
    assert str(error) == f"{error.why} {error.todo}"


def test_an_unknown_status_lists_the_known_ones(project: Project) -> None:
    todo = refused("status:open", project).todo
    for said in ("Failed", "Sent", "Queued", "Withheld", "Skipped", "Success", "Processing"):
        assert said in todo


def test_a_search_is_bounded_and_says_so(project: Project) -> None:
    assert read("x" * LIMIT, project).pieces
    assert str(LIMIT) in refused("x" * (LIMIT + 1), project).why
    assert len(read("ann " * PARTS, project).pieces) == PARTS
    error = refused("ann " * (PARTS + 1), project)
    assert str(PARTS) in error.why
    assert error.offset == 4 * PARTS


def test_an_error_shows_no_line_break_and_no_long_word(project: Project) -> None:
    error = refused("after:" + "x" * 400, project)
    assert len(error.word) <= 60
    assert len(error.why) < 100
    assert "\n" not in refused("statsu:\nfailed", project).text


# --- Everything that can be typed ----------------------------------------------------------------

SPELLINGS = st.sampled_from([*search_words._PREFIXES, "statsu", "Re", "ＦＲＯＭ"])
VALUES = st.one_of(
    st.sampled_from(["failed", "failed,skipped", "dmarc", "incoming", "it", "IT-4", "re:", ""]),
    st.sampled_from(["2026-11-01", "2026-02", "7d", "5mb", "5 MiB", "日", "「a b」", '"a b c"']),
    st.sampled_from(["ann@x.test", "<a.b@x.test>"]),
)
PIECES = st.builds(
    lambda minus, prefix, colon, value, end: f"{minus}{prefix}{colon}{value}{end}",
    st.sampled_from(["", "", "-", "－", "--"]),
    st.one_of(st.just(""), SPELLINGS),
    st.sampled_from([":", "：", "", ": "]),
    st.one_of(VALUES, st.text(max_size=6)),
    st.sampled_from([" ", " ", "\u3000", "", ","]),
)
TEXTS = st.one_of(
    st.text(st.characters(), max_size=40),
    st.text(st.sampled_from(list('-:："“”「」,<>@ \u3000\x00ab1日\ud800')), max_size=30),
    st.lists(PIECES, max_size=6).map("".join),
)


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=TEXTS)
def test_any_text_is_read_or_refused_and_what_is_read_can_be_written_again(
    project: Project, text: str
) -> None:
    try:
        parsed = read(text, project)
    except SearchError as error:
        assert error.why
        assert 0 <= error.offset <= len(text)
        assert error.text[error.offset :].startswith(error.word.rstrip("…")[:20].rstrip())
        return
    assert read(write(parsed), project) == parsed
    for n, chip in enumerate(chips(parsed)):
        without = read(chip.without, project)
        assert without.pieces == parsed.pieces[:n] + parsed.pieces[n + 1 :]
        assert read(chip.text, project).pieces == (parsed.pieces[n],)


@given(value=st.text(min_size=1, max_size=30), negated=st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_written_piece_says_what_it_was_written_for(
    project: Project, value: str, negated: bool
) -> None:
    for prefix in ("", "from", "subject", "to"):
        try:
            (piece,) = read(written(prefix, value, negated=negated), project).pieces
        except SearchError as error:
            # Nothing to go by, or nothing that can be seen.
            assert "too short" in error.why or "no letter" in error.why or not clean(value).strip()
            continue
        assert (piece.prefix, piece.negated) == (prefix, negated)
        assert piece.values == (" ".join(clean(value).split()),)


def test_a_piece_is_written_with_quotes_only_where_it_needs_them() -> None:
    assert written("from", "ann@x.test") == "from:ann@x.test"
    assert written("from", "ann smith", negated=True) == '-from:"ann smith"'
    assert written("", 'a 19" rack') == '"a 19"" rack"'
    assert written("", "-bulk") == '"-bulk"'
    assert written("", "from:ann") == '"from:ann"'


# --- Chips and help ------------------------------------------------------------------------------


def test_each_piece_is_a_chip_with_the_search_without_it(project: Project) -> None:
    found = chips(read('from:ann  -"out of ink" status:failed larger:5mb', project))
    assert [(c.name, c.label, c.value, c.negated) for c in found] == [
        ("from", "From", "ann", False),
        ("", "Search", "out of ink", True),
        ("status", "Status", "Failed", False),
        ("larger", "At least", "5 MiB", False),
    ]
    assert found[1].text == '-"out of ink"'
    assert found[1].without == "from:ann status:failed larger:5mb"


def test_a_chip_speaks_the_readers_language(project: Project) -> None:
    with translation.override("ja"):
        (chip,) = chips(read("status:failed", project))
    assert (chip.label, chip.value) == ("ステータス", "失敗")


def test_a_prefix_of_a_search_is_changed_and_taken_away(project: Project) -> None:
    parsed = read("ann status:failed -status:skipped", project)
    assert changed(parsed, "status", "queued") == "ann status:queued"
    assert changed(parsed, "status", None) == "ann"
    assert changed(parsed, "subject", "out of ink").endswith(' subject:"out of ink"')


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_example_and_every_value_of_the_help_can_be_searched_for(
    project: Project, language: str
) -> None:
    Channel.objects.filter(address="it@desk.test").update(address="help@desk.test")
    with translation.override(language):
        shown = help_rows(project)
        for row in shown.rows:
            assert row.words
            assert read(row.example, project).pieces
        for known in shown.values:
            for code, _said in known.values:
                assert read(f"{known.prefix}:{code}", project).pieces[0].codes == {code}
    prefixes = {read(row.example, project).pieces[0].prefix for row in shown.rows}
    assert prefixes == set(Prefix)
    codes = {code for known in shown.values for code, _said in known.values}
    assert codes >= {*NotificationStatus, *IncomingStatus, *REASONS, *WITHHELD, *OUTCOMES}


# --- Through the engine --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "ann bob"),
        ("from:ann@", "ann"),
        ("from:<ann@x.test>", "ann"),
        ("-from:ann", "bob"),
        ('subject:"label printer"', "ann"),
        ("件名：プリンター", "bob"),
        ("status:failed", "bob"),
        ("reason:dmarc", "bob"),
        ("key:7", "ann"),
        ("it-7 -bob", "ann"),
        ("to:printers", "bob"),
        ("id:b@x.test", "bob"),
        ("on:2026-11-18", "ann"),
        ("after:2026-11-19 smaller:1k", "bob"),
        ("larger:1mb", ""),
        ("status:skipped", ""),
    ],
)
def test_what_is_asked_is_found(project: Project, text: str, found: str) -> None:
    here, there = Channel.objects.filter(project=project).order_by("pk")
    ann = rows.mail(
        here,
        at=datetime(2026, 11, 18, 9, tzinfo=UTC),
        subject="The label printer",
        request_key="IT-7",
        message_id="<a@x.test>",
    )
    bob = rows.mail(
        there,
        Outcome.DMARC,
        at=datetime(2026, 11, 19, 9, tzinfo=UTC),
        sender="bob@y.test",
        subject="プリンターの件",
        message_id="<b@x.test>",
    )
    query = read(text, project).queries[IN]
    assert query is not None
    names = {ann.pk: "ann", bob.pk: "bob"}
    assert sorted(names[pk] for pk in page(query).ids) == found.split()
