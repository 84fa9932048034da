"""Everything that the journal can find has words in both languages, with the facts filled in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from courtyard.agent.journal_faults import DEFECTS, WORDS, defect_of, fault_of
from courtyard.buffer import Finding, inspection
from courtyard.buffer.findings import CODES


def test_every_code_of_the_journal_has_words_and_no_word_is_left_over() -> None:
    assert WORDS.keys() == CODES.keys()


@pytest.mark.parametrize("code", CODES)
def test_the_facts_are_filled_in(code: str) -> None:
    fault = fault_of(Finding(code, 0, {name: f"<{name}>" for name in CODES[code]}))
    for text in (fault.what, fault.cure):
        assert text.en
        assert text.zh
        assert "?" not in text.en
    assert fault.code == f"journal.{code}"


def test_a_finding_with_a_fact_missing_is_still_told() -> None:
    assert "?" in fault_of(Finding("disk.full", 0)).what.en


def test_every_defect_that_verify_can_name_has_words_with_its_facts() -> None:
    source = Path(inspection.__file__).read_text()
    found = re.findall(r'_problem\(\s*"([a-z.]+)"((?:, \w+=)?[^\n]*)', source)
    assert {code for code, _ in found} == DEFECTS.keys()
    for code, facts in found:
        fault = defect_of(Finding(code, 0, dict.fromkeys(re.findall(r"(\w+)=", facts), "<fact>")))
        assert "?" not in fault.what.en + fault.what.zh, code
        assert fault.cure.zh
