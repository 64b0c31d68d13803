"""Disbursing: a supplier pays households and collectives, with evidence; their village confirms."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import matching, posting, queries
from market.attribution.matching import lock_supplier
from market.attribution.models import Disbursement, Payment
from market.attribution.rules import (
    PAID_STEP,
    AlreadyConfirmedError,
    ForeignContributionError,
    Kind,
    Owed,
    PayeeWithoutTieError,
    PaymentOrder,
    PaymentReferenceTakenError,
    Settlement,
    Share,
    Step,
    pay,
)
from market.benefits import service as benefits
from market.benefits.queries import code_known_to
from market.benefits.rules import MECHANISMS, Payee
from market.db import new_id
from market.errors import InvalidInputError, NotFoundError, named
from market.identifiers import reference_key
from market.identity.models import Organisation
from market.identity.rules import Actor
from market.lots.models import Contribution, Lot
from market.lots.rules import LotStatus


def predict(session: orm.Session, actor: Actor, *, paid_on: date, payments: Sequence[PaymentOrder]) -> list[Settlement]:
    """Return what the payments would settle; writes nothing. Raises what `disburse` raises."""
    _check(session, actor.organisation_id, payments)
    _check_day(session, actor.organisation_id, paid_on)
    return _settle(session, actor.organisation_id, payments)


def disburse(
    session: orm.Session,
    actor: Actor,
    *,
    paid_on: date,
    method: str,
    evidence: str,
    payments: Sequence[PaymentOrder],
    now: datetime,
) -> tuple[Disbursement, list[Payment], list[Settlement]]:
    """Record payments made: each settles what its payee is owed, oldest first; the rest is an advance.

    Raises `PayeeWithoutTieError`, `ForeignContributionError`, `PaymentReferenceTakenError` or `InvalidInputError`
    (the day); posts one entry.
    """
    supplier_id = actor.organisation_id
    lock_supplier(session, supplier_id)
    _check(session, supplier_id, payments)
    _check_day(session, supplier_id, paid_on)
    settlements = _settle(session, supplier_id, payments)
    disbursement = Disbursement(
        id=new_id(),
        supplier_id=supplier_id,
        paid_on=paid_on,
        method=method,
        evidence=evidence,
        made_by=actor.member_id,
        made_at=now,
    )
    session.add(disbursement)
    session.flush()
    rows = [_row(disbursement, payment) for payment in payments]
    session.add_all(rows)
    session.flush()
    posting.post(session, _drafts(disbursement, rows, settlements))
    return disbursement, rows, settlements


def _row(disbursement: Disbursement, payment: PaymentOrder) -> Payment:
    is_household = payment.kind is Kind.HOUSEHOLD
    return Payment(
        id=new_id(),
        disbursement_id=disbursement.id,
        supplier_id=disbursement.supplier_id,
        household_id=payment.payee_id if is_household else None,
        collective_id=None if is_household else payment.payee_id,
        contribution_id=payment.contribution_id,
        amount_fen=payment.amount_fen,
        reference=payment.reference,
        reference_key=reference_key(payment.reference),
    )


def _check(session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder]) -> None:
    """Refuse strangers, contributions of other households, and references used before."""
    households = {payment.payee_id for payment in payments if payment.kind is Kind.HOUSEHOLD}
    known = {
        Kind.HOUSEHOLD: set(benefits.enrolled(session, supplier_id, households)),
        Kind.COLLECTIVE: _collectives(session, supplier_id, payments),
    }
    makers = _makers(session, supplier_id, {payment.contribution_id for payment in payments} - {None})
    used = set(
        session.scalars(
            sa.select(Payment.reference_key).where(
                Payment.supplier_id == supplier_id,
                Payment.reference_key.in_([reference_key(payment.reference) for payment in payments]),
            )
        )
    )
    for position, payment in enumerate(payments):
        pointer = f"/payments/{position}"
        if payment.payee_id not in known[payment.kind]:
            name = _name_of(session, supplier_id, payment)
            raise PayeeWithoutTieError(payee=named(name), pointer=f"{pointer}/payee_id")
        if payment.contribution_id and makers.get(payment.contribution_id) != payment.payee_id:
            raise ForeignContributionError(pointer=f"{pointer}/contribution_id")
        key = reference_key(payment.reference)
        if key in used:
            raise PaymentReferenceTakenError(reference=payment.reference, pointer=f"{pointer}/reference")
        used.add(key)


_BEGAN_ON = sa.text(
    """
    SELECT least((SELECT min(v.valid_from) FROM plans p JOIN plan_versions v ON v.plan_id = p.id
                   WHERE p.supplier_id = :supplier AND v.status = 'approved'),
                 (SELECT min(c.delivered_on) FROM lots l JOIN contributions c ON c.lot_id = l.id
                   WHERE l.supplier_id = :supplier AND l.status <> 'discarded'))
    """
)


def _check_day(session: orm.Session, supplier_id: UUID, paid_on: date) -> None:
    """Refuse a day before anybody could be paid: before the first plan in force and the first delivery alike."""
    began_on = session.scalar(_BEGAN_ON, {"supplier": supplier_id})
    if began_on is not None and paid_on < began_on:
        reason = f"nobody was owed anything before {began_on}"
        raise InvalidInputError(reason, f"早于首个带农方案生效日及首次交货日({began_on})", pointer="/paid_on")


def _name_of(session: orm.Session, supplier_id: UUID, payment: PaymentOrder) -> str | None:
    """Return what the supplier may know a payee by: a household's code, an organisation's name."""
    if payment.kind is Kind.HOUSEHOLD:
        return code_known_to(session, supplier_id, payment.payee_id)
    return session.scalar(sa.select(Organisation.name).where(Organisation.id == payment.payee_id))


_COLLECTIVES = sa.text(
    """
    SELECT DISTINCT CAST(share ->> 0 AS uuid)
      FROM plans p
      JOIN plan_versions v ON v.plan_id = p.id AND v.status = 'approved'
      CROSS JOIN LATERAL jsonb_array_elements(v.body -> 'pools') AS pool
      CROSS JOIN LATERAL jsonb_array_elements(pool -> 'shares') AS share
     WHERE p.supplier_id = :supplier AND pool ->> 'mechanism' = ANY(:mechanisms)
    """
)


def _collectives(session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder]) -> set[UUID]:
    """Return the collectives that share in a pool of one of the supplier's approved plans."""
    if all(payment.kind is not Kind.COLLECTIVE for payment in payments):
        return set()
    mechanisms = [code.value for code, terms in MECHANISMS.items() if terms.payee is Payee.COLLECTIVE]
    return set(session.scalars(_COLLECTIVES, {"supplier": supplier_id, "mechanisms": mechanisms}))


