"""Simulation: a year of past acceptances through the pools of another version of their plan. Writes nothing.

What lots released stays as it was posted: it follows from contributions, not from pools. The rest of each line's net
amount goes through the pools of the simulated version, with who was eligible on the day of the acceptance, as if that
version had been pinned. Goods that came back later are on both sides, as accepted.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import add
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market import money
from market.attribution.accrual import eligible_pool
from market.attribution.rules import Kind, PoolFact, Share, pool_amounts
from market.benefits.models import Plan, PlanVersion
from market.benefits.queries import visible_versions
from market.benefits.rules import MECHANISMS, Payee, PlanBody, plan_body
from market.db import plan_anew
from market.errors import NotFoundError
from market.households import queries as households
from market.identity.models import Organisation
from market.identity.rules import Actor

DAYS = 365
"""How far back the simulated acceptances lie, today included."""

_ACCRUED = """
  FROM ledger_accounts b
  JOIN ledger_transfers t ON t.debit_account_id = b.id AND t.effective_on BETWEEN :since AND :until
  JOIN ledger_entries e ON e.id = t.entry_id AND e.reason = 'accrual'
   AND CAST(e.facts ->> 'plan_version' AS uuid) IN (SELECT id FROM plan_versions WHERE plan_id = :plan)
"""
_OF_SUPPLIER = " WHERE b.book = 'attribution' AND b.kind = 'base' AND b.owner_id = :supplier"
_LINES = sa.text(
    "SELECT e.source, e.effective_on, CAST(sum(t.amount_fen) AS bigint) AS net_fen,"
    " CAST(coalesce(sum(t.amount_fen) FILTER (WHERE t.contribution_id IS NOT NULL), 0) AS bigint) AS released_fen"
    + _ACCRUED
    + _OF_SUPPLIER
    + " GROUP BY e.id ORDER BY e.id"
)
_POSTED = sa.text(
    "SELECT a.kind, a.owner_id, t.mechanism, CAST(sum(t.amount_fen) AS bigint) AS fen,"
    " CAST(coalesce(sum(t.amount_fen) FILTER (WHERE t.contribution_id IS NOT NULL), 0) AS bigint) AS released_fen"
    + _ACCRUED
    + " JOIN ledger_accounts a ON a.id = t.credit_account_id"
    + _OF_SUPPLIER
    + " GROUP BY 1, 2, 3"
)


class Recipient(NamedTuple):
    """Whose a part is: a payee, whatever the mechanism; the supplier; or a kept or suspended pool, by mechanism."""

    kind: Kind
    owner_id: UUID
    mechanism: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """What a recipient had of the lines, and what it would have had (fen); a household's name is its code."""

    recipient: Recipient
    name: str
    before_fen: int
    after_fen: int

    @property
    def difference_fen(self) -> int:
        """Return what it would have had more, negative if less."""
        return self.after_fen - self.before_fen

    @property
    def key(self) -> tuple[int, str, str, str]:
        """Return where it stands in the list: whoever would lose most comes first."""
        kind, owner_id, mechanism = self.recipient
        return self.difference_fen, kind.value, str(owner_id), mechanism or ""


@dataclass(frozen=True, slots=True)
class Simulation:
    """Parts of `lines` acceptances of a period, both days included; before and after each sum to `net_fen`."""

    since: date
    until: date
    lines: int
    net_fen: int
    parts: Sequence[Part]

    def of(self, kind: Kind) -> list[Part]:
        """Return the parts of recipients of a kind."""
        return [part for part in self.parts if part.recipient.kind is kind]


class _Line(NamedTuple):
    source: str
    accepted_on: date
    net_fen: int
    released_fen: int


def simulate(session: orm.Session, actor: Actor, *, version_id: UUID, today: date) -> Simulation:
    """Return what a version of a plan would have made of a year of the plan's acceptances, beside what was posted.

    Six statements, whatever the year. Raises `NotFoundError`.
    """
    plan_anew(session)
    version = session.scalar(visible_versions(actor).where(PlanVersion.id == version_id))
    if version is None:
        raise NotFoundError(what="plan_version")
    supplier_id = session.get_one(Plan, version.plan_id).supplier_id
    window = {"since": today - timedelta(days=DAYS - 1), "until": today}
    asked = window | {"plan": version.plan_id, "supplier": supplier_id}
    lines = [_Line(*row) for row in session.execute(_LINES, asked)]
    before: Counter[Recipient] = Counter()
    after: Counter[Recipient] = Counter()
    for row in session.execute(_POSTED, asked):
        recipient = _recipient(Share(Kind(row.kind), row.owner_id, row.mechanism))
        before[recipient] += row.fen
        after[recipient] += row.released_fen
    body = plan_body(version.body)
    histories = households.histories(session, _households(body, before))
    after.update(_pooled(lines, body, histories, supplier_id))
    names = _names(session, [*before, *after], histories)
    parts = [Part(found, names[found.owner_id], before[found], after[found]) for found in {**before, **after}]
    shown = sorted((part for part in parts if part.before_fen or part.after_fen), key=lambda part: part.key)
    return Simulation(window["since"], today, len(lines), sum(line.net_fen for line in lines), shown)


