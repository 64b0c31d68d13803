"""A payment that its payee never had is reversed: what it settled is owed again, and nobody is told otherwise."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.attribution.paying import AlreadyConfirmedError, PaymentGivenOnError, PaymentReversedError
from market.attribution.payment_reversal import reverse_payment
from market.attribution.rules import Kind, Step
from market.attribution.statements import household_statement
from market.audit.doctoring import examine
from market.audit.rules import Difference
from market.audit.verifying import verify
from market.errors import FourEyesError
from market.identity.rules import Actor, Role, Scope
from market.ledger.models import LedgerEntry
from market.lots.rules import LotStatus
from tests import factories
from tests.attribution.dealings import close_march
from tests.attribution.test_bank_results import prepared, told
from tests.attribution.test_evidence import PDF, uploaded
from tests.distributions.season import Season
from tests.stalls import NOON, Stalls
from tests.story import TODAY, Story, open_channels

LATER = TODAY + timedelta(days=9)


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    return Story(session)


@pytest.fixture
def manager(session: orm.Session, story: Story) -> Actor:
    return factories.actor(session, factories.member(session, story.supplier, Role.SUPPLIER_MANAGER))


def undo(story: Story, manager: Actor, payment_id: UUID, *, on: date = LATER) -> None:
    reverse_payment(
        story.session, manager, payment_id=payment_id, reason="金额多录一个零", on=on, now=NOON + (on - TODAY)
    )


def faults(session: orm.Session) -> list[object]:
    return [*verify(session).findings, *examine(session)]


def test_what_a_reversed_payment_had_settled_and_paid_ahead_is_as_it_was(story: Story, manager: Actor) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 60_000})
    order = story.sell("40")
    story.pay(order, 40_000)
    own = (Kind.HOUSEHOLD, household.id)
    (slip,) = story.disburse({household.id: 30_000})
    assert (story.held([order])[*own, Step.DISBURSED], story.advances(household.id)) == (24_000, 6_000)

    undo(story, manager, slip)

    held = story.held([order])
    assert (held[*own, Step.RECOGNISED], story.advances(household.id)) == (24_000, 0)
    assert (*own, Step.DISBURSED) not in held
    assert faults(story.session) == []


def test_what_it_claimed_later_is_owed_again_and_claims_other_money_paid_ahead(story: Story, manager: Actor) -> None:
    household = story.household()
    story.lot(100_000, {household.id: 60_000})
    (slip,) = story.disburse({household.id: 50_000})
    story.disburse({household.id: 7_000})
    order = story.sell("40")
    story.pay(order, 40_000)
    assert story.advances(household.id) == 33_000

    undo(story, manager, slip)

    held, own = story.held([order]), (Kind.HOUSEHOLD, household.id)
    assert (held[*own, Step.RECOGNISED], held[*own, Step.DISBURSED]) == (17_000, 7_000)
    assert story.advances(household.id) == 0
    assert faults(story.session) == []
    reader = factories.actor(story.session, factories.member(story.session, story.supplier), Scope.ALL)
    found = household_statement(
        story.session.connection(), reader, household.id, period_from=date(2026, 1, 1), period_to=date(2026, 12, 31)
    ).total
    ahead = found.advance
    assert ahead.opening_fen + ahead.paid_fen + ahead.from_returns_fen - ahead.matched_fen == ahead.closing_fen == 0
    assert found.money_received_fen == 7_000


def test_a_top_up_and_what_came_back_of_a_return_are_undone_with_it(story: Story, manager: Actor) -> None:
    household = story.household()
    story.lot(10_000, {household.id: 30_000})
    order = story.sell("10")
    story.pay(order, 10_000)
    (slip,) = story.disburse({household.id: 30_000})
    story.give_back(order, "4")
    own = (Kind.HOUSEHOLD, household.id)
    assert story.advances(household.id) == 12_000

    undo(story, manager, slip)

    held = story.held([order])
    assert (held[*own, Step.RECOGNISED], held[*own, Step.TOP_UP], story.advances(household.id)) == (6_000, 12_000, 0)
    assert faults(story.session) == []


def test_it_is_booked_today_and_known_under_the_day_of_the_payment(story: Story, manager: Actor) -> None:
    household = story.household()
    story.lot(10_000, {household.id: 5_000})
    (slip,) = story.disburse({household.id: 5_000})
    undo(story, manager, slip)
    entries = sa.select(LedgerEntry.effective_on, LedgerEntry.original_effective_on)
    posted = story.session.execute(entries.where(LedgerEntry.reason == "payment_reversal")).one()
    assert tuple(posted) == (LATER, TODAY)


def test_it_is_done_once_and_never_by_who_recorded_the_payment(story: Story, manager: Actor) -> None:
    household = story.household()
    story.lot(10_000, {household.id: 5_000})
    (slip,) = story.disburse({household.id: 5_000})
    with pytest.raises(FourEyesError):
        undo(story, story.clerk, slip)
    undo(story, manager, slip)
    with pytest.raises(PaymentReversedError):
        undo(story, manager, slip)


def test_what_a_collective_has_given_on_is_not_undone(session: orm.Session) -> None:
    open_channels(session)
    season = Season(session, collective_bp=2_000)
    season.deliver({season.story.household().id: 10})
    season.sell("10")
    payment = season.pay_collective(20_00)
    season.give_on(4_00, {season.story.household().id: 1})
    manager = factories.actor(session, factories.member(session, season.story.supplier, Role.SUPPLIER_MANAGER))
    with pytest.raises(PaymentGivenOnError):
        undo(season.story, manager, payment)


def test_a_reversal_that_the_book_lacks_is_found(story: Story, manager: Actor) -> None:
    household = story.household()
    story.lot(10_000, {household.id: 5_000})
    (slip,) = story.disburse({household.id: 5_000})
    undo(story, manager, slip)
    session = story.session
    session.execute(sa.text("SET LOCAL ROLE NONE"))
    session.execute(sa.text("UPDATE payment_reversals SET reversed_on = reversed_on - 1"))
    assert [finding.difference for finding in verify(session).findings] == [Difference.DATE]


@pytest.fixture
def stalls(client: TestClient, session: orm.Session) -> Iterator[Stalls]:
    with time_machine.travel(NOON, tick=False):
        stalls = Stalls(client, session)
        stalls.clerk.made("/receipts", stalls.money(stalls.accepted(), 10_000))
        yield stalls


def paid(stalls: Stalls, amount_fen: int, **changed: Any) -> str:
    return str(stalls.clerk.made("/disbursements", stalls.payment(amount_fen, **changed))["payments"][0]["id"])


def test_its_reference_is_free_again_and_what_is_owed_is_as_old_as_it_was(stalls: Stalls) -> None:
    manager = stalls.desk(stalls.supplier, Role.SUPPLIER_MANAGER)
    first = str(stalls.households[0].id)
    slip = paid(stalls, 1_000, reference="农商行 0302-1")
    with time_machine.travel(NOON + timedelta(days=40), tick=False):
        done = manager.made(f"/payments/{slip}/reversal", {"reason": "金额录入错误"})
        assert (done["amount_fen"], done["reversed_on"]) == (1_000, "2026-04-11")
        (owed,) = stalls.county.get("/payables", payee_id=first).json()["items"]
        assert (owed["recognised_fen"], owed["overdue_fen"], owed["age_days"]) == (3_058, 3_058, 40)
        (listed,) = stalls.clerk.get("/payments", payee_id=first).json()["items"]
        assert listed["reversed_at"] is not None
        paid(stalls, 3_058, reference="农商行 0302-1")
    assert stalls.village.post("/payments/confirmations", {"payment_ids": [slip]}).json()["code"] == "payment_reversed"
    assert stalls.village.post(f"/payments/{slip}/confirmation-code").json()["code"] == "payment_reversed"


def test_the_files_that_proved_a_wholly_reversed_batch_prove_the_one_that_was_meant(stalls: Stalls) -> None:
    slip = uploaded(stalls.clerk, PDF)["id"]
    batch = stalls.payment(900) | {"evidence_ids": [slip]}
    batch["payments"] += stalls.payment(100)["payments"]
    wrong = stalls.clerk.made("/disbursements", batch)
    meant = stalls.payment(1_000) | {"evidence_ids": [slip]}
    for payment in wrong["payments"]:
        refused = stalls.clerk.post("/disbursements", meant)
        assert (refused.status_code, refused.json()["code"]) == (409, "evidence_used"), "one payment still stands"
        stalls.manager.made(f"/payments/{payment['id']}/reversal", {"reason": "金额录入错误"})
    assert stalls.clerk.get(f"/evidence/{slip}").json()["use"] is None
    right = stalls.clerk.made("/disbursements", meant)
    assert stalls.clerk.get(f"/evidence/{slip}").json()["use"]["disbursement_id"] == right["id"]
    assert stalls.clerk.get(f"/disbursements/{wrong['id']}").json()["evidence_ids"] == [slip], "it stays on record"
    another = stalls.payment(1_000) | {"evidence_ids": [slip]}
    assert stalls.clerk.post("/disbursements", another).json()["code"] == "evidence_used"


def test_a_reference_that_a_bank_was_given_stays_spent_when_its_payment_is_reversed(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 1_000)
    told(stalls, pay_list, f"DF-0,,10.00,成功,,{TODAY}")
    (listed,) = stalls.clerk.get("/payments").json()["items"]
    stalls.desk(stalls.supplier, Role.SUPPLIER_MANAGER).made(f"/payments/{listed['id']}/reversal", {"reason": "退汇"})
    again = stalls.clerk.post("/disbursements", stalls.payment(1_000, reference="DF-0"))
    assert (again.status_code, again.json()["code"]) == (409, "payment_reference_taken")
    assert stalls.clerk.post("/disbursements", stalls.payment(1_000, reference="DF-9")).status_code == 201


def test_a_payment_whose_receipt_was_confirmed_is_never_reversed(stalls: Stalls) -> None:
    manager = stalls.desk(stalls.supplier, Role.SUPPLIER_MANAGER)
    payment = paid(stalls, 1_000)
    stalls.village.made("/payments/confirmations", {"payment_ids": [payment]})
    refused = manager.post(f"/payments/{payment}/reversal", {"reason": "金额录入错误"})
    assert (refused.status_code, refused.json()["code"]) == (409, "already_confirmed")
    assert AlreadyConfirmedError.status == 409


def test_a_payee_is_paid_ahead_for_what_it_delivered_and_no_more(stalls: Stalls) -> None:
    """Of 30,000 fen delivered, 3,000 came with the tenth that was sold; 58 are a dividend."""
    refused = stalls.clerk.post("/disbursements", stalls.payment(30_059))
    assert (refused.status_code, refused.json()["code"]) == (422, "paid_beyond_delivery")
    (fault,) = refused.json()["errors"]
    assert fault["pointer"] == "/payments/0/amount_fen"
    assert "300.58 yuan" in refused.json()["detail"]
    assert stalls.clerk.post("/disbursements?dry_run=true", stalls.payment(30_059)).status_code == 422
    paid(stalls, 30_058)
    assert stalls.clerk.post("/disbursements", stalls.payment(1)).json()["code"] == "paid_beyond_delivery"


def test_a_lot_that_nobody_has_opened_covers_no_payment_ahead(stalls: Stalls) -> None:
    """Whoever writes down a delivery at any price does not pay for it before somebody else opens the lot."""
    lot = factories.lot(stalls.session, stalls.dates, status=LotStatus.DRAFT)
    factories.contribution(stalls.session, lot, stalls.households[0], amount_fen=9_000_000)
    assert stalls.clerk.post("/disbursements", stalls.payment(30_059)).json()["code"] == "paid_beyond_delivery"
    manager = factories.member(stalls.session, stalls.supplier, Role.SUPPLIER_MANAGER)
    lot.status, lot.opened_by, lot.opened_at = LotStatus.OPEN, manager.id, NOON
    stalls.session.flush()
    paid(stalls, 30_059)


def test_a_statement_lists_a_payment_and_its_reversal_each_on_the_day_it_is_booked(
    story: Story, manager: Actor
) -> None:
    household, session = story.household(), story.session
    story.lot(100_000, {household.id: 60_000})
    story.pay(story.sell("10"), 10_000)
    (slip,) = story.disburse({household.id: 5_000})
    april = date(2026, 4, 9)
    undo(story, manager, slip, on=april)
    for first, last, on, listed in (
        (TODAY, date(2026, 3, 31), date.max, [5_000]),
        (date(2026, 4, 1), april, date.max, [-5_000]),
        (TODAY, april, date.max, [-5_000, 5_000]),
        (TODAY, april, date(2026, 4, 8), [5_000]),
    ):
        found = household_statement(
            session.connection(), manager, household.id, period_from=first, period_to=last, on=on
        )
        assert [each.amount_fen for each in found.payments] == listed
        assert [each.reverses_id for each in found.payments] == [slip if fen < 0 else None for fen in listed]
        assert {each.paid_on for each in found.payments} == {TODAY}
        assert found.total.money_received_fen == sum(listed)


def test_a_payment_of_a_closed_month_is_listed_where_it_is_booked(story: Story) -> None:
    household, session = story.household(), story.session
    close_march(session)
    story.disburse({household.id: 5_000})
    for first, last, listed in ((TODAY, date(2026, 3, 31), 0), (date(2026, 4, 1), date(2026, 4, 30), 5_000)):
        found = household_statement(session.connection(), story.clerk, household.id, period_from=first, period_to=last)
        assert found.total.money_received_fen == sum(each.amount_fen for each in found.payments) == listed
