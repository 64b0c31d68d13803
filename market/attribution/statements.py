"""Statements: what stood at each step of the ladder, what moved in a period, and what of it orders brought.

A figure of the ladder counts what reached its step *or a further one*: accrued counts all that was attributed in the
period net of reversals, whichever step it has climbed to since. So a figure is the sum of the movements of its own
account and of those above it, and opening + movement = closing holds for each account by itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from market.attribution.received import Received, payments_to
from market.attribution.rules import LADDER, Kind, Step
from market.benefits.rules import MECHANISMS, IncomeClass, Mechanism
from market.errors import InvalidInputError, NotFoundError
from market.households.models import Household
from market.households.queries import visible_households
from market.identity.rules import Actor, Scope

_POSITIONS = """
positions AS (
  SELECT a.{whose}, a.kind, a.step, m.mechanism, m.assisted,
         CAST(coalesce(sum(m.fen) FILTER (WHERE m.day < :period_from), 0) AS bigint) AS opening_fen,
         CAST(coalesce(sum(m.fen) FILTER (WHERE m.day >= :period_from), 0) AS bigint) AS movement_fen,
         CAST(coalesce(sum(m.fen) FILTER (WHERE m.day >= :period_from AND m.ahead), 0) AS bigint) AS ahead_fen,
         CAST(coalesce(sum(m.fen) FILTER (WHERE m.day >= :period_from AND m.back), 0) AS bigint) AS back_fen,
         CAST(coalesce(sum(m.fen) FILTER (WHERE m.day >= :period_from AND m.matched), 0) AS bigint) AS matched_fen
    FROM accounts a
   CROSS JOIN LATERAL (
      SELECT CAST(NULL AS text) AS mechanism, CAST(NULL AS boolean) AS assisted, b.balance_fen AS fen, b.month AS day,
             false AS ahead, false AS back, false AS matched
        FROM ledger_balances b
       WHERE b.account_id = a.id AND b.month = CAST(:since AS date) - interval '1 month'
      UNION ALL
      SELECT t.mechanism, t.assisted, t.amount_fen, t.effective_on,
             a.step = 'advance' AND t.order_line_id IS NULL, a.step = 'advance' AND t.order_line_id IS NOT NULL,
             a.step IN ('disbursed', 'confirmed', 'top_up_paid') AND e.reason = 'matching'
        FROM ledger_transfers t
        JOIN ledger_entries e ON e.id = t.entry_id
       WHERE t.credit_account_id = a.id AND t.effective_on BETWEEN :since AND :period_to
      UNION ALL
      SELECT t.mechanism, t.assisted, -t.amount_fen, t.effective_on,
             a.step = 'advance' AND e.reason = 'payment_reversal', false, false
        FROM ledger_transfers t
        JOIN ledger_entries e ON e.id = t.entry_id
       WHERE t.debit_account_id = a.id AND t.effective_on BETWEEN :since AND :period_to
   ) m
   GROUP BY a.{whose}, a.kind, a.step, m.mechanism, m.assisted
)
"""


def positions_by(whose: str) -> str:
    """Return the CTE `positions`, which needs a CTE `accounts (id, kind, step)` with a column that says whose each is.

    What closed months sum to is read from their snapshot. `since` is bound, not joined: a plan can only leave months of
    the book alone if it is told before it runs.
    """
    return _POSITIONS.format(whose=whose)


POSITIONS = positions_by("supplier_id")

_OPEN_SINCE = sa.text(
    "(SELECT CAST(max(month) + interval '1 month' AS date) FROM ledger_periods"
    " WHERE book = 'attribution' AND month + interval '1 month' <= CAST(:period_from AS date)) AS since"
)


def named_and_since(connection: sa.Connection, name: sa.Select[str], period_from: date) -> tuple[str, date] | None:
    """Return what the one row of `name` says, and the day after the last month closed before the period."""
    row = connection.execute(name.add_columns(_OPEN_SINCE), {"period_from": period_from}).one_or_none()
    return (row[0], row[1] or date.min) if row else None


_ACCOUNTS = """
WITH accounts AS MATERIALIZED (
  SELECT id, counterpart_id AS supplier_id, kind, step
    FROM ledger_accounts
   WHERE book = 'attribution' AND kind = 'household' AND owner_id = :household
     AND counterpart_id = coalesce(CAST(:supplier AS uuid), counterpart_id)
),
"""
_BY_SUPPLIER = "SELECT p.*, s.name FROM positions p JOIN organisations s ON s.id = p.supplier_id ORDER BY s.name, s.id"
_HOUSEHOLD = sa.text(_ACCOUNTS + POSITIONS + _BY_SUPPLIER)

_PAID = (Step.DISBURSED, Step.CONFIRMED, Step.TOP_UP_PAID)


class Position(NamedTuple):
    """What stood and moved at one step, in fen; `ahead`, `back` and `matched` say more of what came in."""

    kind: Kind
    step: Step
    mechanism: Mechanism | None
    assisted: bool | None
    opening_fen: int
    movement_fen: int
    ahead_fen: int
    back_fen: int
    matched_fen: int


def position(row: Mapping[str, object]) -> Position:
    """Read a row of `positions`, from a result or from JSON."""
    mechanism = row["mechanism"]
    return Position(
        Kind(str(row["kind"])),
        Step(str(row["step"])),
        Mechanism(str(mechanism)) if mechanism is not None else None,
        row["assisted"],  # type: ignore[arg-type] # true, false or null
        *(int(str(row[name])) for name in Position._fields[4:]),
    )


@dataclass(frozen=True, slots=True)
class Flow:
    """Net movements of a period, in fen; each figure counts its step and the further ones.

    `matched_fen` alone is gross: what claimed advances in the period, whether or not goods or money came back since.
    """

    accrued_fen: int = 0
    recognised_fen: int = 0
    disbursed_fen: int = 0
    confirmed_fen: int = 0
    matched_fen: int = 0
    top_up_fen: int = 0
    top_up_paid_fen: int = 0


@dataclass(frozen=True, slots=True)
class Income:
    """The flow of one mechanism, for households assisted on the day that counts or for ordinary ones."""

    income_class: IncomeClass
    mechanism: Mechanism
    assisted: bool | None
    flow: Flow


@dataclass(frozen=True, slots=True)
class Balance:
    """What stood at a step before the period, what moved in it, and what stood at its end."""

    step: Step
    opening_fen: int
    movement_fen: int

    @property
    def closing_fen(self) -> int:
        """Return what stands at the end of the last day of the period."""
        return self.opening_fen + self.movement_fen


@dataclass(frozen=True, slots=True)
class AdvanceAccount:
    """Money paid ahead: opening + paid + back from returns - matched by orders - matched by top-ups = closing.

    What was paid is less what was reversed of it.
    """

    opening_fen: int
    paid_fen: int
    from_returns_fen: int
    matched_fen: int
    matched_by_top_ups_fen: int
    closing_fen: int


@dataclass(frozen=True, slots=True)
class Statement:
    """All figures of a set of accounts in a period."""

    incomes: Sequence[Income]
    classes: Mapping[IncomeClass, Flow]
    assisted: Flow
    ordinary: Flow
    total: Flow
    balances: Sequence[Balance]
    advance: AdvanceAccount
    money_received_fen: int
    brought_by_orders_fen: int


@dataclass(frozen=True, slots=True)
class HouseholdStatement:
    """A household's statement: with every supplier together, and with each."""

    household_id: UUID
    household_code: str
    total: Statement
    suppliers: Sequence[tuple[UUID, str, Statement]]
    payments: Sequence[Received]


