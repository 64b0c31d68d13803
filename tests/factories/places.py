"""Where the market is held: regions, households and with whom they take part, the channels."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import orm

from market.benefits.models import Enrolment
from market.channels import service as channel_schemes
from market.channels.models import ChannelScheme
from market.channels.rules import ChannelTerms, FundsModel
from market.households.models import Household, HouseholdHeadCount, HouseholdStatusPeriod, ProxyAct
from market.households.rules import Deed, HouseholdStatus
from market.identity.models import Member, Organisation
from market.identity.rules import OrganisationKind, Role
from market.regions.models import Region
from tests.factories.people import LONG_AGO, member, number, organisation


def region(
    session: orm.Session, *, code: str = "141122106201", name: str = "王村", valid_from: date = date(2010, 1, 1)
) -> Region:
    """A region that still bears its first name."""
    row = Region(code=code, name=name, valid_from=valid_from, valid_until=None)
    session.add(row)
    session.flush()
    return row


def seven_into(session: orm.Session, *, valid_from: date = date(2019, 1, 1)) -> ChannelScheme:
    """The default scheme 七进, in force from that day on."""
    kinds = OrganisationKind
    canteens = {kinds.BUDGET_UNIT, kinds.SCHOOL, kinds.HOSPITAL, kinds.CANTEEN_CONTRACTOR}
    helpers = {kinds.FAMILY, kinds.BUDGET_UNIT, kinds.FIRM, kinds.TRADE_UNION}
    rows: list[tuple[str, str, set[OrganisationKind], tuple[str, ...], bool, bool]] = [
        ("canteen", "进食堂", canteens, ("acceptance_note", "invoice"), False, True),
        ("city", "进城市", {kinds.EXHIBITION_HALL}, ("consignment_sheet",), False, False),
        ("market", "进市场", {kinds.SUPERMARKET, kinds.FIRM}, ("contract", "weigh_note"), False, False),
        ("online", "进网络", {kinds.ONLINE_SHOP}, ("platform_order",), True, False),
        ("scenic", "进景区", {kinds.SCENIC_AREA}, ("point_of_sale_sheet",), False, False),
        ("workshop", "进车间", {kinds.FIRM, kinds.TRADE_UNION}, ("order_form",), False, True),
        ("household", "进家庭", helpers, ("receipt",), False, True),
    ]
    channels = [
        ChannelTerms(
            code=code,
            name=name,
            buyer_kinds=frozenset(buyers),
            evidence_kinds=evidence,
            needs_external_number=numbered,
            counts_to_reserved_share=counts,
            funds_models=tuple(FundsModel) if code == "canteen" else (FundsModel.DIRECT,),
        )
        for code, name, buyers, evidence, numbered, counts in rows
    ]
    return channel_schemes.publish_scheme(
        session, code="qi_jin", name="七进", valid_from=valid_from, channels=channels, today=valid_from
    )


def household(
    session: orm.Session,
    *,
    village_code: str = "141122106201",
    status: HouseholdStatus = HouseholdStatus.REGISTERED_POOR,
    head_count: int = 3,
    code: str | None = None,
    registered_on: date = date(2020, 1, 1),
    recorded_at: datetime = LONG_AGO,
) -> Household:
    """A household on the register, with one status from its first day, recorded on it unless told otherwise."""
    row = Household(
        code=code or f"{village_code}{number():04d}",
        village_code=village_code,
        head_count=head_count,
        registered_on=registered_on,
        departed_on=None,
    )
    session.add(row)
    session.flush()
    since = {"household_id": row.id, "valid_from": registered_on, "recorded_at": recorded_at}
    session.add(HouseholdStatusPeriod(status=status, **since))
    session.add(HouseholdHeadCount(head_count=head_count, **since))
    session.flush()
    return row


def village(session: orm.Session, size: int, *, code: str = "141122106201") -> list[Household]:
    """So many households of a village, written at once."""
    since = date(2020, 1, 1)
    rows = [
        Household(code=f"{code}{number():04d}", village_code=code, head_count=3, registered_on=since, departed_on=None)
        for _ in range(size)
    ]
    session.add_all(rows)
    session.flush()
    poor = HouseholdStatus.REGISTERED_POOR
    session.add_all(HouseholdStatusPeriod(household_id=row.id, valid_from=since, status=poor) for row in rows)
    session.flush()
    return rows


def enrolment(
    session: orm.Session,
    supplier: Organisation,
    household: Household,
    *,
    on: date = date(2020, 1, 1),
    confirmed: bool = True,
) -> Enrolment:
    """The household takes part with the supplier, of any county, confirmed by its village unless told otherwise."""
    clerk = village_clerk(session, household) if confirmed else None
    row = Enrolment(
        supplier_id=supplier.id,
        household_id=household.id,
        enrolled_on=on,
        enrolled_by=member(session, supplier).id,
        confirmed_by=clerk.id if clerk else None,
        confirmed_at=LONG_AGO if clerk else None,
    )
    session.add(row)
    session.flush()
    if clerk:
        proxy_act(session, household, clerk, Deed.ENROLMENT_CONFIRMED, supplier.id)
    return row


def village_clerk(session: orm.Session, household: Household) -> Member:
    """A clerk in an office of the household's village."""
    office = organisation(session, kind=OrganisationKind.VILLAGE_OFFICE, region_code=household.village_code)
    return member(session, office, Role.VILLAGE_CLERK)


def proxy_act(
    session: orm.Session, household: Household, clerk: Member, deed: Deed, about_id: UUID, *, at: datetime = LONG_AGO
) -> ProxyAct:
    """What the clerk did in the household's place."""
    row = ProxyAct(
        household_id=household.id,
        deed=deed,
        about_id=about_id,
        evidence="农户到村口头申报",
        member_id=clerk.id,
        acting_for=clerk.organisation_id,
        acted_at=at,
    )
    session.add(row)
    session.flush()
    return row
