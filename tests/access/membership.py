"""How the lines of the matrix about organisations, members and their keys are asked for."""

from uuid import UUID

import sqlalchemy as sa

from market.db import Database
from market.identity.models import Member
from market.payments.gateway import Gateway
from tests import factories
from tests.access.ask import Ask, Asked, item, said, thing
from tests.access.places import LOGIN


def _new_again(db: Database, _: Gateway, asked: Asked) -> None:
    """Let the member be one whom nobody admitted yet."""
    with db.transaction() as session:
        session.execute(sa.update(Member).where(Member.id == UUID(_member(asked))).values(admitted_at=None))


def _member(asked: Asked) -> str:
    return asked.place.buyer_member if asked.role.startswith("buyer") else asked.place.supplier_member


def _organisation(asked: Asked) -> str:
    return asked.place.buyer if asked.role.startswith("buyer") else asked.place.supplier


NEWCOMER = said(login="newcomer", password=factories.PASSWORD, role="supplier_clerk")

MEMBERSHIP: dict[str, Ask] = {
    "POST /v1/tokens": Ask(body=said(login=LOGIN, password=factories.PASSWORD)),
    "DELETE /v1/tokens/current": Ask(),
    "GET /v1/me": Ask(),
    "PUT /v1/me/password unknown old password": Ask(
        body=said(old_password="guessed", new_password="known to me alone")
    ),
    "POST /v1/organisations": Ask(body=said(kind="school", name="测试新校", region_code="141122")),
    "GET /v1/organisations organisations": Ask(_organisation, lists=item()),
    "GET /v1/organisations/{organisation_id} organisation": Ask(_organisation),
    "PATCH /v1/organisations/{organisation_id} organisation": Ask(_organisation, said(active=False), version=1),
    "POST /v1/organisations/{organisation_id}/members organisation": Ask(_organisation, NEWCOMER),
    "GET /v1/organisations/{organisation_id}/members organisation": Ask(_organisation),
    "GET /v1/members/{member_id} member": Ask(_member),
    "PATCH /v1/members/{member_id} member": Ask(_member, said(active=False), version=1),
    "POST /v1/members/{member_id}/admission member": Ask(_member, version=1, before=_new_again),
    "POST /v1/members/{member_id}/password-reset member": Ask(_member, said(password="known to two"), version=1),
    "POST /v1/api-keys": Ask(body=said(label="进销存系统", scopes=["self:read"], days=90)),
    "GET /v1/api-keys keys": Ask(thing("key"), lists=item()),
    "DELETE /v1/api-keys/{key_id} key": Ask(thing("key")),
}
