"""Cash: one person writes the list, another puts a name to the money having been handed over; only then it counts."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import orm

from market.attribution import disbursing, pay_lists, queries
from market.attribution import evidence as evidence_files
from market.attribution.models import Disbursement
from market.attribution.paying import ListEvent, Method
from market.errors import FourEyesError, NotFoundError, TransitionError
from market.identity.rules import Actor, Scope


def countersign(
    session: orm.Session, actor: Actor, *, pay_list_id: UUID, evidence_ids: Collection[UUID], now: datetime
) -> Disbursement:
    """Witness that the cash of a list was handed over: it becomes a disbursement, and posts.

    The witness is another member of the supplier, or the clerk of the village in which all its payees live. Raises
    `NotFoundError`, `FourEyesError` for who wrote the list, `TransitionError` or `EvidenceUsedError`.
    """
    pay_list = pay_lists.find(session, actor, pay_list_id, lock=True)
    if actor.scope is not Scope.OWN and session.scalars(queries.payees_elsewhere(actor, pay_list.id)).first():
        raise NotFoundError(what="pay_list")
    if actor.member_id == pay_list.made_by:
        raise FourEyesError(rule="cash_payment")
    if pay_list.paid_on is None:  # the bank answers for the others
        raise TransitionError(machine="pay_list", status=pay_list.status, event=ListEvent.COUNTERSIGN)
    pay_lists.move(pay_list, ListEvent.COUNTERSIGN)
    lines = pay_lists.lines_of(session, pay_list)
    disbursement, payments, _ = disbursing.record(
        session,
        disbursing.Batch(
            supplier_id=pay_list.supplier_id,
            made_by=pay_list.made_by,
            made_at=now,
            paid_on=pay_list.paid_on,
            method=Method.CASH,
            evidence=pay_list.evidence,
            payments=[pay_lists.order_of(line) for line in lines],
            countersigned_by=actor.member_id,
        ),
    )
    pay_lists.mark_paid(lines, payments)
    evidence_files.use(session, actor, evidence_ids, now=now, disbursement_id=disbursement.id)
    session.flush()
    return disbursement
