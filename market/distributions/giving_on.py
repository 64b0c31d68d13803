"""Giving on: a collective states what it shared of what it received; the county decides, the village confirms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import posting
from market.attribution.matching import lock_supplier
from market.attribution.rules import Step
from market.benefits import formulas
from market.benefits.holdings import register_body
from market.benefits.models import RegisterVersion
from market.benefits.rules import Mechanism, RegisterKind
from market.db import array, new_id
from market.distributions import collective_queries
from market.distributions.listing import approved_version, check_in_force, judge
from market.distributions.models import SecondDistribution
from market.distributions.posting_parts import moves_of
from market.distributions.rules import (
    DistributionEvent,
    DistributionStatus,
    Fund,
    GivenBeforeReceivedError,
    Item,
    NobodyListedError,
    NotEnoughReceivedError,
    Part,
    SecondConfirmedError,
    SecondNotApprovedError,
    SecondReferenceTakenError,
    after,
    hand_out,
    list_sha256,
)
from market.errors import FourEyesError, NotFoundError, at
from market.households import proxies
from market.households.rules import Deed
from market.identifiers import reference_key
from market.identity.rules import Actor
from market.money import yuan

_CONFIRMED = "代办员确认收到村集体分配款"
"""What shows the act: the confirmation itself."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a collective gave on: of whose money, by which list, when, and what proves it."""

    supplier_id: UUID
    register_version_id: UUID
    amount_fen: int
    given_on: date
    evidence: str
    reference: str


@dataclass(frozen=True, slots=True)
class Second:
    """A second distribution worked out: its list, and what the collective holds of that supplier's money (fen)."""

    version: RegisterVersion
    items: Sequence[Item]
    held_fen: int

    @property
    def kept_fen(self) -> int:
        """Return what the collective still holds for people who may not be paid."""
        return sum(item.fen for item in self.items if item.excluded)


def predict(session: orm.Session, actor: Actor, *, given: Given) -> Second:
    """Return the list of a second distribution; writes nothing.

    By which version of its list, and who may be paid, is judged on the day on which it was given. Raises
    `NotFoundError` (the list's version), `RegisterNotInForceError`, `SecondReferenceTakenError`, `NobodyListedError`,
    `NotEnoughReceivedError` or `GivenBeforeReceivedError`.
    """
    collective_id = actor.organisation_id
    pointer = "/register_version_id"
    version = approved_version(session, given.register_version_id, collective_id, RegisterKind.LIST, pointer=pointer)
    check_in_force(session, version, given.given_on, pointer=pointer)
    _check_reference(session, collective_id, given.reference)
    name = _salt(collective_id, given.supplier_id, version.sha256)
    dues = formulas.dividend(given.amount_fen, register_body(version.body), salt=name)
    items = judge(session, dues, supplier_id=None, on=given.given_on)
    funds = collective_queries.received(session, collective_id, given.supplier_id)
    found = Second(version, items, sum(fund.fen for fund in funds))
    if found.kept_fen == given.amount_fen:
        raise NobodyListedError(
            reason="nobody on it is given anything", reason_zh="名单中无人可得分配", pointer=pointer
        )
    with at("/amount_fen"):
        _check_held(given.amount_fen, funds)
    with at("/given_on"):
        _check_came_in(_parts(items, funds, name), given.given_on)
    return found


def _check_held(amount_fen: int, funds: Sequence[Fund]) -> None:
    held_fen = sum(fund.fen for fund in funds)
    if amount_fen > held_fen:
        raise NotEnoughReceivedError(asked=yuan(amount_fen), held=yuan(held_fen))


def _parts(items: Sequence[Item], funds: Sequence[Fund], name: str) -> list[Part]:
    listed = [(item.share(Mechanism.COLLECTIVE_DIVIDEND), item.fen) for item in items if not item.excluded]
    return hand_out(listed, funds, salt=name)


