"""What the acceptances of a year brought whom, less what came back of them or was cut. Writes nothing."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market import money
from market.attribution.rules import Kind, LotDraw, Share

# An acceptance that was recorded after its month was closed is of its own day; its transfers are of a later one.
_ACCRUED = """
  FROM ledger_accounts b
  JOIN ledger_transfers t ON t.debit_account_id = b.id AND t.effective_on >= :since
  JOIN ledger_entries e ON e.id = t.entry_id AND e.reason = 'accrual'
   AND coalesce(e.original_effective_on, e.effective_on) BETWEEN :since AND :until
   AND CAST(e.facts ->> 'plan_version' AS uuid) IN (
       SELECT id FROM plan_versions WHERE plan_id = ANY(CAST(:plans AS uuid[])))
"""
_ANNULLED = " LEFT JOIN contributions x ON x.id = t.contribution_id AND x.annulment_id IS NOT NULL"
_OF_SUPPLIER = " WHERE b.book = 'attribution' AND b.owner_id = :supplier AND b.kind = "
_LINES = sa.text(
    "SELECT CAST(e.facts ->> 'order_line' AS uuid) AS order_line_id, e.source,"
    " coalesce(e.original_effective_on, e.effective_on) AS accepted_on, CAST(sum(t.amount_fen) AS bigint) AS net_fen,"
    " e.facts" + _ACCRUED + _OF_SUPPLIER + "'base' GROUP BY e.id ORDER BY e.id"
)
_POSTED = sa.text(
    "SELECT CASE WHEN t.order_line_id = ANY(CAST(:returned AS uuid[])) THEN t.order_line_id END AS order_line_id,"
    " CASE WHEN x.id IS NULL THEN a.kind ELSE 'retained' END AS kind,"
    " CASE WHEN x.id IS NULL THEN a.owner_id ELSE b.owner_id END AS owner_id,"
    " CASE WHEN x.id IS NULL THEN t.mechanism END AS mechanism, CAST(sum(t.amount_fen) AS bigint) AS fen"
    + _ACCRUED
    + " JOIN ledger_accounts a ON a.id = t.credit_account_id AND a.kind <> 'pool'"
    + _ANNULLED
    + _OF_SUPPLIER
    + "'base' GROUP BY 1, 2, 3, 4"
)
_KEPT = sa.text(
    "SELECT t.order_line_id, e.source, t.mechanism, CAST(sum(t.amount_fen) AS bigint) AS fen"
    + _ACCRUED
    + " JOIN ledger_accounts a ON a.id = t.credit_account_id AND a.kind = 'pool'"
    + _OF_SUPPLIER
    + "'base' GROUP BY e.id, t.order_line_id, t.mechanism ORDER BY e.id, t.mechanism"
)
_TOPPED_UP = sa.text(
    "SELECT CAST(coalesce(sum(t.amount_fen) FILTER (WHERE x.id IS NULL), 0) AS bigint)"
    + _ACCRUED
    + _ANNULLED
    + _OF_SUPPLIER
    + "'top_up_base'"
)
# What is given out of a pool, or on by a collective, goes by the base too, and has not come back.
_RETURNED = sa.text(
    """
    SELECT t.order_line_id, CAST(sum(t.amount_fen) AS bigint) AS fen
      FROM ledger_transfers t
      JOIN ledger_entries e ON e.id = t.entry_id AND e.reason IN ('return', 'price_cut')
      JOIN ledger_accounts b ON b.id = t.credit_account_id AND b.book = 'attribution' AND b.kind = 'base'
     WHERE t.order_line_id = ANY(CAST(:lines AS uuid[]))
     GROUP BY 1
    """
)


class Recipient(NamedTuple):
    """Whose a part is: a payee, whatever the mechanism; the supplier; or a kept or suspended pool, by mechanism."""

    kind: Kind
    owner_id: UUID
    mechanism: str | None

    @property
    def key(self) -> str:
        """Return the text by which ties between recipients are broken."""
        return f"{self.kind}:{self.owner_id}:{self.mechanism or ''}"


def recipient_of(share: Share) -> Recipient:
    """Return who has a share."""
    by_mechanism = share.kind in {Kind.POOL, Kind.SUSPENSE}
    return Recipient(share.kind, share.owner_id, share.mechanism if by_mechanism else None)


class Line(NamedTuple):
    """An acceptance of an order line: what it brought (fen), and the facts of its posting."""

    order_line_id: UUID
    source: str
    accepted_on: date
    net_fen: int
    facts: Mapping[str, Any]

    @property
    def draws(self) -> list[LotDraw]:
        """Return what it took of lots."""
        return [LotDraw(UUID(lot_id), *milli) for lot_id, *milli in self.facts["draws"]]


class Kept(NamedTuple):
    """What was kept of an acceptance for a mechanism (fen), until a distribution says whose it is."""

    order_line_id: UUID
    source: str
    mechanism: str
    fen: int


class Left(NamedTuple):
    """What recipients have in all (fen), and what of it is expected of a later distribution only."""

    fen: Counter[Recipient]
    expected_fen: Counter[Recipient]


class Brought:
    """What lines brought recipients (fen). Lines of which something came back are kept apart, to take that off each."""

    def __init__(self, returned: Mapping[UUID, int]) -> None:
        """Begin with nothing; `returned` says of order lines what came back (fen)."""
        self._returned = returned
        self._whole: Counter[Recipient] = Counter()
        self._apart: dict[UUID, Counter[Recipient]] = {line_id: Counter() for line_id in returned}
        self._expected: dict[UUID | None, Counter[Recipient]] = defaultdict(Counter)

    def add(self, order_line_id: UUID | None, recipients: Sequence[Recipient], parts: Sequence[int]) -> None:
        """Give recipients their parts of a line."""
        had = self.of(order_line_id)
        for recipient, fen in zip(recipients, parts, strict=True):
            had[recipient] += fen

    def expect(self, order_line_id: UUID | None, recipients: Sequence[Recipient], parts: Sequence[int]) -> None:
        """Give recipients their parts of what is kept of a line, which a later distribution is expected to give."""
        self.add(order_line_id, recipients, parts)
        expected = self._expected[order_line_id if order_line_id in self._apart else None]
        for recipient, fen in zip(recipients, parts, strict=True):
            expected[recipient] += fen

    def of(self, order_line_id: UUID | None) -> Counter[Recipient]:
        """Return what recipients have of a line, to add to; those of which nothing came back share one."""
        return self._apart.get(order_line_id, self._whole) if order_line_id else self._whole

    def is_whole(self, order_line_id: UUID) -> bool:
        """Tell whether nothing came back of a line."""
        return order_line_id not in self._apart

    def left(self) -> Left:
        """Return what recipients have when what came back of a line is taken off what they have of it."""
        found, expected = Counter(self._whole), Counter(self._expected[None])
        for line_id, shares in self._apart.items():
            left = _less(shares, self._returned[line_id], salt=str(line_id))
            found.update(left)
            for recipient, fen in self._expected[line_id].items():
                expected[recipient] += fen and fen * left[recipient] // shares[recipient]
        return Left(found, expected)


def _less(shares: Counter[Recipient], returned_fen: int, *, salt: str) -> dict[Recipient, int]:
    """Return what is left of a line's shares; what came back of it is split over them by largest remainder."""
    weighted = [(recipient, fen) for recipient, fen in shares.items() if fen]
    whole_fen = sum(fen for _, fen in weighted)
    if not whole_fen:
        return {}
    keyed = [(recipient.key, fen) for recipient, fen in weighted]
    parts = money.allocate(min(returned_fen, whole_fen), keyed, salt=salt)
    return {recipient: fen - part for (recipient, fen), part in zip(weighted, parts, strict=True)}


