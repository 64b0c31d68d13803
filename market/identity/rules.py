"""Kinds of organisation, roles, and the one permission table: role x permission → scope."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from market.errors import ForbiddenError, MarketError


class Side(StrEnum):
    """The side of the market on which an organisation stands (domain.md §2)."""

    SUPPLIER = "supplier"
    BUYER = "buyer"
    AUTHORITY = "authority"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class OrganisationKind(StrEnum):
    """Every kind of organisation in the market."""

    COOPERATIVE = "cooperative"
    AGRI_ENTERPRISE = "agri_enterprise"
    FAMILY_FARM = "family_farm"
    VILLAGE_COLLECTIVE = "village_collective"
    TRADING_AGENT = "trading_agent"
    BUDGET_UNIT = "budget_unit"
    SCHOOL = "school"
    HOSPITAL = "hospital"
    FIRM = "firm"
    TRADE_UNION = "trade_union"
    EXHIBITION_HALL = "exhibition_hall"
    SUPERMARKET = "supermarket"
    ONLINE_SHOP = "online_shop"
    SCENIC_AREA = "scenic_area"
    FAMILY = "family"
    CANTEEN_CONTRACTOR = "canteen_contractor"
    TOWNSHIP_GOVERNMENT = "township_government"
    AGRICULTURE_DEPARTMENT = "agriculture_department"
    REVITALISATION_DEPARTMENT = "revitalisation_department"
    FINANCE_DEPARTMENT = "finance_department"
    VILLAGE_OFFICE = "village_office"
    AUDIT_OFFICE = "audit_office"
    PLATFORM = "platform"


_K = OrganisationKind
_SUPPLIERS = (_K.COOPERATIVE, _K.AGRI_ENTERPRISE, _K.FAMILY_FARM, _K.VILLAGE_COLLECTIVE, _K.TRADING_AGENT)
_AUTHORITIES = (
    _K.TOWNSHIP_GOVERNMENT,
    _K.AGRICULTURE_DEPARTMENT,
    _K.REVITALISATION_DEPARTMENT,
    _K.FINANCE_DEPARTMENT,
    _K.VILLAGE_OFFICE,
)

SIDE_OF: Mapping[OrganisationKind, Side] = {
    **dict.fromkeys(OrganisationKind, Side.BUYER),
    **dict.fromkeys(_SUPPLIERS, Side.SUPPLIER),
    **dict.fromkeys(_AUTHORITIES, Side.AUTHORITY),
    _K.AUDIT_OFFICE: Side.AUDITOR,
    _K.PLATFORM: Side.OPERATOR,
}


class Role(StrEnum):
    """What a member does in an organisation; one role to a member."""

    SUPPLIER_CLERK = "supplier_clerk"
    SUPPLIER_MANAGER = "supplier_manager"
    BUYER_CLERK = "buyer_clerk"
    BUYER_RECEIVER = "buyer_receiver"
    TOWNSHIP_REVIEWER = "township_reviewer"
    TRADE_REVIEWER = "trade_reviewer"
    COUNTY_REVIEWER = "county_reviewer"
    VILLAGE_CLERK = "village_clerk"
    FINANCE_OFFICER = "finance_officer"
    AUDITOR = "auditor"
    OPERATOR = "operator"


ROLES_OF: Mapping[Side, frozenset[Role]] = {
    Side.SUPPLIER: frozenset({Role.SUPPLIER_CLERK, Role.SUPPLIER_MANAGER}),
    Side.BUYER: frozenset({Role.BUYER_CLERK, Role.BUYER_RECEIVER}),
    Side.AUTHORITY: frozenset(
        {
            Role.TOWNSHIP_REVIEWER,
            Role.TRADE_REVIEWER,
            Role.COUNTY_REVIEWER,
            Role.VILLAGE_CLERK,
            Role.FINANCE_OFFICER,
        }
    ),
    Side.AUDITOR: frozenset({Role.AUDITOR}),
    Side.OPERATOR: frozenset({Role.OPERATOR}),
}


class Scope(StrEnum):
    """How far a permission reaches: the member's organisation, its region, or everything."""

    OWN = "own"
    REGION = "region"
    ALL = "all"


