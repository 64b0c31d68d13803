"""What the files call things by, and what the database calls them."""

from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from market.identity.models import Member, Organisation
from market.identity.rules import Actor, Permission, Role, scope_of


@dataclass(slots=True)
class Known:
    """Everything loaded so far, by the name that the files give it."""

    organisations: dict[str, Organisation] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    households: dict[str, UUID] = field(default_factory=dict)
    village_of: dict[UUID, str] = field(default_factory=dict)
    """The region code in which a payee, a household or a collective, lives."""
    plans: dict[str, UUID] = field(default_factory=dict)
    versions: dict[tuple[str, str], UUID] = field(default_factory=dict)
    registers: dict[str, UUID] = field(default_factory=dict)
    """Of each register its version: the files tell of one."""
    applications: dict[str, UUID] = field(default_factory=dict)
    objections: dict[str, UUID] = field(default_factory=dict)
    certificates: dict[str, UUID] = field(default_factory=dict)
    products: dict[str, UUID] = field(default_factory=dict)
    lots: dict[str, UUID] = field(default_factory=dict)
    contributions: dict[str, list[tuple[UUID, UUID, int]]] = field(default_factory=lambda: defaultdict(list))
    """Of each lot the contributions: id, household, amount in fen."""
    orders: dict[str, UUID] = field(default_factory=dict)
    order_lines: dict[tuple[str, str], UUID] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    """What a bank's remark names order groups, settlements and refunds by."""
    bank_accounts: dict[str, UUID] = field(default_factory=dict)
    matches: dict[str, UUID] = field(default_factory=dict)
    refunds: dict[str, UUID] = field(default_factory=dict)
    settlements: dict[str, UUID] = field(default_factory=dict)
    distributions: dict[str, UUID] = field(default_factory=dict)
    second_distributions: dict[str, UUID] = field(default_factory=dict)
    household_baselines: dict[tuple[str, str], UUID] = field(default_factory=dict)
    """The one stated last, by household and figure."""
    payments: dict[str, list[tuple[UUID, UUID]]] = field(default_factory=dict)
    """Of each disbursement the payments: id, payee."""

    def actor(self, login: str, permission: Permission) -> Actor:
        """Return a member as the service sees one that uses a permission; raises `ForbiddenError`."""
        member = self.members[login]
        body = self.organisations[login.rpartition(".")[0]]
        return Actor(
            member_id=member.id,
            organisation_id=body.id,
            kind=body.kind,
            role=member.role,
            region_code=body.region_code,
            scope=scope_of(member.role, permission, None),
        )

    def officer(self, role: Role, region_code: str, permission: Permission) -> Actor:
        """Return the first officer with a role whose region holds a code; raises `LookupError`."""
        for login, member in self.members.items():
            body = self.organisations[login.rpartition(".")[0]]
            if member.role is role and region_code.startswith(body.region_code):
                return self.actor(login, permission)
        raise LookupError(role, region_code)
