"""What a village clerk does in a household's place: written down each time, with what shows it, and never changed."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import new_id
from market.households.models import ProxyAct
from market.households.rules import Deed, check_says_no_number
from market.identity.rules import Actor, Role


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