class Permission(StrEnum):
    """Resource and action; every endpoint declares exactly one."""

    SELF_READ = "self:read"
    PASSWORD_WRITE = "password:write"  # noqa: S105 - a permission, no password
    ORGANISATION_READ = "organisation:read"
    ORGANISATION_WRITE = "organisation:write"
    MEMBER_READ = "member:read"
    MEMBER_WRITE = "member:write"
    MEMBER_ADMIT = "member:admit"
    API_KEY_WRITE = "api_key:write"
    REGION_READ = "region:read"
    REGION_WRITE = "region:write"
    CHANNEL_READ = "channel:read"
    CHANNEL_WRITE = "channel:write"
    HOUSEHOLD_READ = "household:read"
    HOUSEHOLD_WRITE = "household:write"
    PERSON_WRITE = "person:write"
    PERSON_REVEAL = "person:reveal"
    PERSON_SEARCH = "person:search"
    PERSON_ERASE = "person:erase"
    CONSENT_WRITE = "consent:write"
    PERSONAL_DATA_ACCESS_READ = "personal_data_access:read"
    ACCOUNT_READ = "account:read"
    ACCOUNT_WRITE = "account:write"
    ACCOUNT_CHECK = "account:check"
    MONITORING_READ = "monitoring:read"
    MONITORING_WRITE = "monitoring:write"
    ENROLMENT_WRITE = "enrolment:write"
    ENROLMENT_CONFIRM = "enrolment:confirm"
    PLAN_READ = "plan:read"
    PLAN_WRITE = "plan:write"
    PLAN_SIMULATE = "plan:simulate"
    PLAN_APPROVE = "plan:approve"
    REGISTER_READ = "register:read"
    REGISTER_WRITE = "register:write"
    REGISTER_APPROVE = "register:approve"
    APPLICATION_READ = "application:read"
    APPLICATION_WRITE = "application:write"
    APPLICATION_REVIEW = "application:review"
    OBJECTION_WRITE = "objection:write"
    OBJECTION_SETTLE = "objection:settle"
    BATCH_WRITE = "batch:write"
    CERTIFICATE_READ = "certificate:read"
    CERTIFICATE_WRITE = "certificate:write"
    PRODUCT_READ = "product:read"
    PRODUCT_WRITE = "product:write"
    CATEGORY_WRITE = "category:write"
    LOT_READ = "lot:read"
    LOT_WRITE = "lot:write"
    LOT_OPEN = "lot:open"
    BASELINE_CONFIRM = "baseline:confirm"
    ORDER_READ = "order:read"
    ORDER_PLACE = "order:place"
    ORDER_CONFIRM = "order:confirm"
    ORDER_SHIP = "order:ship"
    ORDER_ACCEPT = "order:accept"
    ORDER_CANCEL = "order:cancel"
    ORDER_RETURN = "order:return"
    ORDER_CUT_PRICE = "order:cut_price"
    ORDER_AGREE_PRICE_CUT = "order:agree_price_cut"
    ONLINE_PAYMENT_READ = "online_payment:read"
    ONLINE_PAYMENT_WRITE = "online_payment:write"
    PROVIDER_ACCOUNT_READ = "provider_account:read"
    PROVIDER_ACCOUNT_WRITE = "provider_account:write"
    REFUND_READ = "refund:read"
    REFUND_REQUEST = "refund:request"
    REFUND_SEND = "refund:send"
    RECEIPT_READ = "receipt:read"
    RECEIPT_WRITE = "receipt:write"
    BANK_READ = "bank:read"
    BANK_WRITE = "bank:write"
    BANK_ACCOUNT_WRITE = "bank_account:write"
    BANK_ACCOUNT_CONFIRM = "bank_account:confirm"
    DISBURSEMENT_READ = "disbursement:read"
    DISBURSEMENT_WRITE = "disbursement:write"
    DISBURSEMENT_CONFIRM = "disbursement:confirm"
    DISBURSEMENT_COUNTERSIGN = "disbursement:countersign"
    EVIDENCE_WRITE = "evidence:write"
    PAYMENT_TERMS_WRITE = "payment_terms:write"
    DISTRIBUTION_READ = "distribution:read"
    DISTRIBUTION_WRITE = "distribution:write"
    DISTRIBUTION_APPROVE = "distribution:approve"
    ANNULMENT_READ = "annulment:read"
    ANNULMENT_WRITE = "annulment:write"
    ANNULMENT_APPROVE = "annulment:approve"
    STATEMENT_READ = "statement:read"
    SETTLEMENT_READ = "settlement:read"
    SETTLEMENT_WRITE = "settlement:write"
    CASH_READ = "cash:read"
    AUDIT_READ = "audit:read"
    REPORT_READ = "report:read"
    PERIOD_CLOSE = "period:close"


