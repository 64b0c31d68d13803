"""Simulation: past acceptances through another version of their plan, or through a plan that is new. Writes nothing.

Each line is attributed once more by the rule that attributed it, with its own draws and carries, as if the version had
been pinned and had priced what households gave: by its pools, with who was eligible on the day of the acceptance; by
the market's price where one was recorded; within its bounds where the price was agreed. What is kept, it was or would
be, goes to those who are expected to be given it, as the caller knows them, and is told as an estimate. What came back
of a line is taken off both sides, as it is off a line that is returned. What a supplier tops up no order brings: it
stands apart.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from operator import add
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market import money
from market.attribution import past_sales
from market.attribution.accrual import by_lot, eligible_pool
from market.attribution.past_sales import Brought, Kept, Left, Line, Recipient, recipient_of
from market.attribution.repricing import Repriced, repriced
from market.attribution.rules import (
    ConsignedFact,
    ContributionFact,
    Kind,
    LineFacts,
    PoolFact,
    Share,
    attribute,
    pool_amounts,
)
from market.benefits.models import Plan, PlanVersion
from market.benefits.rules import MECHANISMS, Payee, PlanBody, plan_body
from market.households import queries as households
from market.identity.models import Organisation

Expected = Mapping[str, Sequence[tuple[Share, int]]]
"""Who is expected to be given what is kept for a mechanism, each with a weight; whoever is not known is not there."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a recipient had of the lines, and what it would have had (fen); a household's name is its code.

    Of both, what is expected of a later distribution is an estimate.
    """

    recipient: Recipient
    name: str
    before_fen: int
    after_fen: int
    estimated_before_fen: int
    estimated_after_fen: int

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

    What came back is in neither. With `of_other_plans` nothing was accepted under the version's own plan, and they are
    all that the supplier sold under its others. `kept` names the mechanisms for which something was or would be kept.
    `untold` contributions keep the price they had, as the version's cannot be told. Beyond what lines brought, the
    supplier owed households `topped_up_fen`, and would have owed `top_up_fen`.
    """

    since: date
    until: date
    lines: int
    of_other_plans: bool
    net_fen: int
    kept: Collection[str]
    untold: int
    topped_up_fen: int
    top_up_fen: int
    parts: Sequence[Part]

    def of(self, kind: Kind) -> list[Part]:
        """Return the parts of recipients of a kind."""
        return [part for part in self.parts if part.recipient.kind is kind]


class _Side(NamedTuple):
    """What lines brought a supplier and its payees, or would have, and who is expected to be given what is kept."""

    brought: Brought
    expected: Expected
    supplier_id: UUID


def simulate(
    session: orm.Session, version: PlanVersion, *, supplier_id: UUID, since: date, until: date, expected: Expected
) -> Simulation:
    """Return what a version of a plan would have made of the plan's acceptances of a time, beside what was posted.

    A plan under which nothing was accepted may come in place of any other of the supplier: what it would have made of
    all that these brought is told, or a plan that is new would be decided without a look at whom it takes from. Nine
    statements, or eleven, whatever the time.
    """
    plan_ids = own = [version.plan_id]
    asked: dict[str, object] = {"since": since, "until": until, "plans": plan_ids, "supplier": supplier_id}
    lines = past_sales.accepted(session, asked)
    if not lines:
        asked["plans"] = plan_ids = _plans_of(session, supplier_id)
        lines = past_sales.accepted(session, asked)
    returned = past_sales.came_back(session, lines)
    posted = _Side(past_sales.posted(session, asked, returned), expected, supplier_id)
    kept = _keep(past_sales.kept(session, asked), posted)
    before = posted.brought.left()
    body = plan_body(version.body)
    lots = {draw.lot_id for line in lines for draw in line.draws}
    given = repriced(session, lots, plan_ids=plan_ids, body=body)
    histories = households.histories(session, _households(body, given, before.fen, expected))
    simulated = _Side(Brought(returned), expected, supplier_id)
    rests, top_up_fen = _of_lots(lines, given, simulated)
    _pooled(rests, body, histories, simulated)
    after = simulated.brought.left()
    return Simulation(
        since=since,
        until=until,
        lines=len(lines),
        of_other_plans=bool(lines) and plan_ids != own,
        net_fen=before.fen.total(),
        kept=kept | {pool.mechanism for pool in body.pools if pool.kept},
        untold=given.untold,
        topped_up_fen=past_sales.topped_up(session, asked),
        top_up_fen=top_up_fen,
        parts=_parts(before, after, _names(session, [*before.fen, *after.fen], histories)),
    )


def _plans_of(session: orm.Session, supplier_id: UUID) -> list[UUID]:
    return list(session.scalars(sa.select(Plan.id).where(Plan.supplier_id == supplier_id)))


def _parts(before: Left, after: Left, names: Mapping[UUID, str]) -> list[Part]:
    """Return both sides of everybody who had or would have had something; whoever would lose most comes first."""
    parts = [
        Part(
            found,
            names[found.owner_id],
            before.fen[found],
            after.fen[found],
            before.expected_fen[found],
            after.expected_fen[found],
        )
        for found in {**before.fen, **after.fen}
    ]
    return sorted((part for part in parts if part.before_fen or part.after_fen), key=lambda part: part.key)


