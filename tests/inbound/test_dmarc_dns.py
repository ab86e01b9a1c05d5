"""DNS that is silent, slow, broken or shared: a batch ends in time."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from deskpost import config_values
from deskpost.inbound import dmarc_dns
from deskpost.inbound.dmarc import check_all
from tests.inbound.letters import Key, check, check_one, letter, mail, publish, signed
from tests.parts.dns import NameServer


class TestTime:
    def test_a_batch_of_silence_ends_in_time(self, names: NameServer) -> None:
        names.be_silent("")
        mails = [mail(letter(f"d{n}.test"), f"d{n}.test") for n in range(50)]
        begun = time.monotonic()
        results = check(names, *mails, seconds=1)
        assert time.monotonic() - begun < 1.5
        assert {result.verdict for result in results} == {"unknown"}
        assert results[7].facts == {"dns": "no answer in time (_dmarc.d7.test)"}

    def test_the_silent_do_not_hold_up_the_others(self, names: NameServer, key: Key) -> None:
        publish(names, key)
        names.be_silent("silent.test")
        silent = [mail(letter(f"d{n}.silent.test"), f"d{n}.silent.test") for n in range(99)]
        results = check(names, *silent, mail(signed(letter(), key)), seconds=2)
        assert [result.verdict for result in results] == ["unknown"] * 99 + ["pass"]

    def test_a_silent_key_leaves_time_for_spf(self, names: NameServer, key: Key) -> None:
        publish(names)
        names.be_silent("_domainkey.a.test")
        names.txt("a.test", "v=spf1 ip4:192.0.2.25 -all")
        raw = signed(letter(), key)
        result = check_one(names, mail(raw, sender="b@a.test"), seconds=2)
        assert result.verdict == "pass"
        assert result.facts["dkim"].startswith("temperror (d=a.test, no answer in time")

    def test_a_silent_key_makes_it_unknown(self, names: NameServer, key: Key) -> None:
        publish(names)
        names.be_silent("_domainkey.a.test")
        result = check_one(names, mail(signed(letter(), key)), seconds=0.5)
        assert (result.verdict, result.policy) == ("unknown", "reject")

    def test_slow_answers_are_waited_for(self, names: NameServer, key: Key) -> None:
        publish(names, key)
        names.seconds = 0.3
        assert check_one(names, mail(signed(letter(), key))).verdict == "pass"

    def test_answers_that_are_too_slow_are_not(self, names: NameServer) -> None:
        publish(names)
        names.seconds = 2
        begun = time.monotonic()
        assert check_one(names, mail(letter()), seconds=0.5).verdict == "unknown"
        assert time.monotonic() - begun < 1

    def test_a_failing_server(self, names: NameServer) -> None:
        names.fail("a.test")
        result = check_one(names, mail(letter()))
        assert result.verdict == "unknown"
        assert result.facts["dns"] == "the name servers failed (_dmarc.a.test)"

    def test_no_server_at_all(self) -> None:
        dmarc_dns.CACHE.clear()
        with NameServer() as gone:
            address = gone.address
        begun = time.monotonic()
        results = check_all([mail(letter())], seconds=1, resolvers=[address])
        assert results[0].verdict == "unknown"
        assert time.monotonic() - begun < 1.5

    def test_nonsense_for_a_resolver(self) -> None:
        results = check_all([mail(letter())], seconds=1, resolvers=["nowhere"])
        assert (results[0].verdict, results[0].facts["dns"]) == (
            "unknown",
            "no resolver is configured (_dmarc.a.test)",
        )

    def test_no_messages_and_no_time(self, names: NameServer) -> None:
        assert check(names) == []
        assert check_one(names, mail(letter()), seconds=0).verdict == "unknown"

    def test_no_thread_stays(self, names: NameServer) -> None:
        names.be_silent("")
        check(names, *(mail(letter(f"d{n}.test"), f"d{n}.test") for n in range(20)), seconds=0.3)
        time.sleep(0.3)
        assert not [one for one in threading.enumerate() if one.name == "dmarc"]

    def test_a_process_may_end_while_lookups_wait(self, names: NameServer) -> None:
        names.be_silent("")
        program = (
            "import threading\n"
            "from deskpost.inbound.dmarc import Mail, check_all\n"
            "mails = [Mail(raw=b'', from_domain='a.test')]\n"
            f"arguments = dict(seconds=30, resolvers=[{names.address!r}])\n"
            "work = threading.Thread(target=check_all, args=[mails], kwargs=arguments)\n"
            "work.daemon = True\n"
            "work.start()\n"
        )
        begun = time.monotonic()
        subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
        assert time.monotonic() - begun < 10


class TestSharing:
    def test_a_batch_asks_each_name_once(self, names: NameServer, key: Key) -> None:
        publish(names, key)
        names.seconds = 0.05
        results = check(names, *[mail(signed(letter(), key))] * 40)
        assert {result.verdict for result in results} == {"pass"}
        assert sorted(names.asked) == [("_dmarc.a.test", "TXT"), ("k1._domainkey.a.test", "TXT")]

    def test_the_next_batch_knows_the_answers(self, names: NameServer) -> None:
        publish(names)
        for _ in range(3):
            assert check_one(names, mail(letter())).verdict == "fail"
            assert check_one(names, mail(letter("b.test"), "b.test")).verdict == "none"
        assert names.questions("_dmarc.a.test") == names.questions("_dmarc.b.test") == 1

    def test_a_silent_name_is_left_alone_for_a_while(self, names: NameServer) -> None:
        names.be_silent("")
        check_one(names, mail(letter()), seconds=2)
        begun = time.monotonic()
        assert check_one(names, mail(letter()), seconds=2).verdict == "unknown"
        assert time.monotonic() - begun < 0.5

    def test_what_is_kept_is_bounded_and_goes_in_time(self) -> None:
        cache = dmarc_dns.Cache(octets=50_000)
        for n in range(1_000):
            found = dmarc_dns.Found(values=(b"x" * 1_000,), seconds=60)
            cache.put(((), f"n{n}.test", "TXT"), found)
        assert 30 < len(cache) < 50
        assert cache.get(((), "n0.test", "TXT")) is None
        assert cache.get(((), "n999.test", "TXT")) is not None
        cache.put(((), "n999.test", "TXT"), dmarc_dns.Found(seconds=0.01))
        time.sleep(0.02)
        assert cache.get(((), "n999.test", "TXT")) is None

    def test_a_huge_answer_is_no_answer(self, names: NameServer) -> None:
        names.txt("_dmarc.a.test", *("x" * 2_000 + str(n) for n in range(25)))
        result = check_one(names, mail(letter()))
        assert (result.verdict, result.facts["dns"]) == (
            "unknown",
            "the answer is too large (_dmarc.a.test)",
        )

    def test_an_answer_too_large_for_udp_comes_by_tcp(self, names: NameServer) -> None:
        names.txt("_dmarc.a.test", "v=DMARC1; p=reject", *("x" * 900 + str(n) for n in range(5)))
        assert check_one(names, mail(letter())).policy == "reject"

    def test_aliases_are_followed(self, names: NameServer, key: Key) -> None:
        names.add("_dmarc.a.test", "CNAME", "a._dmarc.vendor.test.")
        names.txt("a._dmarc.vendor.test", "v=DMARC1; p=reject")
        names.add("k1._domainkey.a.test", "CNAME", "k1.vendor.test.")
        names.txt("k1.vendor.test", key.record)
        assert check_one(names, mail(signed(letter(), key))).verdict == "pass"

    def test_aliases_in_a_circle(self, names: NameServer) -> None:
        names.add("_dmarc.a.test", "CNAME", "b.test.")
        names.add("b.test", "CNAME", "_dmarc.a.test.")
        assert check_one(names, mail(letter())).verdict == "unknown"

    def test_octets_that_are_no_answer(self, names: NameServer) -> None:
        names.babble("a.test")
        assert check_one(names, mail(letter()), seconds=0.5).verdict == "unknown"


class TestSettings:
    @pytest.mark.parametrize(
        ("text", "servers"),
        [
            ("", ()),
            ("192.0.2.53:53", ("192.0.2.53:53",)),
            ("192.0.2.53:5353 , [2001:db8::53]:53,", ("192.0.2.53:5353", "[2001:db8::53]:53")),
        ],
    )
    def test_resolvers(self, text: str, servers: tuple[str, ...]) -> None:
        assert config_values.servers(text) == servers

    @pytest.mark.parametrize(
        "text", ["192.0.2.53", "dns.test:53", "192.0.2.53:0", "192.0.2.53:x", ":53", "2001:db8::53"]
    )
    def test_what_is_no_resolver(self, text: str) -> None:
        with pytest.raises(ValueError):
            config_values.servers(text)