def _makers(session: orm.Session, supplier_id: UUID, contribution_ids: Collection[UUID | None]) -> Mapping[UUID, UUID]:
    """Return the household of each contribution to the supplier's lots."""
    if not contribution_ids:
        return {}
    found = (
        sa.select(Contribution.id, Contribution.household_id)
        .join(Lot, Lot.id == Contribution.lot_id)
        .where(Contribution.id.in_(contribution_ids), Lot.supplier_id == supplier_id, Lot.status != LotStatus.DISCARDED)
    )
    return {row.id: row.household_id for row in session.execute(found)}


def _settle(session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder]) -> list[Settlement]:
    """Let each payment in turn settle what is still owed to its payee."""
    owed: dict[tuple[Kind, UUID], list[Owed]] = defaultdict(list)
    for item in queries.owed(session, supplier_id, {payment.payee_id for payment in payments}):
        owed[item.share.kind, item.share.owner_id].append(item)
    settlements: list[Settlement] = []
    for payment in payments:
        payee = (payment.kind, payment.payee_id)
        settled, left = pay(owed[payee], payment.amount_fen, contribution_id=payment.contribution_id)
        owed[payee] = _less(owed[payee], settled)
        settlements.append(Settlement(payment, settled, left))
    return settlements


def _less(owed: Sequence[Owed], settled: Sequence[Owed]) -> list[Owed]:
    paid = {item[:3]: item.fen for item in settled}
    rest = (item._replace(fen=item.fen - paid.get(item[:3], 0)) for item in owed)
    return [item for item in rest if item.fen]


