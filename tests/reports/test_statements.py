"""Statements add up, at every step, for every period, however the books were closed; and each sees its own."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.attribution.rules import LADDER, Step
from market.attribution.statements import Flow, HouseholdStatement, Statement, household_statement
from market.benefits.rules import IncomeClass, Mechanism
from market.db import Database
from market.errors import InvalidInputError, NotFoundError
from market.households.models import Household
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.ledger import service as ledger
from market.ledger.rules import Book
from market.orders.models import Order
from market.payments.models import ReceiptAllocation
from market.reports.cooperatives import CooperativeStatement, cooperative_statement
from market.reports.queries import Filters, report
from market.reports.rules import Dimension, Suspended
from tests import factories
from tests.conftest import RolledBackDatabase
from tests.reports.small_market import APRIL, WINDOW, SmallMarket, small_market
from tests.story import TODAY, Story

MONTHS = [date(2026, month, 1) for month in range(1, 13)]
PERIODS = [
    WINDOW,
    *((first, following - timedelta(days=1)) for first, following in pairwise(MONTHS)),
    (date(2026, 5, 15), date(2026, 5, 25)),
    (date(2026, 5, 16), date(2026, 6, 26)),
    (date(2026, 6, 12), date(2026, 6, 12)),
]


@pytest.fixture(scope="module")
def db(worker_db: Database) -> Iterator[Database]:
    """One market for all that only read it."""
    database = RolledBackDatabase(worker_db)
    yield database
    database.close()


@pytest.fixture(scope="module")
def market(db: Database) -> SmallMarket:
    with db.transaction() as session:
        return small_market(session)


def auditor(session: orm.Session) -> Actor:
    office = factories.organisation(session, kind=OrganisationKind.AUDIT_OFFICE)
    return factories.actor(session, factories.member(session, office), Scope.ALL)


def of_household(
    session: orm.Session, household: Household, period: tuple[date, date] = WINDOW, actor: Actor | None = None
) -> HouseholdStatement:
    return household_statement(
        session.connection(), actor or auditor(session), household.id, period_from=period[0], period_to=period[1]
    )


def of_cooperative(session: orm.Session, story: Story, period: tuple[date, date] = WINDOW) -> CooperativeStatement:
    return cooperative_statement(
        session.connection(), story.clerk, story.supplier.id, period_from=period[0], period_to=period[1]
    )


def closing(statement: Statement) -> dict[Step, int]:
    return {balance.step: balance.closing_fen for balance in statement.balances}


def plus(flows: list[Flow]) -> Flow:
    names = Flow.__dataclass_fields__
    return Flow(**{name: sum(getattr(flow, name) for flow in flows) for name in names})


def check_adds_up(statement: Statement) -> None:
    """Hold a statement's figures against each other."""
    assert statement.total == plus([income.flow for income in statement.incomes])
    assert statement.total == plus(list(statement.classes.values()))
    assert set(statement.classes) == set(IncomeClass)
    moved = {balance.step: balance.movement_fen for balance in statement.balances}
    assert set(moved) == set(Step)
    reached = (
        statement.total.accrued_fen,
        statement.total.recognised_fen,
        statement.total.disbursed_fen,
        statement.total.confirmed_fen,
    )
    assert reached == tuple(sum(moved[step] for step in LADDER[index:]) for index in range(4))
    assert statement.total.top_up_fen == moved[Step.TOP_UP] + moved[Step.TOP_UP_PAID]
    advance = statement.advance
    claimed_fen = advance.matched_fen + advance.matched_by_top_ups_fen
    came_in_fen = advance.paid_fen + advance.from_returns_fen
    assert advance.opening_fen + came_in_fen - claimed_fen == advance.closing_fen == closing(statement)[Step.ADVANCE]
    assert statement.total.matched_fen == advance.matched_fen
    assert statement.brought_by_orders_fen == statement.total.disbursed_fen
    outside_fen = statement.total.top_up_paid_fen + came_in_fen - claimed_fen
    assert statement.money_received_fen == statement.brought_by_orders_fen + outside_fen


def paid_in(session: orm.Session, household: Household, period: tuple[date, date]) -> int:
    statement = sa.text(
        "SELECT coalesce(sum(p.amount_fen), 0) FROM payments p JOIN disbursements d ON d.id = p.disbursement_id"
        " WHERE p.household_id = :household AND d.paid_on BETWEEN :first AND :last"
    )
    named = {"household": household.id, "first": period[0], "last": period[1]}
    return int(session.execute(statement, named).scalar_one())


