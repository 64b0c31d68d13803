"""What a supplier owes now to each household and collective: recognised or to be topped up, and not yet paid.

What was paid of a share was its oldest part, so what is left of it is its youngest. It is overdue once it has been owed
for more days than the payee's region allows. A reversed payment paid nothing: what it gives back is as old as it was.
What is topped up is owed since its line was accepted, also what was a share until the price of the line was cut.
"""

# ruff: noqa: S608 - the statement is assembled only from the fragments of this file; every value is bound

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.models import PaymentTerms
from market.db import plan_anew
from market.errors import InvalidInputError, NotFoundError
from market.identity.rules import Actor, Scope
from market.ledger.rules import Book
from market.ledger.service import opens_on
from market.regions.service import require_region

# An account that holds nothing owes nothing, and what accounts held when a month closed is kept: only months that are
# open are read of all. A payee has two accounts with a supplier at most, so that a page needs no more of them.
_OWING = """
    WITH RECURSIVE payees AS (
        SELECT y.id, y.name, CAST(coalesce(
                   (SELECT t.within_days FROM payment_terms t
                     WHERE starts_with(y.region_code, t.region_code) AND t.valid_from <= CAST(:on AS date)
                     ORDER BY length(t.region_code) DESC, t.valid_from DESC
                     LIMIT 1), :usual_days) AS int) AS within_days
          FROM (SELECT id, code AS name, village_code AS region_code FROM households
                UNION ALL
                SELECT id, name, region_code FROM organisations) y
         WHERE starts_with(y.region_code, :region)
           AND (CAST(:payees AS uuid[]) IS NULL OR y.id = ANY(CAST(:payees AS uuid[])))
    ), owing AS (
        SELECT a.id, a.kind, a.owner_id, a.counterpart_id AS supplier_id, a.step, p.name, p.within_days, held.fen
          FROM ledger_accounts a
          JOIN payees p ON p.id = a.owner_id
          CROSS JOIN LATERAL (
              SELECT sum(fen) AS fen
                FROM (SELECT balance_fen AS fen FROM ledger_balances
                       WHERE account_id = a.id AND month = CAST(:opens_on AS date) - interval '1 month'
                      UNION ALL
                      SELECT amount_fen FROM ledger_transfers
                       WHERE credit_account_id = a.id AND effective_on >= :opens_on
                      UNION ALL
                      SELECT -amount_fen FROM ledger_transfers
                       WHERE debit_account_id = a.id AND effective_on >= :opens_on) m
              HAVING sum(fen) > 0) held
         WHERE a.book = 'attribution' AND a.step IN ('recognised', 'top_up') AND a.kind IN ('household', 'collective')
           AND (CAST(:supplier AS uuid) IS NULL OR a.counterpart_id = :supplier)
           AND (CAST(:after_payee AS uuid) IS NULL
                OR (a.counterpart_id, a.owner_id) > (CAST(:after_supplier AS uuid), :after_payee))
         ORDER BY a.counterpart_id, a.owner_id
         LIMIT CASE WHEN NOT :overdue THEN 2 * CAST(:limit AS bigint) END
    ),
"""
_MOVES = """
              SELECT order_line_id, mechanism, contribution_id, amount_fen AS fen, payment_id IS NULL AS fell_due,
                     CASE WHEN l.step = 'top_up'
                          THEN (SELECT coalesce(e.original_effective_on, e.effective_on)
                                  FROM ledger_entries e WHERE e.id = entry_id)
                          ELSE effective_on END AS owed_on
                FROM ledger_transfers WHERE credit_account_id = l.id AND effective_on >= l.since
              UNION ALL
              SELECT order_line_id, mechanism, contribution_id, -amount_fen, false, effective_on
                FROM ledger_transfers WHERE debit_account_id = l.id AND effective_on >= l.since
"""
# Of what owes something, months are read back from the day until its shares show all that it holds: none ever shows
# more than it is owed, for no share was below zero on any day (`nothing_leaves_before_it_came`). It shows no more than
# fell due in those months, either, or what a reversed payment gave back would be no older than that.
_LOOKED = f"""
    looked AS (
        SELECT id, step, fen, 1 AS months,
               CAST(date_trunc('month', CAST(:on AS date)) - interval '1 month' AS date) AS since
          FROM owing
        UNION ALL
        SELECT l.id, l.step, l.fen, 4 * l.months,
               CASE WHEN l.months < 64
                    THEN CAST(date_trunc('month', CAST(:on AS date)) - make_interval(months => 4 * l.months) AS date)
                    ELSE '-infinity' END
          FROM looked l
          CROSS JOIN LATERAL (
              SELECT coalesce(sum(greatest(least(fen, due_fen), 0)), 0) AS fen
                FROM (SELECT sum(fen) AS fen, coalesce(sum(fen) FILTER (WHERE fell_due), 0) AS due_fen
                        FROM ({_MOVES}) m
                       GROUP BY order_line_id, mechanism, contribution_id) share) seen
         WHERE seen.fen < l.fen AND l.since > '-infinity'
    ), enough AS (
        SELECT id, step, min(since) AS since FROM looked GROUP BY id, step
    ), moved AS (
        SELECT l.id, m.*, coalesce(sum(m.fen) FILTER (WHERE NOT m.fell_due) OVER share, 0) AS less_fen,
               sum(m.fen) FILTER (WHERE m.fell_due) OVER (share ORDER BY m.owed_on) AS due_fen
          FROM enough l CROSS JOIN LATERAL ({_MOVES}) m
        WINDOW share AS (PARTITION BY l.id, m.order_line_id, m.mechanism, m.contribution_id)
    ),
"""
_PAYABLES = sa.text(
    _OWING
    + _LOOKED
    + """
    owed AS (
        SELECT o.kind, o.owner_id, o.supplier_id, o.step, sum(m.fen) AS fen,
               min(m.owed_on) FILTER (WHERE m.fell_due AND m.due_fen + m.less_fen > 0) AS since,
               greatest(min(m.less_fen) + coalesce(sum(m.fen) FILTER (
                            WHERE m.fell_due AND m.owed_on < CAST(:on AS date) - o.within_days), 0), 0)
                   AS overdue_fen,
               o.within_days, o.name
          FROM moved m
          JOIN owing o ON o.id = m.id
         GROUP BY o.kind, o.owner_id, o.supplier_id, o.step, o.within_days, o.name, m.order_line_id, m.mechanism,
                  m.contribution_id
        HAVING sum(m.fen) > 0)
    SELECT o.supplier_id, s.name AS supplier_name, o.kind AS payee_kind, o.owner_id AS payee_id, o.name AS payee_name,
           CAST(coalesce(sum(o.fen) FILTER (WHERE o.step = 'recognised'), 0) AS bigint) AS recognised_fen,
           CAST(coalesce(sum(o.fen) FILTER (WHERE o.step = 'top_up'), 0) AS bigint) AS top_up_fen,
           min(o.since) AS since, CAST(:on AS date) - min(o.since) AS age_days, o.within_days,
           CAST(sum(o.overdue_fen) AS bigint) AS overdue_fen
      FROM owed o
      JOIN organisations s ON s.id = o.supplier_id
     GROUP BY o.supplier_id, s.name, o.kind, o.owner_id, o.name, o.within_days
    HAVING NOT :overdue OR sum(o.overdue_fen) > 0
     ORDER BY o.supplier_id, o.owner_id
     LIMIT :limit
    """
)

