"""Who may do what: the permission table against one written independently, and the start-up check of the routes."""

from typing import Annotated

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from market import app as composition
from market.app import create_app
from market.db import Database
from market.errors import ForbiddenError
from market.identity.access import Caller, UndeclaredRouteError, public, requires
from market.identity.rules import Permission, Role, Scope, scope_of

ROLES = [
    "supplier_clerk",
    "supplier_manager",
    "buyer_clerk",
    "buyer_receiver",
    "township_reviewer",
    "trade_reviewer",
    "county_reviewer",
    "village_clerk",
    "finance_officer",
    "auditor",
    "operator",
]

# A letter for each role in the order above: o its own organisation, r its region, a all, - not at all.
EXPECTED = {
    "self:read": "ooooooooooo",
    "password:write": "ooooooooooo",
    "organisation:read": "aaaaaaaaaaa",
    "organisation:write": "----------a",
    "member:read": "-oo------aa",
    "member:write": "----------a",
    "member:admit": "---------aa",
    "api_key:write": "ooooooooooo",
    "region:read": "aaaaaaaaaaa",
    "region:write": "----------a",
    "channel:read": "aaaaaaaaaaa",
    "channel:write": "----------a",
    "household:read": "oo----rr-a-",
    "household:write": "------r----",
    "person:write": "------r----",
    "person:reveal": "-o----rr-a-",
    "person:search": "------rr-a-",
    "person:erase": "------rr---",
    "consent:write": "------rr---",
    "personal_data_access:read": "---------a-",
    "account:read": "------rr-a-",
    "account:write": "------rr---",
    "account:check": "------r----",
    "monitoring:read": "------r--a-",
    "monitoring:write": "----------a",
    "register:read": "oo----r--a-",
    "register:write": "oo---------",
    "register:approve": "------r----",
    "distribution:read": "oo----rr-a-",
    "distribution:write": "oo---------",
    "distribution:approve": "------r----",
    "annulment:read": "oo----rr-a-",
    "annulment:write": "-o----r--a-",
    "annulment:approve": "------r----",
    "enrolment:write": "oo---------",
    "enrolment:confirm": "-------r---",
    "plan:read": "oo----r--a-",
    "plan:write": "oo---------",
    "plan:simulate": "oo----r----",
    "plan:approve": "------r----",
    "application:read": "oo--rrr--aa",
    "application:write": "oo---------",
    "application:review": "----rrr----",
    "objection:write": "aaaaaaaaaaa",
    "objection:settle": "------r----",
    "batch:write": "------r----",
    "certificate:read": "aaaaaaaaaaa",
    "certificate:write": "------r----",
    "product:read": "aaaaaaaaaaa",
    "product:write": "oo---------",
    "category:write": "----------a",
    "lot:read": "oo----r--a-",
    "lot:write": "oo---------",
    "lot:open": "-o---------",
    "baseline:confirm": "------r----",
    "order:read": "oooo--r-raa",
    "order:place": "--o--------",
    "order:confirm": "oo---------",
    "order:ship": "oo---------",
    "order:accept": "---o-------",
    "order:cancel": "ooo--------",
    "order:return": "---o-------",
    "order:cut_price": "-o---------",
    "order:agree_price_cut": "---o-------",
    "online_payment:read": "--oo-----aa",
    "online_payment:write": "--o--------",
    "provider_account:read": "oo--------o",
    "provider_account:write": "-o---------",
    "refund:read": "oooo--r-raa",
    "refund:request": "ooo-------a",
    "refund:send": "oo--------a",
    "receipt:read": "oooo--r-raa",
    "receipt:write": "oo---------",
    "bank:read": "oo-------aa",
    "bank:write": "oo--------o",
    "bank_account:write": "-o--------o",
    "bank_account:confirm": "----------a",
    "disbursement:read": "oo----rr-a-",
    "disbursement:write": "oo---------",
    "disbursement:confirm": "-------r---",
    "disbursement:countersign": "oo-----r---",
    "evidence:write": "oo-----r---",
    "payment_terms:write": "------r----",
    "statement:read": "oo----rr-a-",
    "settlement:read": "oo-------aa",
    "settlement:write": "----------a",
    "cash:read": "---------aa",
    "audit:read": "---------a-",
    "report:read": "oooo--r-raa",
    "period:close": "---------a-",
}
SCOPES = {"o": Scope.OWN, "r": Scope.REGION, "a": Scope.ALL}


def test_the_table_written_here_names_every_role_and_every_permission() -> None:
    assert set(ROLES) == {role.value for role in Role}
    assert set(EXPECTED) == {permission.value for permission in Permission}
    assert {len(row) for row in EXPECTED.values()} == {len(ROLES)}


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_the_table_written_here_says_and_nothing_else(role: Role, permission: Permission) -> None:
    letter = EXPECTED[permission.value][ROLES.index(role.value)]
    if letter == "-":
        with pytest.raises(ForbiddenError):
            scope_of(role, permission, None)
    else:
        assert scope_of(role, permission, None) is SCOPES[letter]


def start_with(monkeypatch: pytest.MonkeyPatch, db: Database, router: APIRouter) -> TestClient:
    monkeypatch.setattr(composition, "ROUTERS", (router,))
    return TestClient(create_app(db))


def test_the_market_does_not_open_with_a_route_that_declares_no_permission(
    monkeypatch: pytest.MonkeyPatch, db: Database
) -> None:
    router = APIRouter(prefix="/v1")
    router.get("/unguarded")(lambda: None)
    with pytest.raises(UndeclaredRouteError, match=r"GET.*/v1/unguarded declares 0"):
        start_with(monkeypatch, db, router)


def test_a_route_of_a_router_inside_a_router_must_declare_its_permission_too(
    monkeypatch: pytest.MonkeyPatch, db: Database
) -> None:
    inner, outer = APIRouter(), APIRouter(prefix="/v1")
    inner.get("/unguarded")(lambda: None)
    outer.include_router(inner, prefix="/inner")
    with pytest.raises(UndeclaredRouteError, match="/v1/inner/unguarded"):
        start_with(monkeypatch, db, outer)


def test_the_market_does_not_open_with_a_route_that_declares_two_permissions(
    monkeypatch: pytest.MonkeyPatch, db: Database
) -> None:
    router = APIRouter()

    @router.get("/torn")
    def torn(
        _: Annotated[Caller, requires(Permission.SELF_READ)], __: Annotated[Caller, requires(Permission.AUDIT_READ)]
    ) -> None:
        pass

    with pytest.raises(UndeclaredRouteError, match="declares 2"):
        start_with(monkeypatch, db, router)


def test_a_route_cannot_be_public_and_guarded_at_once(monkeypatch: pytest.MonkeyPatch, db: Database) -> None:
    router = APIRouter()

    @router.get("/torn", dependencies=[public()])
    def torn(_: Annotated[Caller, requires(Permission.SELF_READ)]) -> None:
        pass

    with pytest.raises(UndeclaredRouteError, match="declares 2"):
        start_with(monkeypatch, db, router)


def test_a_public_route_is_open_to_anyone(monkeypatch: pytest.MonkeyPatch, db: Database) -> None:
    router = APIRouter(prefix="/v1")
    router.get("/open", dependencies=[public()])(lambda: "open")
    assert start_with(monkeypatch, db, router).get("/v1/open").json() == "open"
