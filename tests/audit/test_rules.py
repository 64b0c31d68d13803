"""Findings and symptoms read as sentences, in both languages."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from market.audit.rules import (
    MOST_DAYS,
    WORDS,
    Difference,
    Finding,
    Symptom,
    TracePeriodError,
    Verification,
    check_period,
)

SOMEBODY = UUID(int=7)
DAY = date(2026, 3, 2)


def test_every_difference_has_words_in_both_languages() -> None:
    assert WORDS.keys() == set(Difference)
    assert all(english and chinese for english, chinese in WORDS.values())


def test_a_finding_names_owner_and_amounts() -> None:
    finding = Finding(
        Difference.AMOUNT,
        "acceptance:1",
        owner_kind="collective",
        owner_id=SOMEBODY,
        owner_name="王村股份经济合作社",
        step="accrued",
        expected_fen=100_001,
        found_fen=100_000,
        detail="x",
    )
    assert finding.line() == (
        "acceptance:1: the amount is not what the facts make it; collective 王村股份经济合作社 accrued;"
        " expected 1,000.01; found 1,000.00; x"
    )
    assert finding.line("zh") == (
        "acceptance:1: 金额与事实不符;村集体 王村股份经济合作社 应计;应为 1,000.01;实为 1,000.00;x"
    )


def test_a_finding_without_owner_or_amount_is_short() -> None:
    assert Finding(Difference.NO_FACT, "x").line() == "x: no fact stands behind this entry"
    unknown = Finding(Difference.NO_FACT, "x", owner_kind="odd", owner_id=SOMEBODY)
    assert unknown.line("zh") == f"x: 凭证没有对应的业务事实;odd {SOMEBODY}"


def test_a_symptom_reads_in_both_languages() -> None:
    symptom = Symptom("books_do_not_mix", "one book", "同一账簿", "entry 1", "cash", "attribution")
    assert symptom.line() == "books_do_not_mix: broken: one book; entry 1; expected cash; found attribution"
    assert symptom.line("zh") == "books_do_not_mix: 违反「同一账簿」;entry 1;应为 cash;实为 attribution"


def test_verifications_add_up() -> None:
    finding = Finding(Difference.DATE, "x")
    whole = Verification(1, 2, 3, 4, (finding,)) + Verification(1, 1, 1, 1, (), (finding,))
    assert whole == Verification(2, 3, 4, 5, (finding,), (finding,))
    assert not whole.sound
    assert Verification(notes=(finding,)).sound


def test_a_period_is_at_most_a_year() -> None:
    check_period(DAY, DAY)
    check_period(DAY, DAY + timedelta(days=MOST_DAYS - 1))
    for days in (-1, MOST_DAYS):
        with pytest.raises(TracePeriodError):
            check_period(DAY, DAY + timedelta(days=days))