def _recipient(share: Share) -> Recipient:
    by_mechanism = share.kind in {Kind.POOL, Kind.SUSPENSE}
    return Recipient(share.kind, share.owner_id, share.mechanism if by_mechanism else None)


def _households(body: PlanBody, posted: Iterable[Recipient]) -> set[UUID]:
    """Return every household that the version names, or that had something."""
    named = {
        UUID(payee)
        for pool in body.pools
        if MECHANISMS[pool.mechanism].payee is Payee.HOUSEHOLD
        for payee, _ in pool.shares
    }
    return named | {recipient.owner_id for recipient in posted if recipient.kind is Kind.HOUSEHOLD}


def _pooled(
    lines: Sequence[_Line], body: PlanBody, histories: Mapping[UUID, households.History], supplier_id: UUID
) -> Counter[Recipient]:
    """Return what the pools and the supplier would have had, split with the salt of each posting."""
    found: Counter[Recipient] = Counter()
    turns = sorted({day for history in histories.values() for day in history.turns()})

    def stretch(line: _Line) -> int:
        """Number the stretch of days in which nobody's standing changes: its pools are the same throughout."""
        return bisect_right(turns, line.accepted_on)

    for _, accepted in groupby(sorted(lines, key=stretch), key=stretch):
        together = list(accepted)
        standing = {id_: history.on(together[0].accepted_on) for id_, history in histories.items()}
        pools = [_Payees(eligible_pool(pool, standing), supplier_id) for pool in body.pools]
        facts = [pool.fact for pool in pools]
        for source, _, net_fen, released_fen in together:
            left_fen = net_fen - released_fen
            amounts = pool_amounts(facts, net_fen, left_fen, salt=source)
            for pool, fen in zip(pools, amounts, strict=True):
                pool.take(fen, pool.fact.salt(source))
            found[Recipient(Kind.RETAINED, supplier_id, None)] += left_fen - sum(amounts)
        for pool in pools:
            found.update(pool.taken())
    return found


class _Payees:
    """A pool's payees in a stretch of days and what they took.

    Keys and sums are kept from line to line: a year has many lines, and a pool many payees.
    """

    def __init__(self, fact: PoolFact, supplier_id: UUID) -> None:
        self.fact = fact
        self._keyed = [(share.key, weight) for share, weight in fact.shares]
        self._sums = [0] * len(self._keyed)
        kind = Kind.POOL if fact.kept else Kind.SUSPENSE
        self._nobodys = Recipient(kind, supplier_id, fact.mechanism)
        self._nobodys_fen = 0

    def take(self, fen: int, salt: str) -> None:
        """Split a line's amount; what has nobody to go to, or is kept, is nobody's yet."""
        try:
            parts = money.allocate(fen, self._keyed, salt=salt)
        except money.AllocationError:
            self._nobodys_fen += fen
        else:
            self._sums = list(map(add, self._sums, parts))

    def taken(self) -> dict[Recipient, int]:
        """Return what each took of the lines."""
        found = {_recipient(share): fen for (share, _), fen in zip(self.fact.shares, self._sums, strict=True)}
        return found | {self._nobodys: self._nobodys_fen}


def _names(
    session: orm.Session, recipients: Iterable[Recipient], histories: Mapping[UUID, households.History]
) -> dict[UUID, str]:
    """Return the code of each household, and the name of each organisation."""
    bodies = {recipient.owner_id for recipient in recipients if recipient.kind is not Kind.HOUSEHOLD}
    rows = session.execute(sa.select(Organisation.id, Organisation.name).where(Organisation.id.in_(bodies)))
    return {row.id: row.name for row in rows} | {id_: history.code for id_, history in histories.items()}


class Tally(NamedTuple):
    """How many would gain and lose, and how much in all (fen, both positive)."""

    gaining: int
    gained_fen: int
    losing: int
    lost_fen: int
    unchanged: int


def tally(parts: Iterable[Part]) -> Tally:
    """Count who would gain and who would lose."""
    differences = [part.difference_fen for part in parts]
    return Tally(
        gaining=sum(fen > 0 for fen in differences),
        gained_fen=sum(fen for fen in differences if fen > 0),
        losing=sum(fen < 0 for fen in differences),
        lost_fen=-sum(fen for fen in differences if fen < 0),
        unchanged=differences.count(0),
    )