def check_window(period_from: date, period_to: date) -> None:
    """Raise `InvalidInputError` for a period that ends before it begins."""
    if period_to < period_from:
        raise InvalidInputError("the period ends before it begins", "截止日期早于起始日期", pointer="/query/to")


def household_statement(
    connection: sa.Connection,
    actor: Actor,
    household_id: UUID,
    *,
    period_from: date,
    period_to: date,
    on: date = date.max,
) -> HouseholdStatement:
    """Return a household's statement of a period, both days included; a supplier sees what concerns itself.

    All is as of a day: what is booked, or was confirmed, after it is not told. Three statements, the second over the
    household's own accounts. Raises `NotFoundError` or `InvalidInputError`.
    """
    check_window(period_from, period_to)
    period_to = min(period_to, on)
    visible = visible_households(actor).with_only_columns(Household.code).where(Household.id == household_id)
    found = named_and_since(connection, visible, period_from)
    if found is None:
        raise NotFoundError(what="household")
    code, since = found
    supplier_id = actor.organisation_id if actor.scope is Scope.OWN else None
    rows = connection.execute(
        _HOUSEHOLD,
        {
            "household": household_id,
            "supplier": supplier_id,
            "since": since,
            "period_from": period_from,
            "period_to": period_to,
        },
    )
    positions: dict[tuple[UUID, str], list[Position]] = defaultdict(list)
    for row in rows.mappings():
        positions[row["supplier_id"], row["name"]].append(position(row))  # type: ignore[arg-type] # a RowMapping
    return HouseholdStatement(
        household_id,
        code,
        statement(each for own in positions.values() for each in own),
        [(each, name, statement(own)) for (each, name), own in positions.items()],
        payments_to(
            connection,
            household_id,
            period_from=period_from,
            period_to=period_to,
            on=on,
            supplier_id=supplier_id,
        ),
    )


