"""Who may see which distributions, and what they are made of; each read one statement."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Kind, Share, Step
from market.benefits.rules import MECHANISMS, Measure, Mechanism
from market.db import plan_anew, within
from market.distributions.models import Distribution, DistributionItem
from market.distributions.rules import GONE, Fund, Item, Movement, Period, left_of
from market.identity.models import Organisation
from market.identity.rules import Actor, Scope


def visible_distributions(actor: Actor) -> sa.Select[Distribution]:
    """Return the distributions of the actor's own organisation, of the suppliers in its region, or all."""
    distributions = sa.select(Distribution)
    if actor.scope is Scope.OWN:
        return distributions.where(Distribution.supplier_id == actor.organisation_id)
    if actor.scope is Scope.REGION:
        covered = sa.select(Organisation.id).where(within(Organisation.region_code, actor.region_code))
        return distributions.where(Distribution.supplier_id.in_(covered))
    return distributions


def sharing_the_same(session: orm.Session, basis: str, period: Period) -> Distribution | None:
    """Return the earliest distribution of a basis, proposed or approved, whose period has a day of this one."""
    return session.scalar(
        sa.select(Distribution)
        .where(
            Distribution.basis == basis,
            Distribution.status.not_in(GONE),
            Distribution.period_from <= period.ends_on,
            Distribution.period_to >= period.begins_on,
        )
        .order_by(Distribution.period_from)
        .limit(1)
    )


def overlapping(session: orm.Session, distribution: Distribution) -> list[Distribution]:
    """Return the supplier's other distributions of the mechanism, proposed or approved, that have a day of this one.

    Another register or formula makes another list of the same days; whether both may stand, who decides has to see.
    """
    return list(
        session.scalars(
            sa.select(Distribution)
            .where(
                Distribution.supplier_id == distribution.supplier_id,
                Distribution.mechanism == distribution.mechanism,
                Distribution.id != distribution.id,
                Distribution.status.not_in(GONE),
                Distribution.period_from <= distribution.period_to,
                Distribution.period_to >= distribution.period_from,
            )
            .order_by(Distribution.period_from, Distribution.id)
        )
    )


def sharing_the_remainder(session: orm.Session, distribution_id: UUID) -> UUID | None:
    """Return the dividend, proposed or approved, that shares what a return by volume leaves."""
    return session.scalar(
        sa.select(Distribution.id).where(Distribution.remainder_of == distribution_id, Distribution.status.not_in(GONE))
    )


def items_of(session: orm.Session, distribution_id: UUID) -> list[Item]:
    """Return the list of a distribution, in its order."""
    table = DistributionItem
    rows = session.execute(
        sa.select(
            sa.func.coalesce(table.household_id, table.collective_id).label("payee_id"),
            table.collective_id,
            *(table.weight, table.fen, table.assisted, table.excluded),
        )
        .where(table.distribution_id == distribution_id)
        .order_by(table.position)
    )
    return [
        Item(
            Kind.COLLECTIVE if row.collective_id else Kind.HOUSEHOLD,
            *(row.payee_id, row.weight, row.fen, row.assisted, row.excluded),
        )
        for row in rows
    ]


class Volume(NamedTuple):
    """What a household delivered in a period: milli-units of one base unit, and what it was worth (fen).

    Nothing was known of its worth if any of it was consigned: that brings what it is sold for.
    """

    household_id: UUID
    milli: int
    fen: int | None


@dataclass(frozen=True, slots=True)
class Volumes:
    """What was delivered to a supplier in a period: by household, in which units, to which lots."""

    by_household: Sequence[Volume]
    units: Collection[str]
    lot_ids: Sequence[UUID]


_OF_PRODUCE = [code.value for code, terms in MECHANISMS.items() if Measure.QUANTITY in terms.measures]
_VOLUMES = sa.text(
    """
    SELECT c.household_id, sum(c.measure_milli)::bigint AS milli,
           CASE WHEN count(c.amount_fen) = count(*) THEN sum(c.amount_fen)::bigint END AS fen,
           array_agg(DISTINCT c.measured_in) AS units, array_agg(DISTINCT l.id) AS lots
      FROM lots l
      JOIN contributions c ON c.lot_id = l.id
     WHERE l.supplier_id = :supplier AND l.status NOT IN ('draft', 'discarded') AND c.carried_from IS NULL
       AND c.annulment_id IS NULL AND c.mechanism = ANY(:mechanisms) AND c.delivered_on BETWEEN :begins_on AND :ends_on
     GROUP BY c.household_id
     ORDER BY c.household_id
    """
)


def volumes(session: orm.Session, supplier_id: UUID, period: Period) -> Volumes:
    """Return what households delivered to a supplier's lots in a period.

    Delivery counts, not what was sold of it, in the unit of the delivery: what is sold by the piece may have been
    weighed. Produce that was moved into another lot counts once, where it was first
    given; drafts do not count, as their contributions are not sealed, nor what was annulled.
    """
    plan_anew(session)
    rows = session.execute(
        _VOLUMES,
        {
            "supplier": supplier_id,
            "mechanisms": _OF_PRODUCE,
            "begins_on": period.begins_on,
            "ends_on": period.ends_on,
        },
    ).all()
    return Volumes(
        [Volume(row.household_id, row.milli, row.fen) for row in rows],
        {unit for row in rows for unit in row.units},
        sorted({lot_id for row in rows for lot_id in row.lots}),
    )