@pytest.mark.parametrize("period", PERIODS)
def test_a_household_statement_adds_up_in_any_period(
    session: orm.Session, market: SmallMarket, period: tuple[date, date]
) -> None:
    for household in market.households:
        found = of_household(session, household, period)
        for statement in (found.total, *(own for _, _, own in found.suppliers)):
            check_adds_up(statement)
            assert statement.total == plus([statement.assisted, statement.ordinary])
        assert found.total.total == plus([own.total for _, _, own in found.suppliers])
        assert found.total.money_received_fen == paid_in(session, household, period)


def test_the_end_of_a_month_is_the_beginning_of_the_next(session: orm.Session, market: SmallMarket) -> None:
    months = PERIODS[1:12]
    for household in market.households:
        statements = [of_household(session, household, period).total for period in months]
        for before, after in pairwise(statements):
            assert closing(before) == {balance.step: balance.opening_fen for balance in after.balances}
        assert plus([each.total for each in statements]) == of_household(session, household).total.total


def test_nothing_ever_stood_below_zero(session: orm.Session, market: SmallMarket) -> None:
    days = session.scalars(sa.text("SELECT DISTINCT effective_on FROM ledger_entries")).all()
    actor = auditor(session)
    for household in market.households:
        for day in days:
            stood = closing(of_household(session, household, (day, day), actor).total)
            assert all(fen >= 0 for fen in stood.values()), (day, stood)


def test_what_stands_is_what_the_raw_rows_say(session: orm.Session, market: SmallMarket) -> None:
    rows = session.execute(
        sa.text(
            "SELECT a.owner_id, a.step, sum(CASE WHEN t.credit_account_id = a.id THEN t.amount_fen"
            " ELSE -t.amount_fen END) AS fen FROM ledger_accounts a JOIN ledger_transfers t"
            " ON a.id IN (t.credit_account_id, t.debit_account_id) WHERE a.kind = 'household' GROUP BY 1, 2"
        )
    ).all()
    standing = {(row.owner_id, row.step): int(row.fen) for row in rows}
    for household in market.households:
        for step, fen in closing(of_household(session, household).total).items():
            assert fen == standing.get((household.id, step.value), 0)


def test_a_closed_month_changes_no_statement(session: orm.Session, market: SmallMarket) -> None:
    def everything() -> list[Any]:
        periods = [*PERIODS, (date(2026, 4, 1), date(2026, 4, 30)), (date(2026, 5, 1), date(2026, 12, 31))]
        return [
            *(of_household(session, household, period) for household in market.households for period in periods),
            *(of_cooperative(session, story, period) for story in market.stories for period in periods),
        ]

    with session.begin_nested() as savepoint:
        before = everything()
        for month in (date(2026, 4, 1), date(2026, 5, 1)):
            ledger.close_month(session, Book.ATTRIBUTION, month=month, closed_by=uuid4(), today=date(2026, 7, 1))
        assert session.scalar(sa.text("SELECT count(DISTINCT month) FROM ledger_balances")) == 3
        assert everything() == before
        savepoint.rollback()


@pytest.mark.parametrize("period", PERIODS)
def test_a_cooperative_statement_adds_up_in_any_period(
    session: orm.Session, market: SmallMarket, period: tuple[date, date]
) -> None:
    actor = auditor(session)
    for story in market.stories:
        found = of_cooperative(session, story, period)
        check_adds_up(found.households)
        check_adds_up(found.collectives)
        earned_fen = found.households.total.accrued_fen + found.collectives.total.accrued_fen
        kept_fen = found.retained.accrued_fen + found.pools.accrued_fen + found.suspense.accrued_fen
        assert earned_fen + kept_fen == found.sale.sale_net_fen
        assert sum(pool.fen for pool in found.suspended) == found.suspense.accrued_fen
        filters = Filters(*period, supplier_id=story.supplier.id)
        totals = report(session.connection(), actor, Dimension.COOPERATIVE, filters).totals
        assert (totals["orders"], totals["sale_fen"]) == (found.sale.orders, found.sale.sale_fen)
        assert totals["assisted_disbursed_fen"] == found.households.assisted.disbursed_fen
        assert totals["collective_confirmed_fen"] == found.collectives.total.confirmed_fen


