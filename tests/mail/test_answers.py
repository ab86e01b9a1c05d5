import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskpost.mail.answers import enhanced_code, read_reply

PROVIDER, UNKNOWN = "service_provider_error", "unknown_error"
TOO_LARGE, INVALID = "template_too_large", "validation_error"


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (250, "2.0.0 Ok: queued", "accepted"),
        (450, "4.2.0 try again later", "temporary"),
        (421, "service not available", "temporary"),
        (354, "go on", "temporary"),
        (999, "what", "temporary"),
        (550, "5.1.1 no", "permanent"),
        (0, "4.4.1 timed out", "temporary"),
        (0, "5.1.1 unknown", "permanent"),
    ],
)
def test_the_first_digit_decides(code: int, text: str, kind: str) -> None:
    assert read_reply(code, text).kind == kind


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        (550, "5.1.1 <ann@customer.example>: Recipient address rejected: User unknown", PROVIDER),
        (550, "5.7.1 Service unavailable; client host blocked", PROVIDER),
        (554, "5.4.6 too many hops", PROVIDER),
        (550, "5.5.2 syntax error", PROVIDER),
        (550, "5.6.0 bad body", PROVIDER),
        (552, "5.2.2 mailbox full", PROVIDER),
        (552, "mailbox full, over quota", PROVIDER),
        (552, "5.3.4 Message size exceeds fixed limit", TOO_LARGE),
        (552, "sorry", TOO_LARGE),
        (550, "Message too large", TOO_LARGE),
        (501, "5.1.3 Bad recipient address syntax", INVALID),
        (553, "malformed address", INVALID),
        (554, "no", UNKNOWN),
        (550, "", UNKNOWN),
        (550, "5.0.0 computer says no", UNKNOWN),
    ],
)
def test_the_reason_of_a_refusal(code: int, text: str, reason: str) -> None:
    assert read_reply(code, text).reason == reason


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (550, "5.1.1 The email account that you tried to reach does not exist."),
        (550, "5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup"),
        (550, "5.1.6 recipient moved"),
        (550, "5.2.1 mailbox disabled"),
        (550, "No such user here"),
        (551, "user unknown"),
        (550, "<spam@customer.example>: User unknown"),
        (550, "5.0.0 Unknown user ann@customer.example"),
        (550, "sorry, no mailbox here by that name. (#5.1.1)"),
        (550, b"5.1.1 \x83\x86 unknown"),
        (550, "5.3.0 no such user"),
        (550, "Host or domain name not found"),
        (550, "5.4.4 invalid domain"),
        (556, "5.1.10 the domain has a null MX"),
        (550, "El usuario no existe"),
        (550, "Der Empfänger existiert nicht"),
        (550, "Utilisateur inconnu"),
        (550, "该用户不存在"),
    ],
)
def test_an_address_that_does_not_exist_is_suppressed(code: int, text: str | bytes) -> None:
    assert read_reply(code, text).suppress == "hard_bounce"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (550, "5.7.1 User unknown, or rejected by policy"),
        (550, "5.7.26 unauthenticated mail: no such user"),
        (550, "4.2.2 user unknown"),
        (450, "5.1.1 user unknown"),
        (550, "4.1.1 no such user"),
        (550, "5.2.1 The user is receiving mail at a rate that prevents delivery"),
        (550, "5.1.8 sender address unknown"),
        (550, "Requested action not taken: mailbox unavailable"),
        (550, "5.1.1 blocked using a blacklist"),
        (552, "5.2.2 mailbox full"),
        (554, "5.4.4 unable to route"),
        (250, "5.1.1 user unknown"),
        (550, "5.1.1 mailbox is full"),
        (550, "Sender address rejected: Domain not found"),
        (550, "Helo command rejected: Host not found"),
        (501, "5.0.0 Invalid domain name"),
        (554, "my name was rejected: user unknown"),
        (550, "No PTR record: reverse DNS required"),
        (450, "4.4.3 Host not found, try again"),
    ],
)
def test_everything_else_is_not(code: int, text: str) -> None:
    assert read_reply(code, text).suppress is None


def test_reads_the_enhanced_code_of_many_lines() -> None:
    answer = read_reply(550, "550-5.1.1 The address\r\n550-5.1.1 does not\r\n550 5.1.1 exist")
    assert answer.enhanced == "5.1.1"
    assert answer.text == "550-5.1.1 The address does not exist"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("550 5.1.1 no", "5.1.1"),
        ("550-5.7.26 no", "5.7.26"),
        ("sorry (#5.5.0)", "5.5.0"),
        ("5.0.0 then 5.1.10.", "5.1.10"),
        ("554 4.4.7 expired <421 4.4.2 timed out>", "4.4.2"),
        ("2.0.0 ok, then 5.0.0", "5.0.0"),
        ("4.7.0 from 4.16.55.1", "4.7.0"),
        ("Exim 4.72, agent v5.1.1, 192.0.2.5.1.1", ""),
        ("https://a.example/5.1.1", ""),
        ("", ""),
    ],
)
def test_the_code_that_says_most(words: str, code: str) -> None:
    assert enhanced_code(words) == code


def test_an_ip_address_is_no_enhanced_code() -> None:
    assert read_reply(554, "rejected 5.1.1.20 in list").enhanced is None


@settings(deadline=None)
@given(st.integers(), st.text() | st.binary())
def test_never_raises_and_never_suppresses_what_is_not_permanent(
    code: int, text: str | bytes
) -> None:
    answer = read_reply(code, text)
    answer.text.encode()
    if answer.kind != "permanent":
        assert answer.reason is None
        assert answer.suppress is None
    else:
        assert answer.reason


@settings(deadline=None)
@given(st.integers(500, 599), st.integers(0, 99), st.integers(0, 99))
def test_a_temporary_or_policy_class_never_suppresses(code: int, subject: int, detail: int) -> None:
    words = "user unknown, no such user, does not exist"
    assert read_reply(code, f"4.{subject}.{detail} {words}").suppress is None
    assert read_reply(code, f"5.7.{detail} {words}").suppress is None