def _drafts(
    disbursement: Disbursement, rows: Sequence[Payment], settlements: Sequence[Settlement]
) -> list[posting.Draft]:
    """Return an entry of the day of payment, and one for each later day on which a settled share was recognised.

    What was paid before it was recognised was an advance in between, and is posted so.
    """
    supplier_id, paid_on = disbursement.supplier_id, disbursement.paid_on
    source = f"disbursement:{disbursement.id}"
    paid: list[posting.Move] = []
    matched: dict[date, list[posting.Move]] = defaultdict(list)
    for row, settlement in zip(rows, settlements, strict=True):
        ahead_fen = settlement.advance_fen
        for item in settlement.settled:
            moves = matched[item.since] if item.since > paid_on else paid
            moves.append(_settles(item, supplier_id, row.id))
            if item.since > paid_on:
                ahead_fen += item.fen
                moves.append(_ahead(settlement.payment, supplier_id, -item.fen, row.id))
        if ahead_fen:
            paid.append(_ahead(settlement.payment, supplier_id, ahead_fen, row.id))
    facts = {"disbursement": disbursement.id, "payments": len(rows)}
    return [posting.Draft(source, "disbursement", paid_on, paid, facts), *matching.drafts(source, matched)]


def _settles(item: Owed, supplier_id: UUID, payment_id: UUID) -> posting.Move:
    source = posting.account(item.share, supplier_id, item.step)
    target = posting.account(item.share, supplier_id, PAID_STEP[item.step])
    return posting.Move(source, target, item.fen, item.share, item.order_line_id, payment_id)


def _ahead(payment: PaymentOrder, supplier_id: UUID, fen: int, payment_id: UUID) -> posting.Move:
    """Return the move that adds to (or with a negative amount takes from) the payee's advance."""
    share = Share(payment.kind, payment.payee_id, None, payment.contribution_id)
    ahead, source = posting.account(share, supplier_id, Step.ADVANCE), posting.paid_ahead(supplier_id)
    debit, credit = (source, ahead) if fen > 0 else (ahead, source)
    return posting.Move(debit, credit, abs(fen), share, None, payment_id)


def confirm(
    session: orm.Session, actor: Actor, *, payment_ids: Sequence[UUID], on: date, now: datetime
) -> list[Payment]:
    """Record that payees have the money: what the payments disbursed becomes confirmed; later matches follow.

    Raises `NotFoundError` or `AlreadyConfirmedError`; posts one entry a supplier.
    """
    visible = queries.visible_payments(actor).where(Payment.id.in_(payment_ids)).order_by(Payment.id)
    payments = list(session.scalars(visible.with_for_update(of=Payment)))
    if len(payments) < len(set(payment_ids)):
        raise NotFoundError(what="payment", pointer="/payment_ids")
    if any(payment.confirmed_at for payment in payments):
        raise AlreadyConfirmedError(pointer="/payment_ids")
    for payment in payments:
        payment.confirmed_at, payment.confirmed_by = now, actor.member_id
    session.flush()
    suppliers = sorted({payment.supplier_id for payment in payments})
    for supplier_id in suppliers:
        lock_supplier(session, supplier_id)
    for supplier_id in suppliers:
        own = [payment.id for payment in payments if payment.supplier_id == supplier_id]
        _confirm(session, supplier_id, own, on)
    return payments


def _confirm(session: orm.Session, supplier_id: UUID, payment_ids: Sequence[UUID], on: date) -> None:
    disbursed = queries.disbursed_by(session, payment_ids)
    moves = [
        posting.Move(
            posting.account(item.share, supplier_id, Step.DISBURSED),
            posting.account(item.share, supplier_id, Step.CONFIRMED),
            item.fen,
            item.share,
            item.order_line_id,
            payment_id,
        )
        for payment_id, item in disbursed
    ]
    source = f"confirmation:{min(payment_ids)}"
    day = max([on, *(item.since for _, item in disbursed)])
    posting.post(session, [posting.Draft(source, "confirmation", day, moves, {"payments": list(payment_ids)})])