def test_a_cooperative_statement_says_what_is_owed_and_what_waits(session: orm.Session, market: SmallMarket) -> None:
    rich, cheap, lonely = (of_cooperative(session, story) for story in market.stories)
    assert rich.owed_fen == closing(rich.households)[Step.RECOGNISED] + closing(rich.collectives)[Step.RECOGNISED] > 0
    assert cheap.top_ups_owed_fen == closing(cheap.households)[Step.TOP_UP]
    assert cheap.households.total.top_up_paid_fen > 0
    received = sa.select(sa.func.sum(ReceiptAllocation.amount_fen)).join(Order, Order.id == ReceiptAllocation.order_id)
    for statement, story in zip((rich, cheap, lonely), market.stories, strict=True):
        assert statement.received_fen == session.scalar(received.where(Order.supplier_id == story.supplier.id))
    assert {(pool.mechanism, pool.reason) for pool in lonely.suspended} == {
        (Mechanism.SHARE_DIVIDEND, Suspended.NOBODY_IS_ELIGIBLE),
        (Mechanism.COLLECTIVE_DIVIDEND, Suspended.WEIGHTS_ARE_ZERO),
    }


def test_a_supplier_reads_of_a_household_what_concerns_itself(session: orm.Session, market: SmallMarket) -> None:
    household = market.households[0]
    rich, cheap, lonely = market.stories
    whole = of_household(session, household)
    assert {supplier_id for supplier_id, _, _ in whole.suppliers} == {rich.supplier.id, cheap.supplier.id}
    own = of_household(session, household, actor=cheap.clerk)
    assert [supplier_id for supplier_id, _, _ in own.suppliers] == [cheap.supplier.id]
    assert own.total in [statement for _, _, statement in whole.suppliers]
    with pytest.raises(NotFoundError):
        of_household(session, household, actor=lonely.clerk)
    assert of_household(session, household, actor=market.village).total == whole.total
    with pytest.raises(NotFoundError):
        of_household(session, market.households[4], actor=market.village)


def test_only_a_supplier_has_a_statement_and_reads_its_own(session: orm.Session, market: SmallMarket) -> None:
    rich, cheap, _ = market.stories

    def read(actor: Actor, story_id: Any) -> CooperativeStatement:
        first, last = WINDOW
        return cooperative_statement(session.connection(), actor, story_id, period_from=first, period_to=last)

    assert read(auditor(session), rich.supplier.id) == of_cooperative(session, rich)
    for actor, other in [
        (cheap.clerk, rich.supplier.id),
        (auditor(session), market.buyers[0].organisation.id),
        (auditor(session), uuid4()),
    ]:
        with pytest.raises(NotFoundError):
            read(actor, other)


def test_a_period_that_ends_before_it_begins_is_refused(session: orm.Session, market: SmallMarket) -> None:
    with pytest.raises(InvalidInputError):
        of_household(session, market.households[0], (date(2026, 2, 1), date(2026, 1, 31)))


def test_income_is_shown_by_class_and_assisted_apart(session: orm.Session, market: SmallMarket) -> None:
    labourer = of_household(session, market.households[2]).total
    assert labourer.classes[IncomeClass.WAGE].accrued_fen > 0
    assert labourer.classes[IncomeClass.TRANSFER] == Flow()
    ordinary = of_household(session, market.households[3]).total
    assert ordinary.assisted == Flow()
    assert ordinary.ordinary.accrued_fen > 0


# The story of the issue: 60 % paid on delivery, 40 % sold, half of that paid for.


@pytest.mark.usefixtures("market")
def test_only_the_matched_part_of_an_advance_is_brought_by_orders(session: orm.Session) -> None:
    story = Story(session)
    household = story.household()
    _, (contribution,) = story.lot(100_000, {household.id: 60_000})

    def now() -> tuple[int, ...]:
        found = of_household(session, household, (APRIL, APRIL)).total
        check_adds_up(found)
        flow, advance = found.total, found.advance
        assert found.money_received_fen == 36_000
        return advance.closing_fen, flow.accrued_fen, flow.recognised_fen, flow.matched_fen, found.brought_by_orders_fen

    story.disburse({household.id: 36_000}, contributions={household.id: contribution.id}, on=APRIL)
    assert now() == (36_000, 0, 0, 0, 0)
    order = story.sell("40", on=APRIL)
    assert now() == (36_000, 24_000, 0, 0, 0)
    story.pay(order, 20_000, on=APRIL)
    assert now() == (24_000, 24_000, 12_000, 12_000, 12_000)
    story.pay(order, 20_000, on=APRIL)
    assert now() == (12_000, 24_000, 24_000, 24_000, 24_000)
    story.give_back(order, "40", on=APRIL)
    assert now() == (36_000, 0, 0, 24_000, 0)


