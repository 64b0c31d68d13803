"""Enrolment of households: the supplier says who takes part, the household's village confirms it."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.benefits.models import Enrolment
from market.benefits.queries import visible_enrolments
from market.errors import FourEyesError, NotFoundError
from market.households import proxies
from market.households.models import Household
from market.households.rules import Deed
from market.identity.rules import Actor

_CONFIRMED = "代办员确认农户参与"
"""What shows the act: the confirmation itself."""


def enrol(session: orm.Session, actor: Actor, *, household_codes: Sequence[str], on: date) -> list[Enrolment]:
    """Propose households to take part with the actor's organisation; one that already does is left as it is.

    The supplier names them by the code on their papers: it sees a household only once its village has confirmed.
    Only households of its own county: for a stranger the register has nobody. Raises `NotFoundError`, pointing at
    the code.
    """
    register = {
        household.code: household
        for household in session.scalars(sa.select(Household).where(Household.code.in_(household_codes)))
    }
    for index, code in enumerate(household_codes):
        _check_present(register.get(code), actor, on, f"/household_codes/{index}")
    household_ids = sorted(household.id for household in register.values())
    proposed = [
        {
            "supplier_id": actor.organisation_id,
            "household_id": household_id,
            "enrolled_on": on,
            "enrolled_by": actor.member_id,
        }
        for household_id in household_ids
    ]
    session.execute(postgresql.insert(Enrolment).on_conflict_do_nothing(), proposed)
    return list(
        session.scalars(
            sa.select(Enrolment)
            .where(Enrolment.supplier_id == actor.organisation_id, Enrolment.household_id.in_(household_ids))
            .order_by(Enrolment.household_id)
        )
    )


def _check_present(household: Household | None, actor: Actor, on: date, pointer: str) -> None:
    """Refuse unknown, departed and foreign households alike, so that the answer tells nothing of the register."""
    known = household is not None and household.village_code.startswith(actor.region_code[:6])
    if not known or (household is not None and household.departed_on is not None and household.departed_on <= on):
        raise NotFoundError(what="household", pointer=pointer)


def confirm_enrolments(
    session: orm.Session, actor: Actor, *, supplier_id: UUID, household_ids: Sequence[UUID], now: datetime
) -> list[Enrolment]:
    """Confirm for households that they take part with a supplier; a confirmed one keeps its first signature.

    Raises `NotFoundError` for a household outside the clerk's village or never proposed, or `FourEyesError`.
    """
    if actor.organisation_id == supplier_id:
        raise FourEyesError(rule="enrolment")
    found = {
        enrolment.household_id: enrolment
        for enrolment in session.scalars(
            visible_enrolments(actor)
            .where(Enrolment.supplier_id == supplier_id, Enrolment.household_id.in_(household_ids))
            .order_by(Enrolment.household_id)
            .with_for_update()
        )
    }
    for index, household_id in enumerate(household_ids):
        if household_id not in found:
            raise NotFoundError(what="enrolment", pointer=f"/household_ids/{index}")
    open_yet = [enrolment for enrolment in found.values() if enrolment.confirmed_at is None]
    for enrolment in open_yet:
        enrolment.confirmed_by = actor.member_id
        enrolment.confirmed_at = now
    session.flush()
    about = [(enrolment.household_id, supplier_id) for enrolment in open_yet]
    proxies.record(session, actor, deed=Deed.ENROLMENT_CONFIRMED, about=about, evidence=_CONFIRMED, now=now)
    return list(found.values())