USUAL_DAYS = 30
"""Where no terms are on record."""
_EVERYTHING: Mapping[str, object] = {
    **dict.fromkeys(("supplier", "payees", "after_supplier", "after_payee", "limit")),
    "region": "",
    "usual_days": USUAL_DAYS,
}


class Payable(NamedTuple):
    """What a supplier owes a payee, known by its code or name, in fen.

    `since` is when the oldest part fell due, `age_days` ago; more than `within_days` ago, it is overdue.
    """

    supplier_id: UUID
    supplier_name: str
    payee_kind: str
    payee_id: UUID
    payee_name: str
    recognised_fen: int
    top_up_fen: int
    since: date
    age_days: int
    within_days: int
    overdue_fen: int


def payables(
    session: orm.Session,
    actor: Actor,
    *,
    on: date,
    after: tuple[UUID, UUID] | None,
    limit: int,
    supplier_id: UUID | None = None,
    payee_id: UUID | None = None,
    overdue: bool = False,
) -> Sequence[Payable]:
    """Return what is owed within the actor's scope, after a supplier and payee: by a supplier, or to its region.

    All that stands now; its age is told as on a day. With `overdue`, only payees to whom something is.
    """
    plan_anew(session)
    after_supplier, after_payee = after or (None, None)
    if actor.scope is Scope.OWN and supplier_id not in (None, actor.organisation_id):
        return []
    asked = {
        **_EVERYTHING,
        "supplier": actor.organisation_id if actor.scope is Scope.OWN else supplier_id,
        "payees": [payee_id] if payee_id else None,
        "region": actor.region_code if actor.scope is Scope.REGION else "",
        "on": on,
        "opens_on": opens_on(session, Book.ATTRIBUTION),
        "overdue": overdue,
        "after_supplier": after_supplier,
        "after_payee": after_payee,
        "limit": limit,
    }
    return [Payable(*row) for row in session.execute(_PAYABLES, asked)]


def overdue_to(connection: sa.Connection, household_ids: Collection[UUID], on: date) -> dict[UUID, Sequence[Payable]]:
    """Return what of some households' shares is overdue on a day, by household, supplier by supplier; two statements.

    The caller has found the households within the actor's scope.
    """
    found: dict[UUID, list[Payable]] = defaultdict(list)
    opening = opens_on(connection, Book.ATTRIBUTION)
    asked = {**_EVERYTHING, "payees": list(household_ids), "on": on, "opens_on": opening, "overdue": True}
    for row in connection.execute(_PAYABLES, asked):
        payable = Payable(*row)
        found[payable.payee_id].append(payable)
    return dict(found)


def set_terms(
    session: orm.Session, actor: Actor, *, region_code: str, valid_from: date, within_days: int, today: date
) -> PaymentTerms:
    """Put on record within how many days of recognition payees of a region are paid, from a day on.

    Raises `NotFoundError` for a region that is not the actor's, `UnknownRegionError`, or `InvalidInputError` for a day
    before today: what was not overdue is not made so backwards.
    """
    if actor.scope is Scope.REGION and not region_code.startswith(actor.region_code):
        raise NotFoundError(what="region", pointer="/region_code")
    if valid_from < today:
        raise InvalidInputError(
            "terms hold from today on at the earliest", "期限不得早于今天生效", pointer="/valid_from"
        )
    require_region(session, region_code, valid_from)
    terms = PaymentTerms(
        region_code=region_code, valid_from=valid_from, within_days=within_days, set_by=actor.member_id
    )
    session.add(terms)
    session.flush()
    return terms