def statement(positions: Iterable[Position]) -> Statement:
    """Add positions of payees up to a statement."""
    found = list(positions)
    by_key: dict[tuple[Mechanism, bool | None], list[Position]] = defaultdict(list)
    for each in found:
        # An advance has no mechanism: no order claims it yet. Before the period there are balances alone.
        if each.mechanism is not None and each.step is not Step.ADVANCE:
            by_key[each.mechanism, each.assisted].append(each)
    flows = {key: flow(by_key[key]) for key in sorted(by_key, key=lambda key: (key[0], not key[1]))}
    incomes = [
        Income(MECHANISMS[mechanism].income_class, mechanism, assisted, moved)
        for (mechanism, assisted), moved in flows.items()
        if moved != Flow()
    ]
    balances = balances_of(found)
    came_in = {balance.step: balance.movement_fen for balance in balances}
    brought_fen = came_in[Step.DISBURSED] + came_in[Step.CONFIRMED]
    return Statement(
        incomes=incomes,
        classes={each: flow(position for position in found if _class(position) is each) for each in IncomeClass},
        assisted=flow(each for each in found if each.assisted),
        ordinary=flow(each for each in found if each.assisted is False),
        total=flow(found),
        balances=balances,
        advance=advance_of(found),
        money_received_fen=brought_fen + came_in[Step.TOP_UP_PAID] + came_in[Step.ADVANCE],
        brought_by_orders_fen=brought_fen,
    )


def _class(each: Position) -> IncomeClass | None:
    return MECHANISMS[each.mechanism].income_class if each.mechanism is not None else None


def flow(positions: Iterable[Position]) -> Flow:
    """Return the net movements of positions, cumulated from the top of the ladder down."""
    moved: dict[Step, int] = defaultdict(int)
    matched_fen = 0
    for each in positions:
        moved[each.step] += each.movement_fen
        if each.step is not Step.TOP_UP_PAID:
            matched_fen += each.matched_fen
    accrued_fen, recognised_fen, disbursed_fen, confirmed_fen = (
        sum(moved[step] for step in LADDER[index:]) for index in range(len(LADDER))
    )
    return Flow(
        accrued_fen=accrued_fen,
        recognised_fen=recognised_fen,
        disbursed_fen=disbursed_fen,
        confirmed_fen=confirmed_fen,
        matched_fen=matched_fen,
        top_up_fen=moved[Step.TOP_UP] + moved[Step.TOP_UP_PAID],
        top_up_paid_fen=moved[Step.TOP_UP_PAID],
    )


def balances_of(positions: Sequence[Position]) -> list[Balance]:
    """Return opening and movement of every step, those without any too."""
    return [
        Balance(
            step,
            sum(each.opening_fen for each in positions if each.step is step),
            sum(each.movement_fen for each in positions if each.step is step),
        )
        for step in Step
    ]


def advance_of(positions: Sequence[Position]) -> AdvanceAccount:
    """Return how the advances moved; what claimed them is read where it arrived."""
    own = [each for each in positions if each.step is Step.ADVANCE]
    claimed = {step: sum(each.matched_fen for each in positions if each.step is step) for step in _PAID}
    return AdvanceAccount(
        opening_fen=sum(each.opening_fen for each in own),
        paid_fen=sum(each.ahead_fen for each in own),
        from_returns_fen=sum(each.back_fen for each in own),
        matched_fen=claimed[Step.DISBURSED] + claimed[Step.CONFIRMED],
        matched_by_top_ups_fen=claimed[Step.TOP_UP_PAID],
        closing_fen=sum(each.opening_fen + each.movement_fen for each in own),
    )
