"""Roles, sides and keys."""

from uuid import UUID

import pytest

from market.errors import ForbiddenError
from market.identity.rules import (
    POLICY,
    ROLES_OF,
    SIDE_OF,
    Actor,
    KeyScopeError,
    OrganisationKind,
    Permission,
    Role,
    RoleNotOfKindError,
    Scope,
    Side,
    check_key_scopes,
    check_role,
    permissions_of,
    scope_of,
)


def test_every_kind_stands_on_one_side_and_every_role_belongs_to_one() -> None:
    assert set(SIDE_OF) == set(OrganisationKind)
    assert sorted(role for roles in ROLES_OF.values() for role in roles) == sorted(Role)
    assert set(ROLES_OF) == set(Side)


@pytest.mark.parametrize("kind", OrganisationKind)
@pytest.mark.parametrize("role", Role)
def test_a_role_is_given_only_on_its_own_side(kind: OrganisationKind, role: Role) -> None:
    if role in ROLES_OF[SIDE_OF[kind]]:
        check_role(kind, role)
    else:
        with pytest.raises(RoleNotOfKindError):
            check_role(kind, role)


def test_a_key_narrows_what_its_maker_may_do_and_never_widens_it() -> None:
    key = frozenset({"product:read", "order:place"})
    assert scope_of(Role.SUPPLIER_CLERK, Permission.PRODUCT_READ, key) is Scope.ALL
    with pytest.raises(ForbiddenError):
        scope_of(Role.SUPPLIER_CLERK, Permission.PRODUCT_WRITE, key)
    with pytest.raises(ForbiddenError):
        scope_of(Role.SUPPLIER_CLERK, Permission.ORDER_PLACE, key)
    assert permissions_of(Role.SUPPLIER_CLERK, key) == [(Permission.PRODUCT_READ, Scope.ALL)]


@pytest.mark.parametrize("role", Role)
def test_what_a_person_may_do_is_their_column_of_the_table(role: Role) -> None:
    assert dict(permissions_of(role, None)) == {
        permission: scopes[role] for permission, scopes in POLICY.items() if role in scopes
    }


def test_no_key_begets_another() -> None:
    check_key_scopes(Role.OPERATOR, [Permission.REGION_WRITE])
    for refused in (Permission.API_KEY_WRITE, Permission.ORDER_PLACE):
        with pytest.raises(KeyScopeError) as refusal:
            check_key_scopes(Role.OPERATOR, [Permission.REGION_WRITE, refused])
        assert refusal.value.facts == {"permission": refused.value}


@pytest.mark.parametrize(
    ("kind", "role", "side"),
    [
        (OrganisationKind.COOPERATIVE, Role.SUPPLIER_CLERK, Side.SUPPLIER),
        (OrganisationKind.VILLAGE_COLLECTIVE, Role.SUPPLIER_MANAGER, Side.SUPPLIER),
        (OrganisationKind.SCHOOL, Role.BUYER_CLERK, Side.BUYER),
        (OrganisationKind.VILLAGE_OFFICE, Role.VILLAGE_CLERK, Side.AUTHORITY),
        (OrganisationKind.AUDIT_OFFICE, Role.AUDITOR, Side.AUDITOR),
        (OrganisationKind.PLATFORM, Role.OPERATOR, Side.OPERATOR),
    ],
)
def test_an_actor_stands_on_the_side_of_its_organisation(kind: OrganisationKind, role: Role, side: Side) -> None:
    assert Actor(UUID(int=1), UUID(int=2), kind, role, "141122", Scope.OWN).side is side
