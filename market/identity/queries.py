"""Which organisations, members and keys an actor may see, and the pages of them."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import within
from market.identity.models import Credential, Member, Organisation
from market.identity.rules import SIDE_OF, Actor, OrganisationKind, Scope, Side


def visible_organisations(actor: Actor) -> sa.Select[Organisation]:
    """Return the organisations within the actor's scope."""
    organisations = sa.select(Organisation)
    match actor.scope:
        case Scope.OWN:
            return organisations.where(Organisation.id == actor.organisation_id)
        case Scope.REGION:
            return organisations.where(within(Organisation.region_code, actor.region_code))
        case Scope.ALL:
            return organisations


def visible_members(actor: Actor) -> sa.Select[Member]:
    """Return the members of the organisations within the actor's scope."""
    seen = visible_organisations(actor).with_only_columns(Organisation.id)
    return sa.select(Member).where(Member.organisation_id.in_(seen))


def visible_keys(actor: Actor) -> sa.Select[Credential]:
    """Return the actor's own API keys; nobody sees another's."""
    return sa.select(Credential).where(Credential.member_id == actor.member_id, Credential.label.is_not(None))


def find_organisations(
    session: orm.Session,
    actor: Actor,
    *,
    kind: OrganisationKind | None,
    side: Side | None,
    region_code: str | None,
    name_prefix: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Organisation]:
    """Return the organisations of a kind, a side, a region and below it, in the order of their registration."""
    found = visible_organisations(actor).order_by(Organisation.id).limit(limit)
    if kind is not None:
        found = found.where(Organisation.kind == kind)
    if side is not None:
        found = found.where(Organisation.kind.in_([kind for kind in OrganisationKind if SIDE_OF[kind] is side]))
    if region_code is not None:
        found = found.where(within(Organisation.region_code, region_code))
    if name_prefix is not None:
        found = found.where(Organisation.name.startswith(name_prefix, autoescape=True))
    if after is not None:
        found = found.where(Organisation.id > after)
    return session.scalars(found).all()


def find_members(
    session: orm.Session, actor: Actor, *, organisation_id: UUID, after: UUID | None, limit: int
) -> Sequence[Member]:
    """Return the members of one organisation, in the order in which they were added."""
    found = visible_members(actor).where(Member.organisation_id == organisation_id)
    if after is not None:
        found = found.where(Member.id > after)
    return session.scalars(found.order_by(Member.id).limit(limit)).all()


def find_keys(session: orm.Session, actor: Actor, *, after: UUID | None, limit: int) -> Sequence[Credential]:
    """Return the actor's API keys, revoked and expired ones too, in the order in which they were made."""
    found = visible_keys(actor)
    if after is not None:
        found = found.where(Credential.id > after)
    return session.scalars(found.order_by(Credential.id).limit(limit)).all()
