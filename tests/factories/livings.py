"""What households earn and spend outside the market."""

from datetime import date, datetime
from uuid import uuid4

from sqlalchemy import orm

from market.households.models import Household
from market.households.rules import Deed
from market.identity.rules import OrganisationKind, Role
from market.livelihoods.models import AccountItem, AccountItemCheck, HouseholdBaseline
from market.livelihoods.rules import BaselineStatus, Figure, ItemKind, Window, calendar_year
from tests.factories.people import LONG_AGO, member, organisation
from tests.factories.places import proxy_act, village_clerk


def account_item(
    session: orm.Session,
    household: Household,
    *,
    kind: ItemKind = ItemKind.PENSION,
    amount_fen: int = 10_000,
    on: date = date(2026, 2, 10),
    at: datetime = LONG_AGO,
    checked: bool = False,
) -> AccountItem:
    """An item on a household's account, recorded long ago by its village; checked by its county if told so."""
    clerk = village_clerk(session, household)
    row = AccountItem(
        household_id=household.id,
        kind=kind,
        amount_fen=amount_fen,
        occurred_on=on,
        source="村委会",
        evidence=uuid4().hex,
        reverses=None,
        reason=None,
        recorded_by=clerk.id,
        recorded_at=at,
    )
    session.add(row)
    session.flush()
    proxy_act(session, household, clerk, Deed.ITEM_RECORDED, row.id, at=at)
    if checked:
        county = organisation(session, kind=OrganisationKind.REVITALISATION_DEPARTMENT, region_code="141122")
        checker = member(session, county, Role.COUNTY_REVIEWER).id
        session.add(AccountItemCheck(item_id=row.id, recorded_by=row.recorded_by, checked_by=checker, checked_at=at))
        session.flush()
    return row


def household_baseline(
    session: orm.Session,
    household: Household,
    *,
    figure: Figure = Figure.NET,
    amount_fen: int = 1_000_000,
    year: int = 2024,
    period: Window | None = None,
    confirmed: bool = True,
    replaces: HouseholdBaseline | None = None,
    decided_at: datetime = LONG_AGO,
) -> HouseholdBaseline:
    """What a household's figure was in a year or period before, confirmed by its county unless told otherwise."""
    clerk = village_clerk(session, household)
    county = organisation(
        session, kind=OrganisationKind.REVITALISATION_DEPARTMENT, region_code=household.village_code[:6]
    )
    period = period or calendar_year(year)
    row = HouseholdBaseline(
        household_id=household.id,
        figure=figure,
        amount_fen=amount_fen,
        period_from=period.begin,
        period_to=period.end,
        source="年度农户收入采集表",
        status=BaselineStatus.CONFIRMED if confirmed else BaselineStatus.PROPOSED,
        stated_by=clerk.id,
        stated_at=LONG_AGO,
        decided_by=member(session, county, Role.COUNTY_REVIEWER).id if confirmed else None,
        decided_at=decided_at if confirmed else None,
        opinion="同意" if confirmed else None,
        replaces=replaces.id if replaces else None,
        reason="漏计养老金" if replaces else None,
    )
    session.add(row)
    session.flush()
    proxy_act(session, household, clerk, Deed.BASELINE_STATED, row.id)
    return row
