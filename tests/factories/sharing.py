"""Share registers as the county has approved them."""

from datetime import date

from sqlalchemy import orm

from market.benefits.holdings import RegisterBody
from market.benefits.models import Register, RegisterVersion
from market.benefits.rules import PlanStatus
from market.identity.models import Organisation
from market.identity.rules import OrganisationKind, Role
from tests.factories.people import LONG_AGO, member, number, organisation


def register_version(
    session: orm.Session,
    keeper: Organisation,
    body: RegisterBody,
    *,
    status: PlanStatus = PlanStatus.APPROVED,
    valid_from: date = date(2020, 1, 1),
) -> RegisterVersion:
    """The first version of a new register, approved by the keeper's county unless told otherwise."""
    register = Register(organisation_id=keeper.id, kind=body.kind, name=f"名册{number()}")
    session.add(register)
    session.flush()
    decided = status in (PlanStatus.APPROVED, PlanStatus.REJECTED)
    county = organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT, region_code=keeper.region_code[:6])
    row = RegisterVersion(
        register_id=register.id,
        number=1,
        status=status,
        body=body.as_json(),
        canonical=body.canonical(),
        sha256=body.sha256(),
        valid_from=valid_from,
        evidence="入股凭证",
        made_by=member(session, keeper).id,
        made_at=LONG_AGO,
        decided_by=member(session, county, Role.COUNTY_REVIEWER).id if decided else None,
        decided_at=LONG_AGO if decided else None,
        opinion="同意" if decided else None,
    )
    session.add(row)
    session.flush()
    return row
