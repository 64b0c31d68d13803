"""An order is walked down to every fen of its households, a household back to accepted and paid order lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import confirming
from market.audit.rules import MOST_DAYS, TracePeriodError
from market.audit.tracing import HouseholdTrace, trace_household, trace_order
from market.benefits.rules import Mechanism
from market.errors import NotFoundError
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from tests import factories
from tests.distributions.season import AFTER, Season
from tests.story import NOON, TODAY, Story, open_channels


def auditor(session: orm.Session) -> Actor:
    office = factories.organisation(session, kind=OrganisationKind.AUDIT_OFFICE)
    return factories.actor(session, factories.member(session, office, Role.AUDITOR), Scope.ALL)


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    collective = factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE)
    return Story(session, pools=[(Mechanism.COLLECTIVE_DIVIDEND, 500, [(collective.id, 1)])], tax_bp=900)


@contextmanager
def counted(session: orm.Session) -> Iterator[list[str]]:
    seen: list[str] = []

    def see(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = session.get_bind().engine
    sa.event.listen(engine, "before_cursor_execute", see)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", see)


def test_an_order_is_traced_to_every_fen(story: Story) -> None:
    first, second = story.household(), story.household()
    lot, contributions = story.lot(20_000, {first.id: 6_000, second.id: 3_000})
    order = story.sell("4", "6")
    story.pay(order, 10_000)
    (payment_id, *_) = story.disburse({first.id: 1_000, second.id: 50})
    confirming.confirm(story.session, auditor(story.session), payment_ids=[payment_id], on=TODAY, now=NOON)
    story.give_back(order, "1", position=1)

    found = trace_order(story.session, auditor(story.session), order.id)
    assert (found.order.number, found.order.supplier_name) == (order.number, story.supplier.name)
    assert [receipt.amount_fen for receipt in found.receipts] == [10_000]
    for line, row in zip(found.lines, story.lines(order), strict=True):
        assert sum(share.fen for share in line.shares) == line.sale.net_fen
        assert line.sale.net_fen == row.accepted_net_fen - row.returned_net_fen
        assert line.sale.plan_sha256 == row.plan_sha256
        assert line.sale.plan_version_number == 1
        assert [(drawn.lot_number, drawn.accepted_milli, drawn.returned_milli) for drawn in line.lots] == [
            (lot.number, row.accepted_milli, row.returned_milli)
        ]
        assert [entry.reason for entry in line.entries][:2] == ["accrual", "recognition"]
    shares = [share for line in found.lines for share in line.shares]
    assert {share.kind for share in shares} == {"household", "collective", "retained"}
    confirmed = [share for share in shares if share.step == "confirmed"]
    assert {share.owner_name for share in confirmed} == {first.code}
    assert {share.contribution_id for share in confirmed} == {contributions[0].id}
    assert all(share.lot_number == lot.number and share.contribution_evidence for share in confirmed)
    assert all(share.payment_id == payment_id and share.payment_evidence == "银行回单" for share in confirmed)
    reasons = [[entry.reason for entry in line.entries] for line in found.lines]
    assert reasons[0] == ["accrual", "recognition", "disbursement", "confirmation"]
    assert reasons[1] == ["accrual", "recognition", "return"]


def traced(
    story: Story,
    household_id: object,
    *,
    begin: date = TODAY,
    end: date = TODAY,
    limit: int = 100,
    after: UUID | None = None,
) -> HouseholdTrace:
    return trace_household(
        story.session,
        auditor(story.session),
        household_id=household_id,  # type: ignore[arg-type]
        begin=begin,
        end=end,
        after=after,
        limit=limit,
    )


def test_a_household_is_traced_back_to_the_money_that_paid_its_orders(story: Story) -> None:
    household, other = story.household(), story.household()
    story.lot(20_000, {household.id: 6_000, other.id: 1_000})
    order, unpaid = story.sell("4"), story.sell("2")
    story.pay(order, 4_000)
    story.disburse({household.id: 5_000})

    found = traced(story, household.id)
    assert found.code == household.code
    assert {line.order.id for line in found.lines} == {order.id, unpaid.id}
    (paid,) = [line for line in found.lines if line.order.id == order.id]
    assert [receipt.amount_fen for receipt in paid.receipts] == [4_000]
    assert paid.receipts[0].bank_reference
    assert {share.owner_id for line in found.lines for share in line.line.shares} == {household.id}
    by_step: dict[str, int] = {}
    for line in found.lines:
        for share in line.line.shares:
            by_step[share.step] = by_step.get(share.step, 0) + share.fen
    by_step["advance"] = 5_000 - by_step["disbursed"]
    assert by_step == {step: fen for step, fen in found.steps.items() if fen}


def test_a_trace_ends_where_its_period_ends(story: Story) -> None:
    household = story.household()
    story.lot(20_000, {household.id: 6_000})
    order = story.sell("4")
    later = TODAY + timedelta(days=9)
    story.pay(order, 4_000, on=later)
    assert {share.step for share in traced(story, household.id).lines[0].line.shares} == {"accrued"}
    assert {share.step for share in traced(story, household.id, end=later).lines[0].line.shares} == {"recognised"}
    early = TODAY - timedelta(days=1)
    assert traced(story, household.id, begin=early, end=early).lines == []


def test_a_line_of_two_periods_stands_whole_in_each_and_once_on_all_pages(story: Story) -> None:
    household = story.household()
    story.lot(20_000, {household.id: 6_000})
    orders = [story.sell("1", "2"), story.sell("3")]
    later = TODAY + timedelta(days=400)
    for order in orders:
        story.pay(order, 3_000, on=later)
    lines = {line.id for order in orders for line in story.lines(order)}
    for day, step in ((TODAY, "accrued"), (later, "recognised")):
        seen: list[UUID] = []
        while True:
            found = traced(story, household.id, begin=day, end=day, limit=1, after=seen[-1] if seen else None).lines
            seen.append(found[0].line.sale.id)
            assert {share.step for share in found[0].line.shares} == {step}
            if len(found) == 1:
                break
        assert len(seen) == len(set(seen))
        assert set(seen) == lines


def test_what_a_collective_gave_on_is_traced_with_what_proves_it(session: orm.Session) -> None:
    open_channels(session)
    season = Season(session, pools=(), collective_bp=1_000)
    household, other = factories.household(session), factories.household(session)
    season.story.lot(90_000)
    order = season.sell("4", "6")
    season.pay_collective(10_00)
    season.give_on(3_00, {other.id: 1})
    given = season.give_on(6_00, {household.id: 2, other.id: 1})
    unproved = trace_household(
        session, auditor(session), household_id=household.id, begin=TODAY, end=TODAY, after=None, limit=9
    )
    assert unproved.lines == []
    found = trace_household(
        session, auditor(session), household_id=household.id, begin=AFTER, end=AFTER, after=None, limit=9
    )
    proofs = [proof for line in found.lines for proof in line.line.second_distributions]
    assert {(proof.id, proof.reference, proof.evidence) for proof in proofs} == {
        (given.id, given.reference, "村民代表会议决议、领款签字表")
    }
    assert {(proof.collective_name, proof.given_on) for proof in proofs} == {(season.collective.name, AFTER)}
    brought = sum(share.fen for line in found.lines for share in line.line.shares)
    assert sum(proof.fen for proof in proofs) == brought == 4_00
    whole = trace_order(session, auditor(session), order.id)
    assert sum(proof.fen for line in whole.lines for proof in line.second_distributions) == 9_00


def test_what_a_period_gave_is_traced_with_what_its_figures_were_taken_from(session: orm.Session) -> None:
    open_channels(session)
    season = Season(session)
    household, other = season.story.household(), season.story.household()
    season.deliver({household.id: 3, other.id: 1})
    order = season.sell("4")
    made = season.share_out(season.patronage(8_00))
    found = trace_household(
        session, auditor(session), household_id=household.id, begin=AFTER, end=AFTER, after=None, limit=9
    )
    (given,) = [given for line in found.lines for given in line.line.distributions]
    assert (given.id, given.mechanism, given.evidence) == (made.id, "patronage", "成员大会决议")
    assert (given.list_sha256, given.amount_fen) == (made.list_sha256, 6_00)
    whole = trace_order(session, auditor(session), order.id)
    assert [given.amount_fen for line in whole.lines for given in line.distributions] == [8_00]


def test_a_trace_costs_the_same_statements_whatever_it_finds(story: Story) -> None:
    households = [story.household() for _ in range(5)]
    story.lot(90_000, {household.id: 6_000 for household in households})
    small, large = story.sell("4"), story.sell("1", "2", "3", "4", "5")
    story.pay(large, 10_000)
    actor = auditor(story.session)
    with counted(story.session) as few:
        trace_order(story.session, actor, small.id)
    with counted(story.session) as many:
        trace_order(story.session, actor, large.id)
    assert len(few) == len(many) == 10
    with counted(story.session) as few:
        traced(story, households[0].id, limit=1)
    with counted(story.session) as many:
        traced(story, households[0].id)
    assert len(few) == len(many)


def test_what_is_not_there_is_not_traced(story: Story) -> None:
    with pytest.raises(NotFoundError):
        trace_order(story.session, auditor(story.session), uuid4())
    with pytest.raises(NotFoundError):
        traced(story, uuid4())


@pytest.mark.parametrize("days", [-1, MOST_DAYS])
def test_a_trace_covers_at_most_a_year(story: Story, days: int) -> None:
    with pytest.raises(TracePeriodError):
        traced(story, story.household().id, end=TODAY + timedelta(days=days))
