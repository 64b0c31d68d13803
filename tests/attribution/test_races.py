"""What two people do at once is attributed as if one had come after the other, and can be verified."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from itertools import count
from threading import Barrier, BrokenBarrierError
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import bank_file, bank_results, cash, confirming, pay_lists, queries
from market.attribution.models import PayList, Payment
from market.attribution.paying import AlreadyConfirmedError, EinvoiceTakenError, ForeignContributionError, Method
from market.attribution.rules import (
    Kind,
    PaymentOrder,
)
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.db import Database
from market.errors import MarketError, TransitionError
from market.identity.rules import OrganisationKind, Role, Scope
from market.ledger import service as ledger
from market.ledger.rules import Book
from market.lots import opening
from market.lots.rules import LotStatus, PaidLotError
from market.orders.models import Order
from tests import factories
from tests.money_out import paid_out
from tests.racing import crossings
from tests.story import NOON, TODAY, Story, open_channels

Act = Callable[[Story], object]


@pytest.fixture
def story(committed_db: Database) -> Story:
    with committed_db.transaction() as session:
        open_channels(session)
        return Story(session)


def told(db: Database, story: Story, act: Act) -> None:
    """Let the people of a story do something in a transaction of its own."""
    with db.transaction() as session:
        act(story.elsewhere(session))


def acts(payee: UUID, prepaid: UUID, sold: UUID, paid: UUID) -> list[Act]:
    def order(here: Story, order_id: UUID) -> Order:
        return here.session.get_one(Order, order_id)

    return [
        lambda here: here.accept(order(here, prepaid)),
        lambda here: here.pay(order(here, sold), 10_000),
        lambda here: here.give_back(order(here, paid), "10"),
        lambda here: here.disburse({payee: 2_000}),
    ]


def at_once(db: Database, story: Story, *doing: Act) -> None:
    ready = Barrier(len(doing))

    def run(act: Act) -> None:
        ready.wait(10)
        told(db, story, act)

    with ThreadPoolExecutor(len(doing)) as people:
        list(people.map(run, doing))


def test_an_acceptance_a_receipt_a_return_and_a_payment_at_once_verify(committed_db: Database, story: Story) -> None:
    db = committed_db
    for _ in range(5):
        with db.transaction() as session:
            here = story.elsewhere(session)
            household = here.household()
            here.lot(100_000, {household.id: 60_000})
            prepaid, sold, paid = here.place("10"), here.sell("10"), here.sell("10")
            here.pay(prepaid, 10_000)
            here.deliver(prepaid)
            here.pay(paid, 10_000)
            here.disburse({household.id: 9_000})
            ids = (prepaid.id, sold.id, paid.id)
        at_once(db, story, *acts(household.id, *ids))
    with db.transaction() as session:
        assert not verify(session).findings
    with db.transaction() as session:
        assert [symptom for symptom in examine(session) if symptom.invariant != "lot_is_covered"] == []


def both(db: Database, act: Callable[[orm.Session], object]) -> list[object]:
    """Let two people do the same at once; return what each got, an answer or a refusal."""
    ready = Barrier(2)

    def run(_: int) -> object:
        ready.wait(10)
        try:
            with db.transaction() as session:
                return act(session)
        except MarketError as refused:
            return refused

    with ThreadPoolExecutor(2) as people:
        return list(people.map(run, range(2)))


def listed(session: orm.Session, story: Story, method: Method) -> PayList:
    """Write a list that pays a household 1 yuan."""
    household = story.household()
    story.lot(10_000, {household.id: 100})
    return prepared(session, story, [PaymentOrder(Kind.HOUSEHOLD, household.id, 100, "DF-1", None)], method)


def prepared(session: orm.Session, story: Story, payments: Sequence[PaymentOrder], method: Method) -> PayList:
    return pay_lists.prepare(
        session,
        story.clerk,
        method=method,
        paid_on=TODAY if method is Method.CASH else None,
        evidence="清单",
        payments=payments,
        now=NOON,
    )


def test_two_clerks_who_import_one_bank_file_at_once_pay_once(committed_db: Database, story: Story) -> None:
    with committed_db.transaction() as session:
        here = story.elsewhere(session)
        pay_list = listed(session, here, Method.BANK_TRANSFER)
        cashier = factories.actor(session, factories.member(session, here.supplier))
    content = f"reference,amount,result,date\nDF-1,1.00,success,{TODAY}".encode()
    rows, faults = bank_file.read(content)

    def told_by_bank(session: orm.Session) -> object:
        return bank_results.take_over(
            session, cashier, pay_list_id=pay_list.id, content=content, rows=rows, faults=faults, now=NOON
        ).duplicate

    assert sorted(map(str, both(committed_db, told_by_bank))) == ["False", "True"]
    with committed_db.transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Payment)) == 1
    with committed_db.transaction() as session:
        assert not verify(session).findings


def test_cash_countersigned_twice_at_once_is_paid_once(committed_db: Database, story: Story) -> None:
    with committed_db.transaction() as session:
        here = story.elsewhere(session)
        pay_list = listed(session, here, Method.CASH)
        witness = factories.actor(session, factories.member(session, here.supplier))

    def sign(session: orm.Session) -> object:
        return cash.countersign(session, witness, pay_list_id=pay_list.id, evidence_ids=(), now=NOON)

    outcomes = both(committed_db, sign)
    assert [type(each) for each in outcomes].count(TransitionError) == 1
    with committed_db.transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Payment)) == 1
    with committed_db.transaction() as session:
        assert not verify(session).findings


def test_one_invoice_behind_payments_of_two_suppliers_at_once_counts_for_one(
    committed_db: Database, story: Story
) -> None:
    with committed_db.transaction() as session:
        payees = [(other, other.household().id) for other in (story.elsewhere(session), Story(session))]
    ready = Barrier(2)

    def pay(place: int) -> bool:
        other, payee = payees[place]
        ready.wait(10)
        try:
            with committed_db.transaction() as session:
                order = PaymentOrder(Kind.HOUSEHOLD, payee, 100, "24142000000012345678", None)
                paid_out(session, other.clerk, [order], on=TODAY, now=NOON, method=Method.PURCHASE_INVOICE)
        except EinvoiceTakenError:
            return False
        return True

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(pay, range(2))) == [False, True]


def test_no_list_asks_to_pay_an_invoice_that_another_supplier_pays_at_once(
    committed_db: Database, story: Story
) -> None:
    """The list could never be booked: the bank's word on it would name an invoice that stands behind a payment."""
    db, numbers = committed_db, count(24142000000012345678)

    def begin() -> tuple[Callable[[], object], Callable[[], object]]:
        with db.transaction() as session:
            other = Story(session)
            suppliers = [(each, each.household().id) for each in (story.elsewhere(session), other)]
            for each, payee in suppliers:
                each.lot(10_000, {payee: 100})
        invoice = str(next(numbers))
        (lister, listed_payee), (payer, paid_payee) = suppliers

        def lists() -> str:
            order = PaymentOrder(Kind.HOUSEHOLD, listed_payee, 100, f"DF-{invoice}", None, invoice)
            with db.transaction() as session:
                return prepared(session, lister, [order], Method.BANK_TRANSFER).status

        def pays() -> str:
            order = PaymentOrder(Kind.HOUSEHOLD, paid_payee, 100, invoice, None)
            with db.transaction() as session:
                paid_out(session, payer.clerk, [order], on=TODAY, now=NOON, method=Method.PURCHASE_INVOICE)
            return "paid"

        return lists, pays

    for outcome in crossings(db, begin, least=2):
        assert [type(each) for each in outcome].count(EinvoiceTakenError) == 1


