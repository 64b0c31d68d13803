"""Simulation: a year of past acceptances through another version of their plan. Writes nothing.

Each line is attributed once more by the rule that attributed it, with its own draws and carries, as if the version had
been pinned and had priced what households gave: by its pools, with who was eligible on the day of the acceptance; by
the market's price where one was recorded; within its bounds where the price was agreed. Goods that came back later are
on both sides, as accepted. What a supplier tops up is on neither: no order brings it.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import add
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market import money
from market.attribution.accrual import by_lot, eligible_pool
from market.attribution.repricing import Repriced, repriced
from market.attribution.rules import (
    ConsignedFact,
    ContributionFact,
    Kind,
    LineFacts,
    LotDraw,
    PoolFact,
    Share,
    attribute,
    pool_amounts,
)
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
    "SELECT e.source, e.effective_on, CAST(sum(t.amount_fen) AS bigint) AS net_fen, e.facts"
    + _ACCRUED
    + _OF_SUPPLIER
    + " GROUP BY e.id ORDER BY e.id"
)
_POSTED = sa.text(
    "SELECT a.kind, a.owner_id, t.mechanism, CAST(sum(t.amount_fen) AS bigint) AS fen"
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
    """Parts of `lines` acceptances of a period, both days included; before and after each sum to `net_fen`.

    `untold` contributions keep the price they had, as the version's cannot be told.
    """

    since: date
    until: date
    lines: int
    net_fen: int
    untold: int
    parts: Sequence[Part]

    def of(self, kind: Kind) -> list[Part]:
        """Return the parts of recipients of a kind."""
        return [part for part in self.parts if part.recipient.kind is kind]


class _Line(NamedTuple):
    source: str
    accepted_on: date
    net_fen: int
    facts: Mapping[str, Any]

    @property
    def draws(self) -> list[LotDraw]:
        """Return what the acceptance took of lots."""
        return [LotDraw(UUID(lot_id), *milli) for lot_id, *milli in self.facts["draws"]]


def simulate(session: orm.Session, actor: Actor, *, version_id: UUID, today: date) -> Simulation:
    """Return what a version of a plan would have made of a year of the plan's acceptances, beside what was posted.

    Eight statements, whatever the year. Raises `NotFoundError`.
    """
    plan_anew(session)
    version = session.scalar(visible_versions(actor).where(PlanVersion.id == version_id))
    if version is None:
        raise NotFoundError(what="plan_version")
    supplier_id = session.get_one(Plan, version.plan_id).supplier_id
    window = {"since": today - timedelta(days=DAYS - 1), "until": today}
    asked = window | {"plan": version.plan_id, "supplier": supplier_id}
    lines = [_Line(*row) for row in session.execute(_LINES, asked)]
    before = _posted(session, asked)
    body = plan_body(version.body)
    lots = {draw.lot_id for line in lines for draw in line.draws}
    given = repriced(session, lots, plan_id=version.plan_id, body=body)
    histories = households.histories(session, _households(body, given, before))
    after, rests = _of_lots(lines, given, supplier_id)
    after.update(_pooled(rests, body, histories, supplier_id))
    names = _names(session, [*before, *after], histories)
    parts = [Part(found, names[found.owner_id], before[found], after[found]) for found in {**before, **after}]
    shown = sorted((part for part in parts if part.before_fen or part.after_fen), key=lambda part: part.key)
    return Simulation(window["since"], today, len(lines), sum(line.net_fen for line in lines), given.untold, shown)


def _posted(session: orm.Session, asked: Mapping[str, object]) -> Counter[Recipient]:
    found: Counter[Recipient] = Counter()
    for kind, owner_id, mechanism, fen in session.execute(_POSTED, asked):
        found[_recipient(Share(Kind(kind), owner_id, mechanism))] += fen
    return found


def _recipient(share: Share) -> Recipient:
    by_mechanism = share.kind in {Kind.POOL, Kind.SUSPENSE}
    return Recipient(share.kind, share.owner_id, share.mechanism if by_mechanism else None)


def _households(body: PlanBody, given: Repriced, posted: Iterable[Recipient]) -> set[UUID]:
    """Return every household that the version names, that gave to a lot, or that had something."""
    named = {
        UUID(payee)
        for pool in body.pools
        if MECHANISMS[pool.mechanism].payee is Payee.HOUSEHOLD
        for payee, _ in pool.shares
    }
    giving = {fact.household_id for fact in given.amounts} | {fact.household_id for fact in given.consigned}
    return named | giving | {recipient.owner_id for recipient in posted if recipient.kind is Kind.HOUSEHOLD}


class _Rest(NamedTuple):
    """What is left of a line when its lots have released: pools and supplier share it."""

    source: str
    accepted_on: date
    net_fen: int
    left_fen: int


def _of_lots(lines: Sequence[_Line], given: Repriced, supplier_id: UUID) -> tuple[Counter[Recipient], list[_Rest]]:
    """Return what households would have had for what they gave to lots, and what that leaves of each line."""
    found: Counter[Recipient] = Counter()
    rests: list[_Rest] = []
    amounts, consigned = by_lot(given.amounts), by_lot(given.consigned)
    for line in lines:
        left_fen = line.net_fen
        for share, fen in attribute(_facts(line, amounts, consigned, supplier_id)).shares:
            if share.kind is Kind.HOUSEHOLD:
                found[_recipient(share)] += fen
                left_fen -= fen
        rests.append(_Rest(line.source, line.accepted_on, line.net_fen, left_fen))
    return found, rests


def _facts(
    line: _Line,
    amounts: Mapping[UUID, Sequence[ContributionFact]],
    consigned: Mapping[UUID, Sequence[ConsignedFact]],
    supplier_id: UUID,
) -> LineFacts:
    """Return what the line's posting followed from, its pools apart."""
    draws, carries = line.draws, line.facts["carries"]
    return LineFacts(
        salt=line.source,
        supplier_id=supplier_id,
        net_fen=line.net_fen,
        draws=draws,
        contributions=[
            fact._replace(carry_fen=carries.get(str(fact.contribution_id), 0))
            for draw in draws
            for fact in amounts.get(draw.lot_id, ())
        ],
        pools=(),
        consigned=[fact for draw in draws for fact in consigned.get(draw.lot_id, ())],
        made_of={UUID(lot_id): milli for lot_id, _, milli in line.facts.get("consigned", ())},
    )


def _pooled(
    rests: Sequence[_Rest], body: PlanBody, histories: Mapping[UUID, households.History], supplier_id: UUID
) -> Counter[Recipient]:
    """Return what the pools and the supplier would have had, split with the salt of each posting."""
    found: Counter[Recipient] = Counter()
    turns = sorted({day for history in histories.values() for day in history.turns()})

    def stretch(rest: _Rest) -> int:
        """Number the stretch of days in which nobody's standing changes: its pools are the same throughout."""
        return bisect_right(turns, rest.accepted_on)

    for _, accepted in groupby(sorted(rests, key=stretch), key=stretch):
        together = list(accepted)
        standing = {id_: history.on(together[0].accepted_on) for id_, history in histories.items()}
        pools = [_Payees(eligible_pool(pool, standing), supplier_id) for pool in body.pools]
        facts = [pool.fact for pool in pools]
        for source, _, net_fen, left_fen in together:
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
