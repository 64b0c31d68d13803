"""The state machines in full, units of sale, the price test, working days, and what is usable on a day."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.certification.rules import (
    CERTIFICATE_TRANSITIONS,
    DEFAULT_TERMS,
    STEP_OF,
    TRANSITIONS,
    ApplicationEvent,
    ApplicationStatus,
    CertificateEvent,
    CertificateExpiredError,
    CertificateStatus,
    CertificateSuspendedError,
    Decision,
    MissingEvidenceError,
    OriginError,
    PriceAboveEvidenceError,
    ReviewStep,
    UnitContentError,
    certificate_after,
    certificate_number,
    check_origin,
    check_price,
    check_usable,
    last_valid_day,
    status_after,
    status_after_review,
    unit_measure,
    working_days_after,
)
from market.errors import TransitionError
from market.identity.rules import POLICY, Permission
from market.quantities import Unit

MONDAY = date(2026, 3, 2)
S, E = ApplicationStatus, ApplicationEvent


@pytest.mark.parametrize(("status", "event"), list(itertools.product(ApplicationStatus, ApplicationEvent)))
def test_an_application_moves_only_as_the_table_says(status: ApplicationStatus, event: ApplicationEvent) -> None:
    if (status, event) in TRANSITIONS:
        assert status_after(status, event) is TRANSITIONS[status, event]
    else:
        with pytest.raises(TransitionError):
            status_after(status, event)


def test_a_listing_is_reached_by_one_way_alone() -> None:
    moves = {(before, after) for (before, _), after in TRANSITIONS.items() if before is not after}
    way = [S.SUBMITTED, S.TOWNSHIP_PASSED, S.TRADE_PASSED, S.ON_NOTICE, S.CLEARED, S.LISTED]
    assert {move for move in moves if move[1] is not S.REJECTED} == set(itertools.pairwise(way))
    assert not {before for before, _ in moves} & {S.LISTED, S.REJECTED}


@pytest.mark.parametrize(
    ("status", "step", "decision"), list(itertools.product(ApplicationStatus, ReviewStep, Decision))
)
def test_each_step_is_decided_in_its_turn(status: ApplicationStatus, step: ReviewStep, decision: Decision) -> None:
    turn = {
        (S.SUBMITTED, ReviewStep.TOWNSHIP): S.TOWNSHIP_PASSED,
        (S.TOWNSHIP_PASSED, ReviewStep.TRADE): S.TRADE_PASSED,
        (S.TRADE_PASSED, ReviewStep.COUNTY): S.ON_NOTICE,
    }
    if (status, step) not in turn:
        with pytest.raises(TransitionError):
            status_after_review(status, step, decision)
    else:
        expected = turn[status, step] if decision is Decision.PASS else S.REJECTED
        assert status_after_review(status, step, decision) is expected


def test_every_role_that_may_review_stands_for_one_step() -> None:
    assert set(POLICY[Permission.APPLICATION_REVIEW]) == set(STEP_OF)
    assert sorted(STEP_OF.values()) == sorted(ReviewStep)


@pytest.mark.parametrize(("status", "event"), list(itertools.product(CertificateStatus, CertificateEvent)))
def test_a_certificate_moves_only_as_the_table_says(status: CertificateStatus, event: CertificateEvent) -> None:
    if (status, event) in CERTIFICATE_TRANSITIONS:
        assert certificate_after(status, event) is CERTIFICATE_TRANSITIONS[status, event]
    else:
        with pytest.raises(TransitionError):
            certificate_after(status, event)


def test_a_revoked_certificate_stays_revoked() -> None:
    assert CertificateStatus.REVOKED not in {status for status, _ in CERTIFICATE_TRANSITIONS}


@pytest.mark.parametrize(
    ("status", "on", "refusal"),
    [
        (CertificateStatus.VALID, MONDAY, None),
        (CertificateStatus.VALID, MONDAY + timedelta(days=364), None),
        (CertificateStatus.VALID, MONDAY - timedelta(days=1), CertificateExpiredError),
        (CertificateStatus.VALID, MONDAY + timedelta(days=365), CertificateExpiredError),
        (CertificateStatus.SUSPENDED, MONDAY, CertificateSuspendedError),
        (CertificateStatus.REVOKED, MONDAY, CertificateSuspendedError),
    ],
)
def test_a_certificate_is_usable_on_both_days_of_its_validity_and_between(
    status: CertificateStatus, on: date, refusal: type[Exception] | None
) -> None:
    facts = {"number": "JC-141122-2026-03-0007", "valid_from": MONDAY, "valid_to": last_valid_day(MONDAY, 365)}
    if refusal is None:
        check_usable(**facts, status=status, on=on)  # type: ignore[arg-type]
    else:
        with pytest.raises(refusal):
            check_usable(**facts, status=status, on=on)  # type: ignore[arg-type]


def test_a_number_says_county_year_batch_and_place() -> None:
    assert certificate_number("141122", MONDAY, 3, 7) == "JC-141122-2026-03-0007"


def test_defaults_are_five_working_days_and_a_year() -> None:
    assert (DEFAULT_TERMS.notice_working_days, DEFAULT_TERMS.validity_days) == (5, 365)
    assert last_valid_day(MONDAY, 365) == date(2027, 3, 1)


@pytest.mark.parametrize(
    ("day", "count", "last"),
    [
        (MONDAY, 0, MONDAY),
        (MONDAY, 5, date(2026, 3, 9)),
        (date(2026, 3, 6), 1, date(2026, 3, 9)),
        (date(2026, 3, 7), 1, date(2026, 3, 9)),
        (date(2026, 3, 8), 5, date(2026, 3, 13)),
    ],
)
def test_weekends_are_no_working_days(day: date, count: int, last: date) -> None:
    assert working_days_after(day, count) == last


@given(st.dates(date(2020, 1, 1), date(2100, 1, 1)), st.integers(1, 60))
def test_a_notice_ends_on_a_working_day_after_exactly_so_many(day: date, count: int) -> None:
    last = working_days_after(day, count)
    days = [day + timedelta(days=ahead) for ahead in range(1, (last - day).days + 1)]
    assert last.weekday() < 5
    assert sum(found.weekday() < 5 for found in days) == count


@pytest.mark.parametrize(
    ("unit", "content", "measure"),
    [
        (Unit.KG, None, (1_000, Unit.KG)),
        (Unit.JIN, None, (500, Unit.KG)),
        (Unit.PIECE, None, (1_000, Unit.PIECE)),
        (Unit.BOX, ("2.5", Unit.KG), (2_500, Unit.KG)),
        (Unit.BOX, ("5", Unit.JIN), (2_500, Unit.KG)),
        (Unit.BOX, ("12", Unit.PIECE), (12_000, Unit.PIECE)),
    ],
)
def test_a_unit_holds_what_it_says(unit: Unit, content: tuple[str, Unit] | None, measure: tuple[int, Unit]) -> None:
    assert unit_measure(unit, content) == measure


@pytest.mark.parametrize(
    ("unit", "content"),
    [
        (Unit.KG, ("1", Unit.KG)),
        (Unit.BOX, None),
        (Unit.BOX, ("1", Unit.BOX)),
        (Unit.BOX, ("0", Unit.KG)),
        (Unit.BOX, ("0.0001", Unit.KG)),
        (Unit.BOX, ("much", Unit.KG)),
    ],
)
def test_an_unclear_unit_is_refused(unit: Unit, content: tuple[str, Unit] | None) -> None:
    with pytest.raises(UnitContentError):
        unit_measure(unit, content)


def test_the_price_may_reach_the_lowest_evidence_and_not_pass_it() -> None:
    assert check_price(6_000, 6_000, "box") == 6_000
    with pytest.raises(PriceAboveEvidenceError):
        check_price(6_001, 6_000, "box")
    with pytest.raises(MissingEvidenceError):
        check_price(1, None, "box")


@pytest.mark.parametrize("origin", ["141122106", "141122106201"])
def test_an_origin_in_the_suppliers_county_passes(origin: str) -> None:
    check_origin(origin, "141122")
    check_origin(origin, "141122202")


@pytest.mark.parametrize(
    ("origin", "registered"), [("141130103", "141122"), ("141122", "141122"), ("141122106", "1411")]
)
def test_an_origin_elsewhere_or_without_a_township_is_refused(origin: str, registered: str) -> None:
    with pytest.raises(OriginError):
        check_origin(origin, registered)
