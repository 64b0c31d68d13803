"""Who may see which annulments, and what an annulled distribution had moved; each read one statement."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.annulments.models import Annulment
from market.annulments.rules import AnnulmentStatus, Brought
from market.attribution.rules import Kind, Share
from market.db import plan_anew, within
from market.identity.models import Organisation
from market.identity.rules import Actor, Scope


def visible_annulments(actor: Actor) -> sa.Select[Annulment]:
    """Return the annulments of the actor's own organisation, of the suppliers in its region, or all."""
    annulments = sa.select(Annulment)
    if actor.scope is Scope.OWN:
        return annulments.where(Annulment.supplier_id == actor.organisation_id)
    if actor.scope is Scope.REGION:
        covered = sa.select(Organisation.id).where(within(Organisation.region_code, actor.region_code))
        return annulments.where(Annulment.supplier_id.in_(covered))
    return annulments


def waiting(session: orm.Session, subject: sa.ColumnElement[bool]) -> UUID | None:
    """Return the annulment of a subject that waits for its decision."""
    return session.scalar(sa.select(Annulment.id).where(subject, Annulment.status == AnnulmentStatus.PROPOSED))


def known_on(session: orm.Session, source: str) -> date:
    """Return the day that an entry is of."""
    entry = "SELECT coalesce(original_effective_on, effective_on) FROM ledger_entries WHERE source = :source"
    found: date = session.scalars(sa.text(entry), {"source": source}).one()
    return found


# A line of which anything stands of a contribution drew on its lot.
_RELEASED_TO = sa.text(
    """
    SELECT DISTINCT t.order_line_id
      FROM (SELECT DISTINCT order_line_id FROM reservations WHERE lot_id = ANY(CAST(:lots AS uuid[]))) r
      JOIN ledger_transfers t ON t.order_line_id = r.order_line_id
     WHERE t.contribution_id = ANY(CAST(:contributions AS uuid[]))
     ORDER BY 1
    """
)


def lines_released_to(session: orm.Session, family: Mapping[UUID, UUID]) -> Sequence[UUID]:
    """Return the order lines to which contributions, each with its lot, have released something."""
    plan_anew(session)
    about = {"contributions": list(family), "lots": list(set(family.values()))}
    return session.scalars(_RELEASED_TO, about).all()


_ACCEPTED_ON = sa.text(
    """
    SELECT min(coalesce(e.original_effective_on, e.effective_on))
      FROM ledger_transfers t JOIN ledger_entries e ON e.id = t.entry_id AND e.reason = 'accrual'
     WHERE t.order_line_id = ANY(CAST(:lines AS uuid[]))
    """
)


def accepted_on(session: orm.Session, line_ids: Collection[UUID]) -> date | None:
    """Return the day on which the first of these lines was accepted."""
    found: date | None = session.scalar(_ACCEPTED_ON, {"lines": list(line_ids)})
    return found


class Moved(NamedTuple):
    """What an entry moved between the base of a line and a share of it."""

    order_line_id: UUID
    share: Share
    brought: Brought


_MOVED = sa.text(
    """
    WITH lines AS MATERIALIZED (
        SELECT DISTINCT t.order_line_id
          FROM ledger_entries e JOIN ledger_transfers t ON t.entry_id = e.id AND t.effective_on = e.effective_on
         WHERE e.source = :source
    )
    SELECT t.order_line_id, a.kind, a.owner_id, t.mechanism, t.assisted, e.source, sum(m.fen)::bigint AS fen,
           'distribution:' || n.distribution_id AS undoes
      FROM lines l
      JOIN ledger_transfers t ON t.order_line_id = l.order_line_id AND t.contribution_id IS NULL
     CROSS JOIN LATERAL (VALUES (t.credit_account_id, t.debit_account_id, t.amount_fen),
                                (t.debit_account_id, t.credit_account_id, -t.amount_fen))
                     AS m (account_id, other_id, fen)
      JOIN ledger_accounts b ON b.id = m.other_id AND b.kind = 'base'
      JOIN ledger_accounts a ON a.id = m.account_id AND a.kind IN ('household', 'collective', 'retained', 'pool')
      JOIN ledger_entries e ON e.id = t.entry_id
      LEFT JOIN annulments n ON 'annulment:' || n.id = e.source
     WHERE e.source = :source OR t.mechanism = :mechanism
     GROUP BY 1, 2, 3, 4, 5, 6, n.distribution_id, m.fen > 0
     ORDER BY min(t.id)
    """
)


def moved_on_lines_of(session: orm.Session, source: str, mechanism: str) -> list[Moved]:
    """Return what moved on the lines of a list: by the list itself, and else of the mechanism by which it gave."""
    plan_anew(session)
    return [
        Moved(
            row.order_line_id,
            Share(Kind(row.kind), row.owner_id, row.mechanism, None, row.assisted),
            Brought(row.source, row.fen, row.undoes),
        )
        for row in session.execute(_MOVED, {"source": source, "mechanism": mechanism})
    ]


_GIVING_ON = sa.text(
    """
    SELECT o.name
      FROM ledger_entries e
      JOIN ledger_transfers t ON t.entry_id = e.id AND t.effective_on = e.effective_on
      JOIN ledger_accounts a ON a.id = t.credit_account_id AND a.kind = 'collective'
      JOIN organisations o ON o.id = a.owner_id
      JOIN second_distributions d ON d.collective_id = a.owner_id AND d.supplier_id = a.counterpart_id
     WHERE e.source = :source
       AND (d.status = 'proposed' OR d.status = 'approved' AND EXISTS (
            SELECT FROM ledger_entries g
              JOIN ledger_transfers n ON n.entry_id = g.id AND n.order_line_id = t.order_line_id
               AND n.mechanism = t.mechanism AND n.id > t.id
              JOIN ledger_accounts c ON c.id = n.debit_account_id AND c.kind = 'collective' AND c.owner_id = a.owner_id
             WHERE g.source = concat('second_distribution:', d.id)))
     ORDER BY o.name
     LIMIT 1
    """
)


def giving_on(session: orm.Session, source: str) -> str | None:
    """Return the name of a collective that gave on what a list gave it, or that waits to be told it may have."""
    found: str | None = session.scalar(_GIVING_ON, {"source": source})
    return found
