"""Texts as SMS-SUBMIT units, and the words of a modem as lines and answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtyard.drivers.sms import at, pdu
from courtyard.drivers.sms.faults import CME, CMS, refusal
from hw_sim.modem import read_unit

FIRE = "【火警】3号楼2单元6层走廊，点型光电感烟火灾探测器"
texts = st.text(st.characters(codec="utf-16-be", exclude_categories=("Cs",)), min_size=1, max_size=400)


def test_a_chinese_message_octet_by_octet() -> None:
    """By hand after 3GPP TS 23.040, 9.2.2.2."""
    (unit,) = pdu.submits("+8613812345678", "火警", 7)
    assert unit.hex == "00" + "1100" + "0D91683118325476F8" + "00080B" + "04" + "706B8B66"
    assert unit.length == (len(unit.hex) - 2) // 2


def test_a_national_number_of_odd_length() -> None:
    assert pdu.submits("119", "火", 0)[0].hex.startswith("001100038111F9")


@pytest.mark.parametrize("number", ["", "+", "abc", "12 3", "1" * 21, "１２３４"])
def test_what_is_no_phone_number_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="phone number"):
        pdu.submits(number, "x", 0)


@pytest.mark.parametrize(("length", "parts"), [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (268, 4), (269, 4)])
def test_how_many_parts(length: int, parts: int) -> None:
    assert len(pdu.submits("119", "火" * length, 0)) == parts


def test_a_text_that_is_too_long_says_so() -> None:
    whole = "".join(pdu.divided("火" * 1000))
    assert whole == "火" * (4 * 67 - 1) + "…"


@given(texts, st.integers(0, 1000))
def test_a_telephone_shows_what_was_written(text: str, reference: int) -> None:
    units = pdu.submits("+8613812345678", text, reference)
    parts = [read_unit(bytes.fromhex(unit.hex)[1:]) for unit in units]
    shown = "".join(part.text for part in parts)
    assert shown == text or (len(units) == pdu.MAX_PARTS and text.startswith(shown[:-1]) and shown.endswith("…"))
    assert {(part.number, part.validity_min) for part in parts} == {("+8613812345678", 60)}
    if len(parts) > 1:
        groups = [(reference % 256, len(parts), ordinal) for ordinal in range(1, len(parts) + 1)]
        assert [part.group for part in parts] == groups


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_bytes_give_bounded_lines_and_no_exception(chunks: list[bytes]) -> None:
    lines, exchange = at.Lines(), at.Exchange("+CREG")
    for chunk in chunks:
        for line in lines.feed(chunk):
            assert 0 < len(line) <= at.LONGEST_LINE
            exchange.take(line)
    at.registration(exchange.information)
    at.strength_dbm(exchange.information)


@given(st.binary(max_size=200).filter(lambda noise: b">" not in noise), st.integers(1, 7))
def test_the_answer_is_found_however_it_is_cut(noise: bytes, step: int) -> None:
    heard = noise + b"\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n"
    lines, said = at.Lines(), list[str]()
    for start in range(0, len(heard), step):
        said += lines.feed(heard[start : start + step])
    assert said[-2:] == ["+CMGS: 5", "OK"]


def test_a_line_without_end_is_bounded() -> None:
    lines = at.Lines()
    assert lines.feed(b"x" * 100_000) == []
    assert lines.feed(b"\r\nOK\r\n") == ["x" * at.LONGEST_LINE, "OK"]


def test_the_prompt_needs_no_line_end() -> None:
    lines = at.Lines()
    assert lines.feed(b"AT+CMGS=1\r") == ["AT+CMGS=1"]
    assert lines.feed(b"\r\n> ") == [at.PROMPT]
    assert lines.feed(b"\r\nOK\r\n") == ["OK"]


def test_words_of_its_own_accord_are_no_answer() -> None:
    exchange = at.Exchange("+CREG")
    for line in ("RING", '+CMTI: "SM",1', "+CREG: 2", "+CREG: 0,1", "OK", "ERROR"):
        exchange.take(line)
    assert exchange.final == at.Ended(True)
    assert at.registration(exchange.information) == "1"


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("OK", at.Ended(True)),
        ("ERROR", at.Ended(False)),
        ("+CMS ERROR: 310", at.Ended(False, "cms", 310)),
        ("+CME ERROR:14", at.Ended(False, "cme", 14)),
        ("BUSY", at.Ended(False)),
        ("+CPIN: READY", None),
        ("+CMS ERROR: x", None),
    ],
)
def test_final_results(line: str, ended: at.Ended | None) -> None:
    assert at.final(line) == ended


@pytest.mark.parametrize(("kind", "number"), [*(("cms", n) for n in CMS), *(("cme", n) for n in CME)])
def test_every_error_has_its_name_and_a_cure_in_both_languages(kind: at.ErrorKind, number: int) -> None:
    fault = refusal(at.Ended(False, kind, number), "AT+CMGS").fault
    assert f"+{kind.upper()} ERROR {number}" in fault.what.en
    assert fault.cure.en.endswith(".")
    assert fault.cure.zh.endswith("。")


def test_an_unknown_error_keeps_its_number() -> None:
    fault = refusal(at.Ended(False, "cms", 512), "AT+CMGS").fault
    assert (fault.code, "+CMS ERROR 512" in fault.what.zh) == ("sms.refused", True)
    assert refusal(at.Ended(False), "ATE0").fault.code == "sms.modem"


@pytest.mark.parametrize(("text", "plain"), [("Fire b03", True), ("火", False), ("a@b", False), ("x" * 161, False)])
def test_what_text_mode_can_carry(text: str, plain: bool) -> None:
    assert at.is_plain(text) is plain