def test_nobody_is_paid_for_what_he_gave_to_a_lot_that_is_being_discarded(committed_db: Database, story: Story) -> None:
    db = committed_db
    with db.transaction() as session:
        here = story.elsewhere(session)
        household = here.household()
        lot, (given,) = here.lot(100_000, {household.id: 60_000})
        lot.status, lot.opened_by, lot.opened_at = LotStatus.DRAFT, None, None
    with ThreadPoolExecutor(1) as clerk:
        with db.transaction() as session:
            opening.discard(session, story.clerk, lot_id=lot.id)
            paying = clerk.submit(
                told,
                db,
                story,
                lambda here: here.disburse({household.id: 6_000}, contributions={household.id: given.id}),
            )
            with pytest.raises(TimeoutError):
                paying.result(0.3)  # it waits until the lot is discarded
        with pytest.raises(ForeignContributionError):
            paying.result(10)
    with db.transaction() as session:
        assert queries.advances(session, story.supplier.id, [household.id]) == []


def test_no_list_names_what_was_given_to_a_lot_that_is_discarded_at_once(committed_db: Database, story: Story) -> None:
    """Both are under the lock of what the supplier's payees have standing: one of them sees what the other did."""
    db = committed_db

    def begin() -> tuple[Callable[[], object], Callable[[], object]]:
        with db.transaction() as session:
            here = story.elsewhere(session)
            household = here.household()
            here.lot(10_000, {household.id: 100})
            lot, (given,) = here.lot(10_000, {household.id: 100})
            lot.status, lot.opened_by, lot.opened_at = LotStatus.DRAFT, None, None
        order = PaymentOrder(Kind.HOUSEHOLD, household.id, 100, f"DF-{given.id}", given.id)

        def discards() -> LotStatus:
            with db.transaction() as session:
                return opening.discard(session, story.clerk, lot_id=lot.id).status

        def lists() -> str:
            with db.transaction() as session:
                return prepared(session, story, [order], Method.BANK_TRANSFER).status

        return discards, lists

    for discarded, list_made in crossings(db, begin, least=2):
        assert (discarded, type(list_made)) == (LotStatus.DISCARDED, ForeignContributionError) or (
            type(discarded),
            list_made,
        ) == (PaidLotError, "open")


