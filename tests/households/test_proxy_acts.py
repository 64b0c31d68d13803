"""Whatever a village clerk does in a household's place is on record, and nothing that it does by its own office."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.audit.doctoring import examine
from market.benefits import enrolling
from market.db import Database
from market.distributions import giving_on
from market.households.models import Household, ProxyAct
from market.households.proxies import DEED_WORDS
from market.households.rules import Deed
from market.identity.models import Member
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.livelihoods import baselines, item_import, service
from market.livelihoods.rules import Figure, ItemKind, calendar_year
from tests import factories
from tests.distributions.season import AFTER, Season
from tests.story import open_channels
from tests.test_statement_counts import counted

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
TODAY = date(2026, 3, 2)
VILLAGE = "141122106201"
PENSION = service.Item(ItemKind.PENSION, 10_800, date(2026, 2, 10), "县人社局", "发放表 2026-02")
HEADINGS = "户编号,类别,金额(元),日期,来源,凭证"


def of_role(session: orm.Session, role: Role) -> Actor:
    body = factories.organisation(session, kind=OrganisationKind.VILLAGE_OFFICE, region_code=VILLAGE)
    return factories.actor(session, factories.member(session, body, role), Scope.REGION)


@pytest.fixture
def clerk(session: orm.Session) -> Actor:
    return of_role(session, Role.VILLAGE_CLERK)


@pytest.fixture
def county(session: orm.Session) -> Actor:
    return of_role(session, Role.COUNTY_REVIEWER)


@pytest.fixture
def household(session: orm.Session) -> Household:
    return factories.household(session, village_code=VILLAGE)


def acts(session: orm.Session, actor: Actor) -> list[tuple[Deed, UUID, UUID | None]]:
    rows = session.scalars(sa.select(ProxyAct).where(ProxyAct.member_id == actor.member_id).order_by(ProxyAct.id))
    return [(row.deed, row.household_id, row.about_id) for row in rows]


def table(*households: Household) -> bytes:
    rows = (f"{household.code},养老金,108,2026-02-10,县人社局,凭证 20260210001" for household in households)
    return "\n".join([HEADINGS, *rows]).encode()


def test_every_deed_has_a_word_in_both_languages() -> None:
    assert set(DEED_WORDS) == set(Deed)


def test_what_a_clerk_puts_on_a_households_account_is_done_in_its_place(
    session: orm.Session, clerk: Actor, household: Household
) -> None:
    item = service.record(session, clerk, household_id=household.id, item=PENSION, today=TODAY, now=NOW)
    back = service.reverse(session, clerk, item_id=item.id, reason="金额有误", now=NOW)
    stated = baselines.propose(
        session,
        clerk,
        household_id=household.id,
        figure=Figure.NET,
        amount_fen=1_200_000,
        period=calendar_year(2024),
        source="采集表",
        now=NOW,
    )
    assert acts(session, clerk) == [
        (Deed.ITEM_RECORDED, household.id, item.id),
        (Deed.ITEM_REVERSED, household.id, back.id),
        (Deed.BASELINE_STATED, household.id, stated.id),
    ]


def test_the_county_keeps_an_account_by_its_office(session: orm.Session, county: Actor, household: Household) -> None:
    item = service.record(session, county, household_id=household.id, item=PENSION, today=TODAY, now=NOW)
    service.reverse(session, county, item_id=item.id, reason="金额有误", now=NOW)
    item_import.import_items(
        session, county, file_name="收支.csv", content=table(household), today=TODAY, now=NOW, dry_run=False
    )
    assert acts(session, county) == []


def imported(session: orm.Session, clerk: Actor, households: list[Household], *, dry_run: bool = False) -> None:
    item_import.import_items(
        session, clerk, file_name="收支.csv", content=table(*households), today=TODAY, now=NOW, dry_run=dry_run
    )


def test_an_import_leaves_an_act_for_each_item_in_as_many_statements_for_one_as_for_fifty(
    session: orm.Session, db: Database, clerk: Actor
) -> None:
    counts = []
    for number in (1, 50):
        households = [factories.household(session, village_code=VILLAGE) for _ in range(number)]
        before = len(acts(session, clerk))
        imported(session, clerk, households, dry_run=True)
        assert len(acts(session, clerk)) == before, "a dry run does nothing in anybody's place"
        with counted(db) as statements:
            imported(session, clerk, households)
        counts.append(len(statements))
        made = acts(session, clerk)[before:]
        assert {deed for deed, *_ in made} == {Deed.ITEM_RECORDED}
        assert {household_id for _, household_id, _ in made} == {household.id for household in households}
    assert counts[0] == counts[1]


def test_an_enrolment_is_confirmed_in_the_households_place_once(session: orm.Session, clerk: Actor) -> None:
    supplier = factories.organisation(session)
    first, second = (factories.household(session, village_code=VILLAGE) for _ in range(2))
    for household in (first, second):
        factories.enrolment(session, supplier, household, confirmed=False)
    for households in ([first], [first, second]):
        ids = [household.id for household in households]
        enrolling.confirm_enrolments(session, clerk, supplier_id=supplier.id, household_ids=ids, now=NOW)
    assert acts(session, clerk) == [
        (Deed.ENROLMENT_CONFIRMED, household.id, supplier.id) for household in (first, second)
    ]


def test_what_a_collective_gave_on_is_confirmed_in_the_place_of_those_who_were_given_something(
    session: orm.Session,
) -> None:
    open_channels(session)
    season = Season(session, pools=(), collective_bp=2_000)
    season.story.lot(1_000_000)
    first, second, gone = (factories.household(session) for _ in range(3))
    gone.departed_on = TODAY
    season.sell("10")
    season.pay_collective(20_00)
    given = season.give_on(20_00, {first.id: 1, second.id: 1, gone.id: 1})
    giving_on.confirm(session, season.village, distribution_id=given.id, on=AFTER, now=NOW)
    confirmed = [(deed, household) for deed, household, about in acts(session, season.village) if about == given.id]
    assert confirmed == [(Deed.SECOND_CONFIRMED, household.id) for household in (first, second)]


@pytest.mark.parametrize("since", [NOW, NOW + timedelta(seconds=1)])
def test_the_doctor_names_every_deed_of_a_clerk_that_left_no_act(
    session: orm.Session, county: Actor, household: Household, since: datetime
) -> None:
    """The facts are an officer's, who left none; then it is made out that the officer was a clerk, or is one now."""
    open_channels(session)
    supplier = factories.organisation(session)
    factories.enrolment(session, supplier, household, confirmed=False)
    enrolling.confirm_enrolments(session, county, supplier_id=supplier.id, household_ids=[household.id], now=NOW)
    item = service.record(session, county, household_id=household.id, item=PENSION, today=TODAY, now=NOW)
    service.reverse(session, county, item_id=item.id, reason="金额有误", now=NOW)
    said: dict[str, Any] = {"figure": Figure.NET, "amount_fen": 1, "period": calendar_year(2024), "source": "采集表"}
    baselines.propose(session, county, household_id=household.id, now=NOW, **said)
    season = Season(session, pools=(), collective_bp=2_000)
    season.story.lot(1_000_000)
    season.sell("10")
    season.pay_collective(20_00)
    given = season.give_on(20_00, {household.id: 1})
    giving_on.confirm(session, county, distribution_id=given.id, on=AFTER, now=NOW)
    assert missing(session) == set()
    made_out = sa.update(Member).where(Member.id == county.member_id)
    session.execute(made_out.values(role=Role.VILLAGE_CLERK, added_at=since))
    elsewhere = set(Deed) - {Deed.CONSENT_GIVEN, Deed.CONSENT_WITHDRAWN, Deed.CODE_PRINTED, Deed.PAYMENT_CONFIRMED}
    assert missing(session) == (elsewhere - {Deed.ERASURE_REQUESTED} if since == NOW else set())