_EVERYONE_ALL: Mapping[Role, Scope] = dict.fromkeys(Role, Scope.ALL)
_EVERYONE_OWN: Mapping[Role, Scope] = dict.fromkeys(Role, Scope.OWN)
_SUPPLIER_OWN = {Role.SUPPLIER_CLERK: Scope.OWN, Role.SUPPLIER_MANAGER: Scope.OWN}
_BUYER_OWN = {Role.BUYER_CLERK: Scope.OWN, Role.BUYER_RECEIVER: Scope.OWN}
_KEEPS_REGISTER = {Role.VILLAGE_CLERK: Scope.REGION, Role.COUNTY_REVIEWER: Scope.REGION}
_SEES_HOUSEHOLDS = {**_SUPPLIER_OWN, **_KEEPS_REGISTER, Role.AUDITOR: Scope.ALL}
_REVIEWERS = {
    Role.TOWNSHIP_REVIEWER: Scope.REGION,
    Role.TRADE_REVIEWER: Scope.REGION,
    Role.COUNTY_REVIEWER: Scope.REGION,
}
_OVERSEERS = {
    Role.COUNTY_REVIEWER: Scope.REGION,
    Role.FINANCE_OFFICER: Scope.REGION,
    Role.AUDITOR: Scope.ALL,
    Role.OPERATOR: Scope.ALL,
}