def _check_came_in(parts: Sequence[Part], given_on: date) -> None:
    """Raise `GivenBeforeReceivedError` where money was not there on the day: not paid to the collective before it."""
    first_on = max(part.fund.paid_on for part in parts if part.fund.paid_on)
    if given_on < first_on:
        raise GivenBeforeReceivedError(first_on=first_on)


def _salt(collective_id: UUID, supplier_id: UUID, register_sha256: str) -> str:
    return f"second_distribution:{collective_id}:{supplier_id}:{register_sha256}"


def _check_reference(session: orm.Session, collective_id: UUID, reference: str) -> None:
    table = SecondDistribution
    used = sa.select(table.id).where(
        table.collective_id == collective_id,
        table.reference_key == reference_key(reference),
        table.status != DistributionStatus.REJECTED,
    )
    if session.scalar(used):
        raise SecondReferenceTakenError(reference=reference, pointer="/reference")


def give_on(session: orm.Session, actor: Actor, *, given: Given, now: datetime) -> tuple[SecondDistribution, Second]:
    """Write down what the actor's collective gave its households, for the county to decide; nothing is posted yet.

    Raises what `predict` raises.
    """
    lock_supplier(session, given.supplier_id)
    found = predict(session, actor, given=given)
    distribution = SecondDistribution(
        id=new_id(),
        collective_id=actor.organisation_id,
        supplier_id=given.supplier_id,
        given_on=given.given_on,
        amount_fen=given.amount_fen,
        kept_fen=found.kept_fen,
        register_version_id=found.version.id,
        register_sha256=found.version.sha256,
        list_sha256=list_sha256(found.items),
        evidence=given.evidence,
        reference=given.reference,
        reference_key=reference_key(given.reference),
        made_by=actor.member_id,
        made_at=now,
        status=DistributionStatus.PROPOSED,
    )
    session.add(distribution)
    session.flush()
    _write_items(session, distribution.id, found.items)
    return distribution, found


def approve(
    session: orm.Session, actor: Actor, *, distribution_id: UUID, opinion: str, now: datetime
) -> SecondDistribution:
    """Post what a collective gave on, oldest money first, as one entry.

    What a household is given stands on the order line and under the payment that brought it to the collective. It
    counts from the day on which it was given; where the book had the money later only, as what was paid ahead is
    claimed or confirmed after, from then, and keeps its own day as the original one. Raises `NotFoundError`,
    `TransitionError`, `FourEyesError`, `RegisterNotInForceError`, `NotEnoughReceivedError` or
    `GivenBeforeReceivedError`.
    """
    distribution = _decide(session, actor, distribution_id, DistributionEvent.APPROVE, opinion=opinion, now=now)
    collective_id, supplier_id = distribution.collective_id, distribution.supplier_id
    lock_supplier(session, supplier_id)
    given_on = distribution.given_on
    check_in_force(session, session.get_one(RegisterVersion, distribution.register_version_id), given_on)
    funds = collective_queries.received(session, collective_id, supplier_id)
    _check_held(distribution.amount_fen, funds)
    name = _salt(collective_id, supplier_id, distribution.register_sha256)
    parts = _parts(collective_queries.second_items_of(session, distribution_id), funds, name)
    _check_came_in(parts, given_on)
    day = max([given_on, *(part.fund.since for part in parts)])
    draft = posting.Draft(
        f"second_distribution:{distribution_id}",
        "second_distribution",
        day,
        moves_of(parts, supplier_id),
        {
            "second_distribution": distribution_id,
            "collective": collective_id,
            "register_sha256": distribution.register_sha256,
            "list_sha256": distribution.list_sha256,
        },
        original_effective_on=given_on if given_on < day else None,
    )
    posting.post(session, [draft])
    return distribution


def reject(
    session: orm.Session, actor: Actor, *, distribution_id: UUID, opinion: str, now: datetime
) -> SecondDistribution:
    """Turn down what a collective stated; its reference is free again. Raises as `approve` for who decides."""
    return _decide(session, actor, distribution_id, DistributionEvent.REJECT, opinion=opinion, now=now)


