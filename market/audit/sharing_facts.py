"""What is on record of distributions: their lists, and what these must follow from."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.oracle import COLLECTIVE, HOUSEHOLD


class ListedFact(NamedTuple):
    """A row of a list as it is stored."""

    kind: str
    payee_id: UUID
    weight: int
    fen: int
    assisted: bool | None
    excluded: str | None


class RegisterFact(NamedTuple):
    """A register version as it is stored, and the hash that was pinned."""

    canonical: bytes
    sha256: str
    pinned_sha256: str

    @property
    def sound(self) -> bool:
        """Tell whether bytes, hash and pin are of one register."""
        return sha256(self.canonical).hexdigest() == self.sha256 == self.pinned_sha256

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the rows that the bytes say, beside a scheme of share modes."""
        (rows,) = (rows for name, rows in json.loads(self.canonical).items() if name != "scheme")
        return list(rows)

    @property
    def scheme(self) -> dict[str, Any] | None:
        """Return the scheme of share modes that the bytes state, if any."""
        scheme: dict[str, Any] | None = json.loads(self.canonical).get("scheme")
        return scheme


class DeliveredFact(NamedTuple):
    """What a household gave to a lot that a distribution counted; what it consigned has no amount."""

    contribution_id: UUID
    household_id: UUID
    milli: int
    fen: int | None
    unit: str


@dataclass(slots=True)
class DistributionFact:
    """A distribution of a supplier, as it was approved.

    `delivered` is what households gave to its lots, with what was annulled since, or had been.
    """

    id: UUID
    mechanism: str
    period_from: date
    period_to: date
    inputs: Mapping[str, Any]
    amount_fen: int
    kept_fen: int
    from_pool_fen: int
    from_retained_fen: int
    list_sha256: str
    decided_at: datetime
    remainder_of: UUID | None
    register: RegisterFact | None
    items: list[ListedFact] = field(default_factory=list)
    delivered: list[DeliveredFact] = field(default_factory=list)


@dataclass(slots=True)
class SecondFact:
    """An approved second distribution of a collective, out of what one supplier had paid it."""

    id: UUID
    collective_id: UUID
    given_on: date
    amount_fen: int
    kept_fen: int
    list_sha256: str
    decided_at: datetime
    confirmed_at: datetime | None
    register: RegisterFact
    items: list[ListedFact] = field(default_factory=list)


_DISTRIBUTIONS = sa.text(
    """
    SELECT d.id, d.mechanism, d.period_from, d.period_to, d.inputs, d.amount_fen, d.kept_fen, d.from_pool_fen,
           d.from_retained_fen, d.list_sha256, d.decided_at, d.remainder_of, v.canonical, v.sha256,
           d.register_sha256
      FROM distributions d LEFT JOIN register_versions v ON v.id = d.register_version_id
     WHERE d.supplier_id = :supplier AND d.status IN ('approved', 'annulled')
     ORDER BY d.id
    """
)
_ITEMS = sa.text(
    """
    SELECT i.distribution_id, i.household_id, i.collective_id, i.weight, i.fen, i.assisted, i.excluded
      FROM distribution_items i JOIN distributions d ON d.id = i.distribution_id
     WHERE d.supplier_id = :supplier AND d.status IN ('approved', 'annulled')
     ORDER BY i.distribution_id, i.position
    """
)
# Of the lots that were on sale when the list was proposed, not of those that it names; of one opened in that minute the
# list alone can say which came first.
_VOLUMES = sa.text(
    """
    SELECT d.id, c.id, c.household_id, c.measure_milli, c.amount_fen, c.measured_in
      FROM distributions d
      JOIN lots l ON l.supplier_id = d.supplier_id AND l.status NOT IN ('draft', 'discarded')
       AND CASE WHEN l.opened_at BETWEEN d.made_at - interval '1 minute' AND d.made_at + interval '1 minute'
                THEN l.id = ANY(d.lot_ids) ELSE l.opened_at < d.made_at END
      JOIN contributions c ON c.lot_id = l.id AND c.delivered_on BETWEEN d.period_from AND d.period_to
     WHERE d.lot_ids IS NOT NULL AND d.supplier_id = :supplier AND d.status IN ('approved', 'annulled')
       AND c.carried_from IS NULL AND c.mechanism = ANY(:mechanisms)
    """
)
_SECOND = sa.text(
    """
    SELECT d.id, d.collective_id, d.given_on, d.amount_fen, d.kept_fen, d.list_sha256, d.decided_at, d.confirmed_at,
           v.canonical, v.sha256, d.register_sha256
      FROM second_distributions d JOIN register_versions v ON v.id = d.register_version_id
     WHERE d.supplier_id = :supplier AND d.status = 'approved'
     ORDER BY d.id
    """
)
_SECOND_ITEMS = sa.text(
    """
    SELECT i.distribution_id, i.household_id, NULL AS collective_id, i.weight, i.fen, i.assisted, i.excluded
      FROM second_distribution_items i JOIN second_distributions d ON d.id = i.distribution_id
     WHERE d.supplier_id = :supplier AND d.status = 'approved'
     ORDER BY i.distribution_id, i.position
    """
)


