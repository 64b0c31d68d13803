"""What a village clerk does in a household's place: written down each time, with what shows it, and never changed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import new_id
from market.households.models import ProxyAct
from market.households.rules import Deed, check_says_no_number
from market.identity.rules import Actor, Role

DEED_WORDS: Mapping[Deed, tuple[str, str]] = {
    Deed.CONSENT_GIVEN: ("gave the household's consent", "代为登记同意"),
    Deed.CONSENT_WITHDRAWN: ("withdrew the household's consent", "代为撤回同意"),
    Deed.CODE_PRINTED: ("printed the code by which the household confirms a payment", "代为打印到账确认码"),
    Deed.PAYMENT_CONFIRMED: ("confirmed that the household has a payment", "代为确认到账"),
    Deed.ERASURE_REQUESTED: ("asked that the household's personal data be erased", "代为申请删除个人信息"),
    Deed.ENROLMENT_CONFIRMED: ("confirmed that the household takes part with a supplier", "代为确认参与联农带农"),
    Deed.SECOND_CONFIRMED: ("confirmed that the household has what its collective gave", "代为确认收到村集体分配款"),
    Deed.ITEM_RECORDED: ("entered what the household received or spent", "代为登记收支"),
    Deed.ITEM_REVERSED: ("took back what was entered of the household's account", "代为冲销收支"),
    Deed.BASELINE_STATED: ("stated what a figure of the household was before", "代为申报增收基期"),
}


def record(
    session: orm.Session,
    actor: Actor,
    *,
    deed: Deed,
    about: Iterable[tuple[UUID, UUID | None]],
    evidence: str,
    now: datetime,
) -> None:
    """Write down that the actor did this for households; one statement for any number of them.

    `about` are households, each with the id of what was done (the payment that was confirmed, say). The caller has
    found the households within the actor's scope. Whoever is no village clerk acts by office, not in a household's
    place, and nothing is written. Raises `NumberInTextError`.
    """
    if actor.role is not Role.VILLAGE_CLERK:
        return
    check_says_no_number(evidence, pointer="/evidence")
    acts = [
        {
            "id": new_id(),
            "household_id": household_id,
            "deed": deed,
            "about_id": about_id,
            "evidence": evidence,
            "member_id": actor.member_id,
            "acting_for": actor.organisation_id,
            "acted_at": now,
        }
        for household_id, about_id in about
    ]
    if acts:
        session.execute(sa.insert(ProxyAct), acts)
