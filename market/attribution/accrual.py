"""Accrual: what was accepted of order lines becomes shares of households, collectives and the supplier."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import posting, queries
from market.attribution.rules import (
    Attribution,
    ConsignedFact,
    ContributionFact,
    Kind,
    LineFacts,
    LotDraw,
    PoolFact,
    Share,
    Step,
    attribute,
)
from market.benefits.models import PlanVersion
from market.benefits.rules import MECHANISMS, Payee, PlanBody, Pool, plan_body
from market.households import queries as households
from market.households.rules import Eligibility
from market.lots.carrying import keep_carries
from market.lots.queries import made_of as made_of_lots

Fact = TypeVar("Fact", ContributionFact, ConsignedFact)


@dataclass(frozen=True, slots=True)
class AcceptedLine:
    """An order line as accepted (or as it would be): its net amount in fen, its draws, the plan it pins."""

    source: str
    order_line_id: UUID
    supplier_id: UUID
    net_fen: int
    draws: Sequence[LotDraw]
    plan_version_id: UUID
    plan_sha256: str


@dataclass(frozen=True, slots=True)
class Accrued:
    """How accepted lines are attributed, in their order, and the day from which that counts."""

    attributions: Sequence[Attribution]
    counts_on: date


def predict(session: orm.Session, lines: Sequence[AcceptedLine], *, on: date) -> list[Attribution]:
    """Return how the lines would be attributed if they were accepted whole on that day; writes nothing."""
    return [attribution for _, attribution in _in_turn(gather(session, lines, on=on))]


def accrue(session: orm.Session, lines: Sequence[AcceptedLine], *, on: date) -> Accrued:
    """Post the accrual of accepted lines, one entry a line.

    What was accepted in a closed month counts from the first open day. The caller holds the lots' locks, so that
    cumulative draws follow each other.
    """
    attributed = _in_turn(gather(session, lines, on=on))
    drafts = [
        _draft(line, facts, attribution, on) for line, (facts, attribution) in zip(lines, attributed, strict=True)
    ]
    counts_on = max(on, posting.post(session, drafts))
    keep_carries(session, {key: fen for _, attribution in attributed for key, fen in attribution.carries.items()})
    return Accrued([attribution for _, attribution in attributed], counts_on)


def _in_turn(gathered: Sequence[LineFacts]) -> list[tuple[LineFacts, Attribution]]:
    """Attribute line after line: what one of them releases of a carry, the next that draws on the lot does not."""
    carries: dict[UUID, int] = {}
    attributed: list[tuple[LineFacts, Attribution]] = []
    for line in gathered:
        facts = line
        if carries:
            left = [
                fact._replace(carry_fen=carries.get(fact.contribution_id, fact.carry_fen))
                for fact in line.contributions
            ]
            facts = replace(line, contributions=left)
        attributed.append((facts, attribute(facts)))
        carries |= attributed[-1][1].carries
    return attributed


def gather(session: orm.Session, lines: Sequence[AcceptedLine], *, on: date) -> list[LineFacts]:
    """Collect the facts of each line in three statements: contributions, plan versions, payees' eligibility.

    A fourth where produce was consigned: what its lots were made of.
    """
    lots = {draw.lot_id for line in lines for draw in line.draws}
    given = queries.contributed(session, lots)
    contributions, consigned = by_lot(given.amounts), by_lot(given.consigned)
    made_of = made_of_lots(session, consigned) if consigned else {}
    bodies = _bodies(session, {line.plan_version_id for line in lines})
    payees = {
        UUID(payee)
        for body in bodies.values()
        for pool in body.pools
        if MECHANISMS[pool.mechanism].payee is Payee.HOUSEHOLD
        for payee, _ in pool.shares
    }
    eligibility = households.eligibility_on(session, payees, on) if payees else {}
    return [
        LineFacts(
            salt=line.source,
            supplier_id=line.supplier_id,
            net_fen=line.net_fen,
            draws=line.draws,
            contributions=[fact for draw in line.draws for fact in contributions.get(draw.lot_id, ())],
            pools=[eligible_pool(pool, eligibility) for pool in bodies[line.plan_version_id].pools],
            consigned=[fact for draw in line.draws for fact in consigned.get(draw.lot_id, ())],
            made_of=made_of,
        )
        for line in lines
    ]


def by_lot(facts: Sequence[Fact]) -> dict[UUID, list[Fact]]:
    """Return contributions by the lot that they went into."""
    found: dict[UUID, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.lot_id].append(fact)
    return found


_READ: dict[UUID, PlanBody] = {}
_MOST_READ = 1_000


def _bodies(session: orm.Session, version_ids: Collection[UUID]) -> dict[UUID, PlanBody]:
    """Return what the versions promise; a decided version never changes, so a process keeps what it has read."""
    bodies = {version_id: body for version_id in version_ids if (body := _READ.get(version_id))}
    unread = [version_id for version_id in version_ids if version_id not in bodies]
    if unread:
        rows = session.execute(sa.select(PlanVersion.id, PlanVersion.body).where(PlanVersion.id.in_(unread)))
        read = {version_id: plan_body(body) for version_id, body in rows}
        if len(_READ) + len(read) > _MOST_READ:
            _READ.clear()
        _READ.update(read)
        bodies |= read
    return bodies


def eligible_pool(pool: Pool, eligibility: Mapping[UUID, Eligibility]) -> PoolFact:
    """Keep the payees that are eligible on the day: households still on the register, assisted if the plan says so.

    A kept pool has none yet.
    """
    if pool.kept:
        return PoolFact(pool.mechanism, pool.bp, (), kept=True)
    if MECHANISMS[pool.mechanism].payee is Payee.COLLECTIVE:
        shares = [(Share(Kind.COLLECTIVE, UUID(payee), pool.mechanism), weight) for payee, weight in pool.shares]
        return PoolFact(pool.mechanism, pool.bp, shares)
    shares = []
    for payee, weight in pool.shares:
        found = eligibility.get(UUID(payee))
        if found and found.on_register and (found.assisted or not pool.assisted_only):
            shares.append((Share(Kind.HOUSEHOLD, UUID(payee), pool.mechanism, None, found.assisted), weight))
    return PoolFact(pool.mechanism, pool.bp, shares)


def _draft(line: AcceptedLine, facts: LineFacts, attribution: Attribution, on: date) -> posting.Draft:
    supplier_id = line.supplier_id
    source = posting.base(supplier_id)
    moves = [
        posting.Move(source, posting.account(share, supplier_id, Step.ACCRUED), fen, share, line.order_line_id)
        for share, fen in attribution.shares
    ]
    moves += posting.topping_up(attribution.top_ups, supplier_id, line.order_line_id)
    weights = {
        pool.mechanism: [
            (posting.account(share, supplier_id, Step.ACCRUED), weight, share.assisted) for share, weight in pool.shares
        ]
        for pool in facts.pools
    }
    return posting.Draft(line.source, "accrual", on, moves, _facts(line, facts), weights)


def _facts(line: AcceptedLine, facts: LineFacts) -> dict[str, object]:
    weights: dict[UUID, int] = defaultdict(int)
    for fact in facts.consigned:
        weights[fact.lot_id] += fact.weight
    consigned = [[lot_id, weight, facts.made_of[lot_id]] for lot_id, weight in weights.items()]
    return ({"consigned": consigned} if consigned else {}) | {
        "order_line": line.order_line_id,
        "net_fen": line.net_fen,
        "plan_version": line.plan_version_id,
        "plan_sha256": line.plan_sha256,
        "draws": [[draw.lot_id, draw.before_milli, draw.after_milli, draw.whole_milli] for draw in facts.draws],
        "carries": {str(fact.contribution_id): fact.carry_fen for fact in facts.contributions if fact.carry_fen},
        "pools": [[pool.mechanism, pool.bp] for pool in facts.pools],
    }