_COUNTED = sa.text(
    """
    SELECT coalesce(sum(CASE WHEN :by_value THEN c.amount_fen ELSE c.measure_milli END), 0)
      FROM contributions c
     WHERE c.lot_id = ANY(CAST(:lots AS uuid[])) AND c.carried_from IS NULL AND c.annulment_id IS NULL
       AND c.mechanism = ANY(:mechanisms) AND c.delivered_on BETWEEN :begins_on AND :ends_on
    """
)


def counted_now(session: orm.Session, distribution: Distribution) -> int:
    """Return what was delivered, in milli-units or fen, of all that a return by volume counted when it was proposed."""
    asked = {
        "by_value": distribution.inputs["counted"] == "value",
        "lots": distribution.lot_ids or [],
        "mechanisms": _OF_PRODUCE,
        "begins_on": distribution.period_from,
        "ends_on": distribution.period_to,
    }
    return int(session.scalars(_COUNTED, asked).one())


# What an annulment gave back is of the days of the list that it undid, though it is there since a later one. Another
# list may have taken what came in the period while later money is left for it: a list counts from when all was there.
_FUNDS = sa.text(
    """
    WITH undone AS MATERIALIZED (
        SELECT e.id AS entry_id, d.period_from, d.period_to, o.effective_on AS given_on
          FROM annulments n
          JOIN distributions d ON d.id = n.distribution_id
          JOIN ledger_entries e ON e.source = 'annulment:' || n.id
          JOIN ledger_entries o ON o.source = 'distribution:' || d.id
         WHERE n.supplier_id = :supplier
    )
    SELECT m.order_line_id, a.kind, m.mechanism, max(m.there_on) AS since,
           array_agg(m.fen) AS fen, array_agg(m.begins_on) AS begins_on, array_agg(m.ends_on) AS ends_on
      FROM ledger_accounts a
      CROSS JOIN LATERAL (
          SELECT t.order_line_id, t.mechanism, t.amount_fen AS fen,
                 CASE WHEN u.entry_id IS NULL THEN t.effective_on
                      WHEN a.kind = 'retained' THEN u.period_from ELSE :ever END AS begins_on,
                 coalesce(u.period_to, t.effective_on) AS ends_on,
                 CASE WHEN u.entry_id IS NULL THEN t.effective_on END AS came_in_on, t.effective_on AS there_on
            FROM ledger_transfers t
            LEFT JOIN undone u ON u.entry_id = t.entry_id
           WHERE t.credit_account_id = a.id
          UNION ALL
          SELECT t.order_line_id, t.mechanism, -t.amount_fen,
                 CASE WHEN a.kind = 'retained' AND d.id IS NOT NULL THEN d.period_from
                      ELSE coalesce(u.given_on, :ever) END,
                 coalesce(d.period_to, u.given_on, t.effective_on), NULL, NULL
            FROM ledger_transfers t
            JOIN ledger_entries e ON e.id = t.entry_id
            LEFT JOIN undone u ON u.entry_id = t.entry_id
            LEFT JOIN distributions d ON d.supplier_id = :supplier AND e.source = 'distribution:' || d.id
           WHERE t.debit_account_id = a.id) m
     WHERE a.book = 'attribution' AND a.owner_id = :supplier AND a.counterpart_id IS NULL AND a.step = 'recognised'
       AND (a.kind = 'retained' OR a.kind = 'pool' AND m.mechanism = :mechanism)
     GROUP BY 1, 2, 3
    HAVING sum(m.fen) > 0 AND bool_or(m.came_in_on <= :ends_on AND (a.kind = 'pool' OR m.came_in_on >= :begins_on))
     ORDER BY a.kind, min(m.came_in_on), m.order_line_id
    """
)


def funds(session: orm.Session, supplier_id: UUID, mechanism: Mechanism, period: Period) -> list[Fund]:
    """Return what a supplier may distribute, in the order in which it is used up: its pool, then retained money.

    Of a line counts what was recognised by the end of the period: in the pool with what earlier ones left; of retained
    money only what came in the period itself, as what an earlier one left there, its reserve too, the supplier keeps.
    What an annulled list had taken is there again.
    """
    plan_anew(session)
    rows = session.execute(
        _FUNDS,
        {
            "supplier": supplier_id,
            "mechanism": mechanism,
            "begins_on": period.begins_on,
            "ends_on": period.ends_on,
            "ever": date.min,
        },
    )
    found: list[Fund] = []
    for row in rows:
        share = Share(Kind(row.kind), supplier_id, row.mechanism)
        days = Period(date.min, period.ends_on) if share.kind is Kind.POOL else period
        moved = [Movement(*each) for each in zip(row.fen, row.begins_on, row.ends_on, strict=True)]
        if (fen := left_of(moved, days)) > 0:
            found.append(Fund(row.order_line_id, share, fen, row.since, Step.RECOGNISED))
    return found