@pytest.mark.usefixtures("market")
def test_a_top_up_that_claims_an_advance_is_brought_by_no_order(session: orm.Session) -> None:
    story = Story(session, price_fen=100)
    household = story.household()
    story.lot(10_000, {household.id: 4_000})
    story.disburse({household.id: 3_500})
    order = story.sell("10")
    story.pay(order, 1_000)
    found = of_household(session, household).total
    check_adds_up(found)
    assert (found.total.matched_fen, found.advance.matched_by_top_ups_fen) == (1_000, 2_500)
    assert (found.total.top_up_fen, found.total.top_up_paid_fen) == (3_000, 2_500)
    assert found.brought_by_orders_fen == 1_000


# Over HTTP.


PERIOD = {"from": "2026-01-01", "to": "2026-12-31"}


def test_statements_over_http(client: TestClient, session: orm.Session, market: SmallMarket) -> None:
    household, supplier = market.households[0], market.stories[0].supplier
    reader = factories.signed_in(session, Role.AUDITOR)
    answer = client.get(f"/v1/households/{household.id}/statement", params=PERIOD, headers=reader)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    found = of_household(session, household)
    assert shown["household_code"] == household.code
    assert shown["total"]["total"]["accrued_fen"] == found.total.total.accrued_fen
    assert [row["supplier_id"] for row in shown["suppliers"]] == [str(each) for each, _, _ in found.suppliers]
    assert {"accrued_fen", "brought_by_orders_fen"} < {count["figure"] for count in shown["counts"]}
    answer = client.get(f"/v1/organisations/{supplier.id}/statement", params=PERIOD, headers=reader)
    assert answer.status_code == 200, answer.text
    statement = of_cooperative(session, market.stories[0])
    assert answer.json()["sale"]["sale_net_fen"] == statement.sale.sale_net_fen
    assert answer.json()["owed_fen"] == statement.owed_fen


@pytest.mark.parametrize("what", ["households", "organisations"])
def test_an_unknown_statement_is_not_found(client: TestClient, session: orm.Session, what: str) -> None:
    reader = factories.signed_in(session, Role.AUDITOR)
    assert client.get(f"/v1/{what}/{uuid4()}/statement", headers=reader).status_code == 404


def test_a_buyer_reads_no_statement(client: TestClient, session: orm.Session, market: SmallMarket) -> None:
    reader = factories.signed_in(session, Role.BUYER_CLERK, kind=OrganisationKind.SCHOOL)
    answer = client.get(f"/v1/households/{market.households[0].id}/statement", headers=reader)
    assert answer.status_code == 403


def test_a_bad_period_is_pointed_at(client: TestClient, session: orm.Session, market: SmallMarket) -> None:
    reader = factories.signed_in(session, Role.AUDITOR)
    path = f"/v1/households/{market.households[0].id}/statement"
    for query, pointer in [
        ("?from=2026-03-02&to=2026-03-01", "/query/to"),
        ("?to=20260301", "/query/to"),
        ("?since=2026-01-01", "/query/since"),
    ]:
        answer = client.get(path + query, headers=reader)
        assert answer.status_code == 422, query
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


@pytest.mark.usefixtures("market")
def test_what_was_accepted_in_a_closed_month_is_sold_with_its_income_in_the_first_open_one(
    session: orm.Session,
) -> None:
    story = Story(session)
    story.lot(100_000, {story.household().id: 60_000})
    accepted = story.sell("10")
    march, april = (date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 4, 30))
    assert accepted.accepted_on == TODAY, "in a month that the market has closed"
    for period, sold_fen in ((march, 0), (april, 10_000)):
        found = of_cooperative(session, story, period)
        assert found.sale.sale_net_fen == found.households.total.accrued_fen + found.retained.accrued_fen == sold_fen
        totals = report(session.connection(), story.clerk, Dimension.CHANNEL, Filters(*period)).totals
        assert (totals["sale_net_fen"], totals["orders"]) == (sold_fen, found.sale.orders)