def missing(session: orm.Session) -> set[str]:
    return {symptom.expected for symptom in examine(session) if symptom.invariant == "clerk_acts_on_record"}


def test_a_supplier_learns_of_acts_for_its_households_no_more_than_it_may_know(
    client: TestClient, session: orm.Session, clerk: Actor, household: Household
) -> None:
    own, other = (factories.organisation(session) for _ in range(2))
    for supplier in (own, other):
        factories.enrolment(session, supplier, household, confirmed=False)
        enrolling.confirm_enrolments(session, clerk, supplier_id=supplier.id, household_ids=[household.id], now=NOW)
    service.record(session, clerk, household_id=household.id, item=PENSION, today=TODAY, now=NOW)

    def told(headers: dict[str, str]) -> list[tuple[str, str, str]]:
        acts = client.get("/v1/proxy-acts", headers=headers).json()["items"]
        return [(act["deed"], act["en"], act["zh"]) for act in reversed(acts)]

    enrolled = ("enrolment_confirmed", *DEED_WORDS[Deed.ENROLMENT_CONFIRMED])
    assert told(factories.headers(session, factories.member(session, own))) == [enrolled]
    assert told(factories.signed_in(session, Role.AUDITOR)) == [
        enrolled,
        enrolled,
        ("account_item_recorded", *DEED_WORDS[Deed.ITEM_RECORDED]),
    ]
    assert examine(session) == []