def test_a_code_is_typed_in_while_it_is_printed_again(committed_db: Database, story: Story) -> None:
    db = committed_db
    with db.transaction() as session:
        office = factories.organisation(session, kind=OrganisationKind.VILLAGE_OFFICE)
        clerk = factories.actor(session, factories.member(session, office, Role.VILLAGE_CLERK), Scope.ALL)

    def begin() -> tuple[Callable[[], object], Callable[[], object]]:
        with db.transaction() as session:
            here = story.elsewhere(session)
            (payment_id,) = here.disburse({here.household().id: 1_000})

        def prints() -> str:
            with db.transaction() as session:
                return confirming.issue_code(session, clerk, payment_id=payment_id, now=NOON)

        code = prints()

        def types() -> int | None:
            with db.transaction() as session:
                return confirming.confirm_by_code(session, payment_id=payment_id, code=code, now=NOON)

        return types, prints

    for typed, printed in crossings(db, begin, least=2):
        assert (typed, type(printed)) in ((1_000, AlreadyConfirmedError), (None, str))


def test_two_suppliers_post_late_facts_at_once_into_a_month_that_nobody_opened(committed_db: Database) -> None:
    db = committed_db
    with db.transaction() as session:
        open_channels(session)
        stories = [Story(session), Story(session)]
        for story in stories:
            story.lot(100_000, {story.household().id: 60_000})
        sold = [story.sell("10").id for story in stories]
        ledger.close_month(session, Book.ATTRIBUTION, month=TODAY, closed_by=uuid4(), today=date(2026, 4, 1))
    accounts_added = Barrier(2)

    def meet(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "INSERT INTO ledger_accounts" in statement:
            with suppress(BrokenBarrierError):
                accounts_added.wait(1)

    def pay(place: int) -> None:
        told(db, stories[place], lambda here: here.pay(here.session.get_one(Order, sold[place]), 10_000))

    sa.event.listen(db.engine, "after_cursor_execute", meet)
    with ThreadPoolExecutor(2) as clerks:
        list(clerks.map(pay, range(2)))
    sa.event.remove(db.engine, "after_cursor_execute", meet)
    with db.transaction() as session:
        assert not verify(session).findings