_ANNULLED = sa.text(
    """
    SELECT id, distribution_id, contribution_id, approval_id, decided_at FROM annulments
     WHERE supplier_id = :supplier AND status = 'approved'
    """
)


class AnnulledFact(NamedTuple):
    """That a distribution or a contribution never was, as it was approved."""

    id: UUID
    distribution_id: UUID | None
    contribution_id: UUID | None
    approval_id: UUID | None
    decided_at: datetime


def annulled(session: orm.Session, supplier_id: UUID) -> list[AnnulledFact]:
    """Read what of a supplier was annulled."""
    return [AnnulledFact(*row) for row in session.execute(_ANNULLED, {"supplier": supplier_id})]


def distributions(session: orm.Session, supplier_id: UUID, measured: list[str]) -> list[DistributionFact]:
    """Read what a supplier's distributions were when approved, in three statements; `measured` are the mechanisms."""
    who = {"supplier": supplier_id}
    items = _items(session, _ITEMS, who)
    delivered: dict[UUID, list[DeliveredFact]] = defaultdict(list)
    for distribution_id, *row in session.execute(_VOLUMES, {**who, "mechanisms": measured}):
        delivered[distribution_id].append(DeliveredFact(*row))
    return [
        DistributionFact(
            *row[:12],  # type: ignore[call-arg] # twelve columns, as the class names them
            RegisterFact(bytes(row.canonical), row.sha256, row.register_sha256) if row.canonical else None,
            items[row.id],
            delivered[row.id],
        )
        for row in session.execute(_DISTRIBUTIONS, who)
    ]


def second_distributions(session: orm.Session, supplier_id: UUID) -> list[SecondFact]:
    """Read what collectives gave on of a supplier's money, in two statements."""
    who = {"supplier": supplier_id}
    items = _items(session, _SECOND_ITEMS, who)
    return [
        SecondFact(
            *row[:8],  # type: ignore[call-arg] # eight columns, as the class names them
            RegisterFact(bytes(row.canonical), row.sha256, row.register_sha256),
            items[row.id],
        )
        for row in session.execute(_SECOND, who)
    ]


def _items(session: orm.Session, query: sa.TextClause, who: Mapping[str, UUID]) -> dict[UUID, list[ListedFact]]:
    items: dict[UUID, list[ListedFact]] = defaultdict(list)
    for row in session.execute(query, who):
        kind, payee_id = (HOUSEHOLD, row.household_id) if row.household_id else (COLLECTIVE, row.collective_id)
        items[row.distribution_id].append(ListedFact(kind, payee_id, row.weight, row.fen, row.assisted, row.excluded))
    return items