def _decide(
    session: orm.Session,
    actor: Actor,
    distribution_id: UUID,
    event: DistributionEvent,
    *,
    opinion: str,
    now: datetime,
) -> SecondDistribution:
    distribution = _locked(session, actor, distribution_id)
    status = after(distribution.status, event, machine="second_distribution")
    if actor.member_id == distribution.made_by or actor.organisation_id == distribution.collective_id:
        raise FourEyesError(rule="second_distribution")
    distribution.status = status
    distribution.decided_by, distribution.decided_at, distribution.opinion = actor.member_id, now, opinion
    session.flush()
    return distribution


def _locked(session: orm.Session, actor: Actor, distribution_id: UUID) -> SecondDistribution:
    """Return one that the actor may see, locked until the commit; raises `NotFoundError`."""
    visible = collective_queries.visible_second_distributions(actor).where(SecondDistribution.id == distribution_id)
    distribution = session.scalar(visible.with_for_update())
    if distribution is None:
        raise NotFoundError(what="second_distribution")
    return distribution


_ITEMS = sa.text(
    """
    INSERT INTO second_distribution_items (distribution_id, position, household_id, weight, fen, assisted, excluded)
    SELECT :distribution, i.position, i.household_id, i.weight, i.fen, i.assisted, i.excluded
      FROM unnest(CAST(:positions AS int[]), CAST(:households AS uuid[]), CAST(:weights AS bigint[]),
                  CAST(:fens AS bigint[]), CAST(:assisted AS boolean[]), CAST(:excluded AS text[]))
           AS i (position, household_id, weight, fen, assisted, excluded)
    """
)


def _write_items(session: orm.Session, distribution_id: UUID, items: Sequence[Item]) -> None:
    """Write a list in one statement, however long it is."""
    columns = {
        "positions": array(range(len(items))),
        "households": array(item.payee_id for item in items),
        "weights": array(item.weight for item in items),
        "fens": array(item.fen for item in items),
        "assisted": array(item.assisted for item in items),
        "excluded": array(item.excluded for item in items),
    }
    session.execute(_ITEMS, {"distribution": distribution_id, **columns})


def confirm(
    session: orm.Session, actor: Actor, *, distribution_id: UUID, on: date, now: datetime
) -> SecondDistribution:
    """Record, for the households, that they have what their collective gave them: what of it still stands is confirmed.

    What fell with returned goods since is an advance: what it has claimed is confirmed with it, what it claims later at
    once. Raises `NotFoundError`, `SecondNotApprovedError` or `SecondConfirmedError`; posts one entry.
    """
    distribution = _locked(session, actor, distribution_id)
    if distribution.status is not DistributionStatus.APPROVED:
        raise SecondNotApprovedError
    if distribution.confirmed_at:
        raise SecondConfirmedError
    distribution.confirmed_at, distribution.confirmed_by = now, actor.member_id
    session.flush()
    supplier_id = distribution.supplier_id
    lock_supplier(session, supplier_id)
    standing = collective_queries.unconfirmed(session, distribution_id)
    moves = [
        posting.Move(
            posting.account(found.share, supplier_id, Step.DISBURSED),
            posting.account(found.share, supplier_id, Step.CONFIRMED),
            found.fen,
            found.share,
            found.order_line_id,
            found.payment_id,
        )
        for found in standing
    ]
    source = f"second_confirmation:{distribution_id}"
    day = max([on, *(found.since for found in standing)])
    facts = {"second_distribution": distribution_id}
    posting.post(session, [posting.Draft(source, "confirmation", day, moves, facts)])
    listed = collective_queries.second_items_of(session, distribution_id)
    about = [(item.payee_id, distribution_id) for item in listed if item.fen and not item.excluded]
    proxies.record(session, actor, deed=Deed.SECOND_CONFIRMED, about=about, evidence=_CONFIRMED, now=now)
    return distribution