def accepted(session: orm.Session, asked: Mapping[str, object]) -> list[Line]:
    """Return the lines of a `supplier` under versions of `plans` that were accepted in `since` to `until`."""
    return [Line(*row) for row in session.execute(_LINES, asked)]


def came_back(session: orm.Session, lines: Sequence[Line]) -> dict[UUID, int]:
    """Return what came back of order lines until now (fen), of those of which something did."""
    rows = session.execute(_RETURNED, {"lines": [line.order_line_id for line in lines]})
    return {row.order_line_id: row.fen for row in rows}


def posted(session: orm.Session, asked: Mapping[str, object], returned: Mapping[UUID, int]) -> Brought:
    """Return what the same lines brought recipients, as it was posted; what was kept is told by `kept`.

    For what was annulled nobody had anything but the supplier.
    """
    found = Brought(returned)
    for line_id, kind, owner_id, mechanism, fen in session.execute(_POSTED, {**asked, "returned": list(returned)}):
        found.of(line_id)[recipient_of(Share(Kind(kind), owner_id, mechanism))] += fen
    return found


def kept(session: orm.Session, asked: Mapping[str, object]) -> list[Kept]:
    """Return what was kept of the same lines."""
    return [Kept(*row) for row in session.execute(_KEPT, asked)]


def topped_up(session: orm.Session, asked: Mapping[str, object]) -> int:
    """Return what the supplier owed beyond what the same lines brought when they were accepted (fen)."""
    return int(session.scalars(_TOPPED_UP, asked).one())