POLICY: Mapping[Permission, Mapping[Role, Scope]] = {
    Permission.SELF_READ: _EVERYONE_OWN,
    Permission.PASSWORD_WRITE: _EVERYONE_OWN,
    Permission.ORGANISATION_READ: _EVERYONE_ALL,
    Permission.ORGANISATION_WRITE: {Role.OPERATOR: Scope.ALL},
    Permission.MEMBER_READ: {
        Role.SUPPLIER_MANAGER: Scope.OWN,
        Role.BUYER_CLERK: Scope.OWN,
        Role.AUDITOR: Scope.ALL,
        Role.OPERATOR: Scope.ALL,
    },
    Permission.MEMBER_WRITE: {Role.OPERATOR: Scope.ALL},
    Permission.MEMBER_ADMIT: {Role.AUDITOR: Scope.ALL, Role.OPERATOR: Scope.ALL},
    Permission.API_KEY_WRITE: _EVERYONE_OWN,
    Permission.REGION_READ: _EVERYONE_ALL,
    Permission.REGION_WRITE: {Role.OPERATOR: Scope.ALL},
    Permission.CHANNEL_READ: _EVERYONE_ALL,
    Permission.CHANNEL_WRITE: {Role.OPERATOR: Scope.ALL},
    Permission.HOUSEHOLD_READ: _SEES_HOUSEHOLDS,
    Permission.HOUSEHOLD_WRITE: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.PERSON_WRITE: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.PERSON_REVEAL: {Role.SUPPLIER_MANAGER: Scope.OWN, **_KEEPS_REGISTER, Role.AUDITOR: Scope.ALL},
    Permission.PERSON_SEARCH: {**_KEEPS_REGISTER, Role.AUDITOR: Scope.ALL},
    Permission.PERSON_ERASE: _KEEPS_REGISTER,
    Permission.CONSENT_WRITE: _KEEPS_REGISTER,
    Permission.PERSONAL_DATA_ACCESS_READ: {Role.AUDITOR: Scope.ALL},
    Permission.ACCOUNT_READ: {**_KEEPS_REGISTER, Role.AUDITOR: Scope.ALL},
    Permission.ACCOUNT_WRITE: _KEEPS_REGISTER,
    Permission.ACCOUNT_CHECK: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.MONITORING_READ: {Role.COUNTY_REVIEWER: Scope.REGION, Role.AUDITOR: Scope.ALL},
    Permission.MONITORING_WRITE: {Role.OPERATOR: Scope.ALL},
    Permission.ENROLMENT_WRITE: {**_SUPPLIER_OWN},
    Permission.ENROLMENT_CONFIRM: {Role.VILLAGE_CLERK: Scope.REGION},
    Permission.PLAN_READ: {**_SUPPLIER_OWN, Role.COUNTY_REVIEWER: Scope.REGION, Role.AUDITOR: Scope.ALL},
    Permission.PLAN_WRITE: {**_SUPPLIER_OWN},
    Permission.PLAN_SIMULATE: {**_SUPPLIER_OWN, Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.PLAN_APPROVE: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.REGISTER_READ: {**_SUPPLIER_OWN, Role.COUNTY_REVIEWER: Scope.REGION, Role.AUDITOR: Scope.ALL},
    Permission.REGISTER_WRITE: {**_SUPPLIER_OWN},
    Permission.REGISTER_APPROVE: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.APPLICATION_READ: {
        **_SUPPLIER_OWN,
        **_REVIEWERS,
        Role.AUDITOR: Scope.ALL,
        Role.OPERATOR: Scope.ALL,
    },
    Permission.APPLICATION_WRITE: {**_SUPPLIER_OWN},
    Permission.APPLICATION_REVIEW: _REVIEWERS,
    Permission.OBJECTION_WRITE: _EVERYONE_ALL,
    Permission.OBJECTION_SETTLE: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.BATCH_WRITE: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.CERTIFICATE_READ: _EVERYONE_ALL,
    Permission.CERTIFICATE_WRITE: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.PRODUCT_READ: _EVERYONE_ALL,
    Permission.PRODUCT_WRITE: {**_SUPPLIER_OWN},
    Permission.CATEGORY_WRITE: {Role.OPERATOR: Scope.ALL},
    Permission.LOT_READ: {**_SUPPLIER_OWN, Role.COUNTY_REVIEWER: Scope.REGION, Role.AUDITOR: Scope.ALL},
    Permission.LOT_WRITE: {**_SUPPLIER_OWN},
    Permission.LOT_OPEN: {Role.SUPPLIER_MANAGER: Scope.OWN},
    Permission.BASELINE_CONFIRM: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.ORDER_READ: {**_SUPPLIER_OWN, **_BUYER_OWN, **_OVERSEERS},
    Permission.ORDER_PLACE: {Role.BUYER_CLERK: Scope.OWN},
    Permission.ORDER_CONFIRM: {**_SUPPLIER_OWN},
    Permission.ORDER_SHIP: {**_SUPPLIER_OWN},
    Permission.ORDER_ACCEPT: {Role.BUYER_RECEIVER: Scope.OWN},
    Permission.ORDER_CANCEL: {Role.BUYER_CLERK: Scope.OWN, **_SUPPLIER_OWN},
    Permission.ORDER_RETURN: {Role.BUYER_RECEIVER: Scope.OWN},
    Permission.ORDER_CUT_PRICE: {Role.SUPPLIER_MANAGER: Scope.OWN},
    Permission.ORDER_AGREE_PRICE_CUT: {Role.BUYER_RECEIVER: Scope.OWN},
    Permission.ONLINE_PAYMENT_READ: {**_BUYER_OWN, Role.AUDITOR: Scope.ALL, Role.OPERATOR: Scope.ALL},
    Permission.ONLINE_PAYMENT_WRITE: {Role.BUYER_CLERK: Scope.OWN},
    Permission.PROVIDER_ACCOUNT_READ: {**_SUPPLIER_OWN, Role.OPERATOR: Scope.OWN},
    Permission.PROVIDER_ACCOUNT_WRITE: {Role.SUPPLIER_MANAGER: Scope.OWN},
    Permission.REFUND_READ: {**_SUPPLIER_OWN, **_BUYER_OWN, **_OVERSEERS},
    Permission.REFUND_REQUEST: {Role.BUYER_CLERK: Scope.OWN, **_SUPPLIER_OWN, Role.OPERATOR: Scope.ALL},
    Permission.REFUND_SEND: {**_SUPPLIER_OWN, Role.OPERATOR: Scope.ALL},
    Permission.RECEIPT_READ: {**_SUPPLIER_OWN, **_BUYER_OWN, **_OVERSEERS},
    Permission.RECEIPT_WRITE: {**_SUPPLIER_OWN},
    Permission.BANK_READ: {**_SUPPLIER_OWN, Role.AUDITOR: Scope.ALL, Role.OPERATOR: Scope.ALL},
    Permission.BANK_WRITE: {**_SUPPLIER_OWN, Role.OPERATOR: Scope.OWN},
    Permission.BANK_ACCOUNT_WRITE: {Role.SUPPLIER_MANAGER: Scope.OWN, Role.OPERATOR: Scope.OWN},
    Permission.BANK_ACCOUNT_CONFIRM: {Role.OPERATOR: Scope.ALL},
    Permission.DISBURSEMENT_READ: _SEES_HOUSEHOLDS,
    Permission.DISBURSEMENT_WRITE: {**_SUPPLIER_OWN},
    Permission.DISBURSEMENT_CONFIRM: {Role.VILLAGE_CLERK: Scope.REGION},
    Permission.DISBURSEMENT_COUNTERSIGN: {**_SUPPLIER_OWN, Role.VILLAGE_CLERK: Scope.REGION},
    Permission.EVIDENCE_WRITE: {**_SUPPLIER_OWN, Role.VILLAGE_CLERK: Scope.REGION},
    Permission.PAYMENT_TERMS_WRITE: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.DISTRIBUTION_READ: _SEES_HOUSEHOLDS,
    Permission.DISTRIBUTION_WRITE: {**_SUPPLIER_OWN},
    Permission.DISTRIBUTION_APPROVE: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.ANNULMENT_READ: _SEES_HOUSEHOLDS,
    Permission.ANNULMENT_WRITE: {
        Role.SUPPLIER_MANAGER: Scope.OWN,
        Role.COUNTY_REVIEWER: Scope.REGION,
        Role.AUDITOR: Scope.ALL,
    },
    Permission.ANNULMENT_APPROVE: {Role.COUNTY_REVIEWER: Scope.REGION},
    Permission.STATEMENT_READ: _SEES_HOUSEHOLDS,
    Permission.SETTLEMENT_READ: {**_SUPPLIER_OWN, Role.AUDITOR: Scope.ALL, Role.OPERATOR: Scope.ALL},
    Permission.SETTLEMENT_WRITE: {Role.OPERATOR: Scope.ALL},
    Permission.CASH_READ: {Role.AUDITOR: Scope.ALL, Role.OPERATOR: Scope.ALL},
    Permission.AUDIT_READ: {Role.AUDITOR: Scope.ALL},
    Permission.REPORT_READ: {**_SUPPLIER_OWN, **_BUYER_OWN, **_OVERSEERS},
    Permission.PERIOD_CLOSE: {Role.AUDITOR: Scope.ALL},
}


@dataclass(frozen=True, slots=True)
class Actor:
    """The member on whose behalf a request runs, and how far the permission it uses reaches."""

    member_id: UUID
    organisation_id: UUID
    kind: OrganisationKind
    role: Role
    region_code: str
    scope: Scope
    key_scopes: frozenset[str] | None = None
    """What an API key was made for; None for a person who signed in."""

    @property
    def side(self) -> Side:
        """Return the side of the market the actor's organisation stands on."""
        return SIDE_OF[self.kind]


def scope_of(role: Role, permission: Permission, key_scopes: frozenset[str] | None) -> Scope:
    """Return how far `permission` reaches for a role; an API key may only narrow it.

    Raises `ForbiddenError` when the table or the key does not grant it.
    """
    scope = POLICY[permission].get(role)
    if scope is None or (key_scopes is not None and permission.value not in key_scopes):
        raise ForbiddenError(permission=permission.value)
    return scope


def permissions_of(role: Role, key_scopes: frozenset[str] | None) -> list[tuple[Permission, Scope]]:
    """Return everything a role may do, narrowed by an API key, with how far each reaches."""
    return [
        (permission, scopes[role])
        for permission, scopes in POLICY.items()
        if role in scopes and (key_scopes is None or permission.value in key_scopes)
    ]


_OF_PERSONS = (Permission.API_KEY_WRITE, Permission.PASSWORD_WRITE)


def check_key_scopes(role: Role, scopes: Collection[Permission]) -> None:
    """Raise `KeyScopeError` for what the role lacks, for making keys (no key begets another) and for the password."""
    for permission in scopes:
        if role not in POLICY[permission] or permission in _OF_PERSONS:
            raise KeyScopeError(permission=permission.value, pointer="/scopes")


def check_role(kind: OrganisationKind, role: Role) -> None:
    """Raise `RoleNotOfKindError` unless the role belongs to the side of the market of such an organisation."""
    if role not in ROLES_OF[SIDE_OF[kind]]:
        raise RoleNotOfKindError(kind=kind, role=role, pointer="/role")


class RoleNotOfKindError(MarketError):
    """A role belongs to one side of the market."""

    en = "An organisation of this kind ({kind}) has no such role ({role})."
    zh = "该类单位({kind})没有此角色({role})。"


class KeyScopeError(MarketError):
    """A key cannot carry more than its maker may do, cannot make keys and cannot change the password."""

    en = "An API key can carry permissions of your own role, but for keys and the password; this is none: {permission}."
    zh = "API 密钥的权限不得超出本人角色,也不得再生成密钥或修改密码;不在其中:{permission}。"