def _keep(kept: Iterable[Kept], side: _Side) -> set[str]:
    """Give what was kept to those who are expected to be given it; return the mechanisms for which it was kept."""
    pools: dict[str, _Payees] = {}
    for part in kept:
        if part.mechanism not in pools:
            pools[part.mechanism] = _Payees(PoolFact(part.mechanism, 0, (), kept=True), side)
        pools[part.mechanism].take(part.fen, part.order_line_id, part.source)
    for pool in pools.values():
        pool.give()
    return set(pools)


def _households(body: PlanBody, given: Repriced, posted: Iterable[Recipient], expected: Expected) -> set[UUID]:
    """Return every household that the version names, that gave to a lot, that had something or is expected to."""
    named = {
        UUID(payee)
        for pool in body.pools
        if MECHANISMS[pool.mechanism].payee is Payee.HOUSEHOLD
        for payee, _ in pool.shares
    }
    giving = {fact.household_id for fact in given.amounts} | {fact.household_id for fact in given.consigned}
    had = {recipient.owner_id for recipient in posted if recipient.kind is Kind.HOUSEHOLD}
    known = {share.owner_id for shares in expected.values() for share, _ in shares if share.kind is Kind.HOUSEHOLD}
    return named | giving | had | known


class _Rest(NamedTuple):
    """A line, and what is left of it when its lots have released (fen): pools and supplier share it."""

    line: Line
    left_fen: int


def _of_lots(lines: Sequence[Line], given: Repriced, side: _Side) -> tuple[list[_Rest], int]:
    """Give households what they would have had for what they gave to lots; return the rests, and the top-ups (fen)."""
    rests: list[_Rest] = []
    top_up_fen = 0
    amounts, consigned = by_lot(given.amounts), by_lot(given.consigned)
    for line in lines:
        had, left_fen = side.brought.of(line.order_line_id), line.net_fen
        attribution = attribute(_facts(line, amounts, consigned, side.supplier_id))
        for share, fen in attribution.shares:
            if share.kind is Kind.HOUSEHOLD:
                had[recipient_of(share)] += fen
                left_fen -= fen
        top_up_fen += sum(fen for _, fen in attribution.top_ups)
        rests.append(_Rest(line, left_fen))
    return rests, top_up_fen


def _facts(
    line: Line,
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
    rests: Sequence[_Rest],
    body: PlanBody,
    histories: Mapping[UUID, households.History],
    side: _Side,
) -> None:
    """Give the pools and the supplier what they would have had, split with the salt of each posting."""
    turns = sorted({day for history in histories.values() for day in history.turns()})

    def stretch(rest: _Rest) -> int:
        """Number the stretch of days in which nobody's standing changes: its pools are the same throughout."""
        return bisect_right(turns, rest.line.accepted_on)

    for _, accepted in groupby(sorted(rests, key=stretch), key=stretch):
        together = list(accepted)
        standing = {id_: history.on(together[0].line.accepted_on) for id_, history in histories.items()}
        pools = [_Payees(eligible_pool(pool, standing), side) for pool in body.pools]
        facts = [pool.fact for pool in pools]
        for line, left_fen in together:
            amounts = pool_amounts(facts, line.net_fen, left_fen, salt=line.source)
            for pool, fen in zip(pools, amounts, strict=True):
                pool.take(fen, line.order_line_id, line.source)
            had = side.brought.of(line.order_line_id)
            had[Recipient(Kind.RETAINED, side.supplier_id, None)] += left_fen - sum(amounts)
        for pool in pools:
            pool.give()


class _Payees:
    """A pool's payees in a stretch of days and what they took: of a kept one, those who are expected to be given it.

    Keys and sums are kept from line to line: a year has many lines, and a pool many payees.
    """

    def __init__(self, fact: PoolFact, side: _Side) -> None:
        self.fact = replace(fact, shares=side.expected.get(fact.mechanism, ())) if fact.kept else fact
        self._brought = side.brought
        self._add = self._brought.expect if fact.kept else self._brought.add
        self._keyed = [(share.key, weight) for share, weight in self.fact.shares]
        self._recipients = [recipient_of(share) for share, _ in self.fact.shares]
        self._sums = [0] * len(self._keyed)
        self._nobodys = Recipient(Kind.POOL if fact.kept else Kind.SUSPENSE, side.supplier_id, fact.mechanism)

    def take(self, fen: int, order_line_id: UUID, source: str) -> None:
        """Split the amount of a line's posting; what has nobody to go to is nobody's yet."""
        try:
            parts = money.allocate(fen, self._keyed, salt=self.fact.salt(source))
        except money.AllocationError:
            self._brought.of(order_line_id)[self._nobodys] += fen
            return
        if self._brought.is_whole(order_line_id):
            self._sums = list(map(add, self._sums, parts))
        else:
            self._add(order_line_id, self._recipients, parts)

    def give(self) -> None:
        """Give payees what they took of lines of which nothing came back."""
        self._add(None, self._recipients, self._sums)


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
